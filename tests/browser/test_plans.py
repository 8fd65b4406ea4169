# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""The form for a flavor and the plan to drain a host, as an administrator sees them."""

from __future__ import annotations

from selenium.webdriver.common.by import By

from tests.browser.base import BrowserTestCase
from tests.dashboard.dashboard import PANEL


class PlansTest(BrowserTestCase):
    def test_a_flavor_is_created_for_an_alias(self) -> None:
        self.open()
        self.open_tab("aliases")
        row = self.find("#aliases__row__vf-yes")
        row.find_element(By.PARTIAL_LINK_TEXT, "Create Flavor").click()
        self.find(".modal-dialog input[name=name]").send_keys("<i>new</i>")
        self.screenshot("create-flavor")
        self.find(".modal-dialog input[type=submit]").click()
        self.find(".alert-success")
        flavor = self.connection.compute.find_flavor("<i>new</i>", get_extra_specs=True)
        self.assertEqual("vf-yes:1", flavor.extra_specs["pci_passthrough:alias"])
        self.screenshot("flavor-created")

    def test_a_host_with_servers_has_a_plan_to_drain_it(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        self.boot(self.flavor("vf-any:1"), host="compute1", name="stuck")
        self.open(f"{PANEL}hosts/compute1/")
        self.find("a[href*='/drain/compute1/']").click()
        rows = self.rows("plan")
        self.assertEqual(["1", "mobile", "Can Leave", "compute2"], rows[0][:4])
        self.assertEqual(["stuck", "Stays"], rows[1][1:3])
        self.assertIn(f"--host compute2 {server}", self.find("#drain-2").text)
        self.screenshot("drain-plan")
