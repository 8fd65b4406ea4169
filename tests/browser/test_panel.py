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

"""The panel in a browser: what administrators and others see of a real cloud."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions

from tests.browser.base import BrowserTestCase
from tests.dashboard.dashboard import PANEL
from tests.functional.base import UNTAGGED, YES, HostSpec

MARKUP = "<b>bold</b>&amp;"


class PanelTestCase(BrowserTestCase):
    hosts = (
        HostSpec("compute1", vfs=4, device_specs=(YES,)),
        HostSpec("compute2", vfs=4, device_specs=(YES,)),
        HostSpec("compute3", vfs=4, device_specs=(UNTAGGED,)),
    )


class AdministratorTest(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.boot(self.flavor("vf-yes:2"), host="compute1", name="mobile")
        self.boot(self.flavor("vf-any:1"), host="compute3", name="stuck")

    def test_all_of_the_cloud_is_on_the_tabs_and_leads_to_the_pages_of_horizon(self) -> None:
        self.open()
        cards = [card.text.split("\n")[0] for card in self.all(".vfio-host")]
        self.assertEqual(["compute1", "compute2", "compute3"], cards)
        self.assertIn("2 of 4 units used", self.find(".vfio-host").text)
        self.screenshot("overview")

        self.open_tab("devices")
        self.assertEqual(
            ["compute1", "0000:81:00.0", "CUSTOM_PCI_8086_1515", "4", "2", "2", "Yes", "No"],
            self.rows("devices")[0],
        )
        self.screenshot("devices")

        self.open_tab("aliases")
        self.assertEqual(["Unspecified", "Yes"], [row[3] for row in self.rows("aliases")])
        self.assertEqual(2, len(self.rows("flavors")))
        self.screenshot("aliases-and-flavors")

        self.open_tab("servers")
        mobile, stuck = self.rows("servers")
        self.assertEqual(["mobile", "Active", "compute1", "0000:81:00.0 × 2"], mobile[:4])
        self.assertEqual(["Yes", "Check"], mobile[5:7])
        self.assertEqual(["Unspecified", "Check"], stuck[5:7])
        self.check_page()
        self.assertEqual(["Ready", "Blocked"], [row[6] for row in self.rows("servers")])
        self.screenshot("servers")
        link = self.find("#servers tbody a").get_attribute("href")

        self.open_tab("hosts")
        self.assertEqual(["Yes", "Yes", "No"], [row[7] for row in self.rows("hosts")])
        self.screenshot("hosts")

        self.browser.get(link)
        self.wait_for(expected_conditions.title_contains("mobile"))

    def test_a_host_is_reached_by_the_keyboard_alone(self) -> None:
        self.open()
        self.find(".vfio-host").send_keys(Keys.ENTER)
        self.wait_for(expected_conditions.url_contains("/hosts/compute1/"))
        self.wait_for(expected_conditions.title_contains("compute1"))
        self.assertEqual("2", self.rows("devices")[0][3])
        self.assertEqual("mobile", self.rows("servers")[0][0])
        self.screenshot("host")

    def test_the_filter_narrows_what_is_shown(self) -> None:
        self.open()
        self.open_tab("devices")
        self.find("input[name=devices_q]").send_keys("compute2", Keys.ENTER)
        self.wait_for(expected_conditions.url_contains("devices_q=compute2"))
        self.assertEqual(["compute2"], [row[0] for row in self.rows("devices")])

    def test_names_with_markup_are_text(self) -> None:
        flavor = self.flavor("vf-yes:1")
        self.boot(flavor, host="compute2", name=MARKUP)
        self.open(f"{PANEL}?tab=vfio_live_migration__servers&servers_q={MARKUP[1:2]}")
        names = [row[0] for row in self.rows("servers")]
        self.assertIn(MARKUP, names)
        self.assertEqual([], self.browser.find_elements(By.CSS_SELECTOR, "#servers b"))

    def test_it_has_the_theme_and_the_language_of_the_user(self) -> None:
        self.browser.add_cookie({"name": "theme", "value": "material", "path": "/"})
        self.browser.add_cookie({"name": "horizon_language", "value": "de", "path": "/"})
        self.open()
        self.assertIn("Einheiten belegt", self.find(".vfio-host").text)
        self.screenshot("overview-german-material")

    def test_placement_that_is_down_is_said_and_the_rest_is_shown(self) -> None:
        with self.placement_elsewhere():
            self.log_in(self.user)
            self.assertIn("placement cannot be reached", self.find(".alert-warning").text)
            self.assertEqual(3, len(self.all(".vfio-host")))
            self.screenshot("placement-down")
            self.open_tab("devices")
            self.assertIn("Not known.", self.find("#devices").text)
            self.open_tab("servers")
            self.assertEqual(["mobile", "stuck"], [row[0] for row in self.rows("servers")])
            self.check_page()
            self.assertEqual({"Check"}, {row[6] for row in self.rows("servers")})

    def check_page(self) -> None:
        """Ask for the verdicts about the servers of the page, and wait for them."""
        action = self.find("#servers__action_check_page")
        action.click()
        self.wait_for(expected_conditions.staleness_of(action))

    @contextlib.contextmanager
    def placement_elsewhere(self) -> Iterator[None]:
        """Let keystone's catalogue name an address for placement where nothing is."""
        identity = self.connection.identity
        (service,) = identity.services(type="placement")
        before = {e.id: e.url for e in identity.endpoints(service_id=service.id)}
        for endpoint in before:
            identity.update_endpoint(endpoint, url="http://127.0.0.1:1")
        try:
            yield
        finally:
            for endpoint, url in before.items():
                identity.update_endpoint(endpoint, url=url)


class OtherUserTest(PanelTestCase):
    user = "demo"

    def test_who_is_no_administrator_sees_no_panel(self) -> None:
        self.open("/project/instances/")
        self.find("#sidebar")
        links = self.browser.find_elements(By.CSS_SELECTOR, f"a[href*='{PANEL}']")
        self.assertEqual([], links)
        self.open()
        self.assertEqual([], self.browser.find_elements(By.CSS_SELECTOR, ".vfio-live-migration"))
        self.screenshot("no-panel")
