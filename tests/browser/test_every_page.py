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

"""Every page of the panel in every theme: who can use it, and that it has no inline code."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping

import axe_core_python

from tests.browser.base import BrowserTestCase
from tests.dashboard.dashboard import PANEL

AXE = pathlib.Path(axe_core_python.__file__).with_name("axe.min.js")
THEMES = ("default", "material", "dark")
TABS = ("overview", "devices", "aliases", "servers", "hosts")
CONTENTS = ".vfio-live-migration"
MODAL = ".modal-dialog"

# The frame of a page is Horizon's, as are the colours of links, of the titles of tables, of buttons
# and of alerts, and the little buttons beside a number, which have no name.
SERIOUS = """
    const done = arguments[arguments.length - 1];
    const isIn = (node, selector) => document.querySelector(node.target[0])
        .closest(selector) !== null;
    const isTheirs = (rule, node) => rule === 'color-contrast'
        ? isIn(node, 'a:not(.vfio-host), caption, .btn, .alert')
        : isIn(node, '.themable-spinner-btn');
    axe.run(arguments[0]).then(result => done(JSON.stringify(
        result.violations
        .filter(v => ['serious', 'critical'].includes(v.impact))
        .flatMap(v => v.nodes
            .filter(node => !isTheirs(v.id, node))
            .map(node => [v.id, node.html, node.failureSummary])))));
"""
UNFOLD = "document.querySelectorAll('details').forEach(each => { each.open = true; })"


class EveryPageTest(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.mobile = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        self.stuck = self.boot(self.flavor("vf-any:1"), host="compute1", name="stuck")
        self.cloud.fail_next_migration()
        self.assertIsNone(self.live_migrate(self.mobile, "compute2"))

    @property
    def pages(self) -> Mapping[str, str]:
        """The path of each page by its name."""
        tabs = {tab: f"{PANEL}?tab=vfio_live_migration__{tab}" for tab in TABS}
        return tabs | {
            "host": f"{PANEL}hosts/compute1/",
            "preflight": f"{PANEL}servers/{self.stuck}/",
            "migrate": f"{PANEL}servers/{self.mobile}/migrate/",
            "migrate-in-vain": f"{PANEL}servers/{self.stuck}/migrate/",
            "migration": f"{PANEL}servers/{self.mobile}/migration/",
            "flavor": f"{PANEL}flavors/create/?alias=vf-yes",
            "drain": f"{PANEL}drain/compute1/",
        }

    def test_no_page_is_a_serious_obstacle(self) -> None:
        found = []
        for theme in THEMES:
            self.browser.add_cookie({"name": "theme", "value": theme, "path": "/"})
            for name, path in self.pages.items():
                self.open(path)
                self.find(CONTENTS)
                self.browser.execute_script(UNFOLD)
                self.screenshot(f"{name}-{theme}")
                found += [(theme, name, *each) for each in self.obstacles(CONTENTS)]
        self.assertEqual([], found)

    def test_no_form_over_a_page_is_a_serious_obstacle(self) -> None:
        for name, link in (("preflight", "#vfio_live_migrate"), ("aliases", "#aliases .btn")):
            self.open(self.pages[name])
            self.find(link).click()
            self.find(f"{MODAL} input[type=submit]")
            self.assertEqual([], self.obstacles(f"{MODAL} .modal-body"), name)

    def test_no_page_has_what_a_strict_content_security_policy_forbids(self) -> None:
        self.open()
        for name, path in self.pages.items():
            page = self.browser.execute_script(
                "return fetch(arguments[0]).then(response => response.text())", path
            )
            contents = page.partition(CONTENTS[1:])[2].partition('id="footer"')[0]
            self.assertTrue(contents, name)
            for word in ("<script", "<style", " style=", " onclick=", "javascript:"):
                self.assertNotIn(word, contents, name)

    def obstacles(self, region: str) -> list[list[str]]:
        """Return what axe-core finds serious or critical in a part of the page."""
        self.browser.execute_script(AXE.read_text())
        found: list[list[str]] = json.loads(self.browser.execute_async_script(SERIOUS, region))
        return found
