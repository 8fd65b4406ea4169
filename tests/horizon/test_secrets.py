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

"""The panel shows no password that a broken nova.conf has at a wrong place."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import tempfile
from unittest import mock

from django.http import HttpResponse
from django.test.utils import override_settings
from django.urls import reverse

from horizon_panel import server_api
from tests.horizon.base import PanelTestCase
from tests.secrets.broken_files import BROKEN, traces
from tests.unit.preflight import scenario
from vfio_lm.preflight import Inputs, Report
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks

SERVER = scenario.facts().server
PREFLIGHT = "horizon:admin:vfio_live_migration:preflight"


def _report(connection: object, server_id: str, known: Inputs, host: object) -> Report:
    """Return what the preflight says of a server that is ready, by what the files say."""
    changes = {field.name: getattr(known, field.name) for field in dataclasses.fields(known)}
    return examine(scenario.facts(**changes), installed_checks())


class SecretsTest(PanelTestCase):
    def test_no_page_shows_a_password(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.enterContext(mock.patch.object(server_api, "server", return_value=SERVER))
        self.enterContext(mock.patch.object(server_api, "check_with", _report))
        self.answer(uses=((), {}))
        preflight = reverse(PREFLIGHT, args=[SERVER.id])
        for number, (name, text) in enumerate(BROKEN.items()):
            hosts = pathlib.Path(folder.name, str(number))
            hosts.mkdir()
            path = hosts / "compute1.conf"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            with self.subTest(name):
                with override_settings(VFIO_LM_HOST_NOVA_CONF=str(hosts)):
                    self.assert_no_secret(self.client.get(preflight))
                with override_settings(VFIO_LM_NOVA_CONF=str(path)):
                    self.assert_no_secret(self.page("aliases"))

    def assert_no_secret(self, page: HttpResponse) -> None:
        self.assertEqual(200, page.status_code)
        # Django's tokens are random letters and digits: what was looked for may be among them.
        self.assertEqual([], traces(re.sub(rb"[0-9A-Za-z]{64}", b"", page.content)))
