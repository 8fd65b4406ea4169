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

"""The panel finds nova's own word by itself, where the real nova-api serves it."""

from __future__ import annotations

from collections.abc import Mapping

from selenium.webdriver.common.by import By

from tests.browser.base import BrowserTestCase
from tests.cloud.administrator import wait_for
from tests.dashboard.dashboard import PANEL
from tests.functional.dry_running import DryRunTestCase

#: How long nova-api may take to import nova for the first question.
_START_SECONDS = 180


class NovaSaysTest(BrowserTestCase):
    """Servers with pinned CPUs, which nothing else that the panel has here settles."""

    hosts = DryRunTestCase.hosts
    aliases = DryRunTestCase.aliases
    api_filter: Mapping[str, str] = {}

    def setUp(self) -> None:
        super().setUp()
        wait_for("the dry run is ready", self._is_ready, _START_SECONDS)

    def _is_ready(self) -> bool:
        return self.connection.compute.get("/os-vfio-lm/facts").status_code == 200

    def pinned(self, aliases: str, name: str) -> str:
        return self.boot(
            self.flavor(aliases, **{"hw:cpu_policy": "dedicated"}), host="compute1", name=name
        )

    def check(self, server: str) -> str:
        """Open the page of a server until it has heard nova; return the verdict.

        On a busy machine the panel does not wait for nova as long as it takes.
        """

        def has_heard(_: object) -> bool:
            self.open(f"{PANEL}servers/{server}/")
            self.find("#verdict")
            return bool(self.browser.find_elements(By.ID, "nova_says"))

        self.wait_for(has_heard)
        return self.find("#verdict").text

    def test_a_pinned_server_is_ready_or_blocked(self) -> None:
        ready = self.check(self.pinned("vf-near:1", "pinned-near"))
        self.screenshot("preflight-nova-says-ready")
        self.assertTrue(ready.startswith("Ready"), ready)
        self.assertIn("Nova itself was asked: nova-api", self.find("#nova_says").text)
        blocked = self.check(self.pinned("vf-good:1", "pinned-good"))
        self.screenshot("preflight-nova-says-blocked")
        self.assertTrue(blocked.startswith("Blocked"), blocked)
        self.assertIn("into ERROR", self.find("#content_body").text)
