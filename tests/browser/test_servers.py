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

"""The pages about one server, as an administrator sees them."""

from __future__ import annotations

from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions

from tests.browser.base import BrowserTestCase
from tests.dashboard.dashboard import PANEL
from tests.functional.base import YES, HostSpec
from tests.functional.host_knowledge import host_facts, users

MARKUP = "<img src=x onerror=alert(1)>"


class ServersTest(BrowserTestCase):
    def open_server(self, server: str) -> None:
        self.open(f"{PANEL}servers/{server}/")

    def text(self, selector: str) -> str:
        return self.find(selector).text

    def test_a_ready_server_is_migrated_and_seen_on_the_other_host(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        self.open_server(server)
        self.assertTrue(self.text("#verdict").startswith("Ready"), self.text("#verdict"))
        self.assertEqual([["compute2", "Ready", "2", "-"]], self.rows("destinations"))
        self.screenshot("preflight-ready")
        self.find("#vfio_live_migrate").click()
        chosen = self.find(".modal-dialog .themable-select .dropdown-title")
        self.assertEqual("compute2: Ready, 2 free devices", chosen.text)
        self.screenshot("migrate-form")
        self.find(".modal-dialog input[type=submit]").click()
        # No reload: the script sees the end.
        self.wait_for(
            expected_conditions.text_to_be_present_in_element(
                (By.CSS_SELECTOR, "[data-vfio-status]"), "The server has moved."
            )
        )
        self.assertIn("/migration/", self.browser.current_url)
        self.screenshot("migration-result")
        self.assertEqual("compute2", self.host_of(server))
        self.open_server(server)
        self.assertIn("on host compute2", self.text("#content_body"))

    def test_a_blocked_server_tells_why_and_is_not_migrated_by_mistake(self) -> None:
        server = self.boot(self.flavor("vf-any:1"), host="compute1", name=MARKUP)
        self.open("/admin/instances/")
        row = self.find(f"#instances__row__{server}")
        row.find_element(By.CSS_SELECTOR, ".dropdown-toggle").click()
        row.find_element(By.PARTIAL_LINK_TEXT, "Check Live Migration").click()
        self.assertTrue(self.text("#verdict").startswith("Blocked"), self.text("#verdict"))
        self.assertIn(MARKUP, self.text("h1"))
        self.assertIn("alias-live-migratable", self.text("#content_body dl"))
        self.screenshot("preflight-blocked")
        remedy = self.find("#obstacle-1").text
        self.assertTrue(remedy)
        button = self.find("[data-vfio-copy='obstacle-1']")
        button.click()
        self.wait_for(lambda _: button.text.strip() == "Copied")
        self.find("#all_checks summary").click()
        self.assertIn("server-state", {row[2] for row in self.rows("checks")})
        self.screenshot("preflight-checks")
        self.find("#vfio_live_migrate").click()
        self.find(".modal-dialog input[type=submit]").click()
        self.wait_for(
            expected_conditions.text_to_be_present_in_element(
                (By.CSS_SELECTOR, ".modal-dialog"), "nova was not asked"
            )
        )
        self.screenshot("migrate-blocked")
        self.assertEqual("compute1", self.host_of(server))

    def test_a_failed_migration_says_so(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.fail_next_migration()
        self.assertIsNone(self.live_migrate(server, "compute2"))
        self.open(f"{PANEL}servers/{server}/migration/")
        self.assertIn("The live migration failed.", self.text("[data-vfio-status]"))
        self.screenshot("migration-failed")

    def test_placement_down_is_said_and_the_page_stands(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="waiting")
        with self.cloud.silenced("placement"):
            self.open_server(server)
            self.assertIn("placement", self.text(".alert-danger"))
            self.assertIn("waiting", self.text("h1"))
            self.screenshot("preflight-placement-down")


class FilesOfHostsTest(BrowserTestCase):
    """Placement knows no device here, as in most clouds."""

    hosts = tuple(
        HostSpec(f"compute{number}", bus=0x80 + number, device_specs=(YES,)) for number in (1, 2)
    )
    pci_in_placement = False

    def test_the_files_of_hosts_make_a_server_ready(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        self.open(f"{PANEL}servers/{server}/")
        self.assertIn("Unknown", self.find("#verdict").text)
        self.assertIn("VFIO_LM_HOST_FACTS", self.find("#content_body").text)
        self.screenshot("preflight-unknown")
        in_use = users(self.cloud, [server])
        for host in self.hosts:
            conf = self.dashboard.host_nova_conf / f"{host.name}.conf"
            facts = self.dashboard.host_facts / f"{host.name}.json"
            conf.symlink_to(self.cloud.nova_conf(host.name))
            self.addCleanup(conf.unlink)
            facts.write_text(host_facts(host, in_use).to_json())
            self.addCleanup(facts.unlink)
        self.browser.refresh()
        self.assertIn("Ready", self.find("#verdict").text)
        self.assertEqual([["compute2", "Ready", "2", "-"]], self.rows("destinations"))
        self.open(f"{PANEL}drain/compute1/")
        self.assertEqual("compute2", self.rows("plan")[0][3])
