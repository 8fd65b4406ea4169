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

"""Services that take connections and never answer: every page is there, and says so."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from django.test.utils import override_settings
from django.urls import reverse
from urllib3.connection import HTTPConnection

from horizon_panel import api
from tests.horizon.base import PanelTestCase

_CONNECT = HTTPConnection.connect
SERVER = "b4f1c8a2-0000-4000-8000-000000000001"
TABS = ("overview", "devices", "aliases", "servers", "hosts")
NOVA = "nova cannot be reached"
PLACEMENT = "placement cannot be reached"
SIZE = {"count": 1, "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0}
#: Of nova and of placement, each once at its own address and once where all versions are listed.
MOST_WAITS = 3


class Silence:
    """A service on loopback that takes every connection and says nothing.

    :ivar connections: how many it has taken since it was reset
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self._counted_from = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._take_all, daemon=True)
        self._thread.start()

    def forget(self) -> None:
        """Count from here."""
        self._counted_from = len(self._taken)

    @property
    def connections(self) -> int:
        return len(self._taken) - self._counted_from

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (self._listening, *self._taken):
            each.close()

    def _take_all(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._taken.append(self._listening.accept()[0])


class SlowServicesTest(PanelTestCase):
    def test_a_page_has_an_end_though_each_answer_comes_in_time(self) -> None:
        with override_settings(VFIO_LM_TIMEOUT=50):
            limit = api._session_of_one_page().get_adapter("https://nova")
        self.assertAlmostEqual(200, limit.end - time.monotonic(), delta=50)


@override_settings(VFIO_LM_TIMEOUT=0.2)
class SilentServicesTest(PanelTestCase):
    def setUp(self) -> None:
        self.silence = Silence()
        self.addCleanup(self.silence.close)
        super().setUp()
        # Horizon's helpers allow no connection at all, and put it back at the end.
        HTTPConnection.connect = _CONNECT

    def _setup_test_data(self) -> None:
        super()._setup_test_data()
        for service in self.service_catalog:
            for endpoint in service["endpoints"]:
                endpoint["url"] = f"{self.silence.url}/{service['type']}"

    def address(self, name: str, *arguments: str) -> str:
        return reverse(f"horizon:admin:vfio_live_migration:{name}", args=arguments)

    def assert_says(self, response, *texts: str) -> None:
        """Assert that a page is there, has texts, and waited twice for a service at the most."""
        super().assert_says(response, *texts)
        self.assertLessEqual(self.silence.connections, MOST_WAITS)
        self.silence.forget()

    def test_every_tab_says_so(self) -> None:
        for tab in TABS:
            self.assert_says(self.page(tab), NOVA)

    def test_the_page_of_a_host_says_so(self) -> None:
        self.assert_says(self.client.get(self.address("host", "compute1")), NOVA, PLACEMENT)

    def test_the_plan_says_so(self) -> None:
        self.assert_says(self.client.get(self.address("drain", "compute1")), NOVA)

    def test_the_pages_of_a_server_say_so(self) -> None:
        for name in ("preflight", "migrate", "migration"):
            self.assert_says(self.client.get(self.address(name, SERVER)), NOVA, SERVER)

    def test_the_report_is_an_error_in_json(self) -> None:
        response = self.client.get(self.address("report", SERVER))
        self.assertEqual(503, response.status_code)
        self.assertIn(NOVA, response.json()["error"])

    def test_a_live_migration_that_is_asked_for_is_not_begun(self) -> None:
        for override in ({}, {"override": "on"}):
            data = {"host": "compute2"} | override
            self.assert_says(self.client.post(self.address("migrate", SERVER), data), NOVA)

    def test_a_flavor_that_is_asked_for_is_not_created(self) -> None:
        data = SIZE | {"name": "new", "alias": "vf"}
        self.assert_says(self.client.post(self.address("create_flavor"), data), NOVA)
