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

"""What the settings say about files, and what the preflight knows by them."""

from __future__ import annotations

import datetime
import pathlib
import tempfile
from unittest import mock

from django.test.utils import override_settings
from django.urls import reverse
from openstack_dashboard.test import helpers

from horizon_panel import files, server_api
from tests.horizon.base import PanelTestCase
from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import NOW, vf
from vfio_lm.errors import ConfigError
from vfio_lm.pci.host_facts import HostFacts

ALIAS = '[pci]\nalias = {"name": "vf", "vendor_id": "8086", "product_id": "1515"}\n'
SPEC = '[pci]\ndevice_spec = {"vendor_id": "8086", "product_id": "1515"}\n'
PREFLIGHT = "horizon:admin:vfio_live_migration:preflight"
SERVER = scenario.facts().server


class FilesTest(helpers.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def test_without_files_nothing_is_known(self) -> None:
        told = server_api.inputs()
        self.assertIsNone(told.aliases)
        self.assertEqual(({}, ()), (told.hosts, told.files))

    def test_the_preflight_is_told_of_aliases_and_of_hosts(self) -> None:
        api = self.file("api.conf", ALIAS)
        conf = self.file("hosts/compute1.conf", SPEC)
        part = self.file("hosts/compute2/pci.conf", SPEC)
        self.file("hosts/notes.txt", "no configuration")
        facts = self.file("facts/any.json", HostFacts("compute1", NOW, (vf(),)).to_json())
        with override_settings(
            VFIO_LM_NOVA_CONF=api,
            VFIO_LM_HOST_NOVA_CONF=conf.parent,
            VFIO_LM_HOST_FACTS=[str(facts.parent)],
            VFIO_LM_MAX_AGE=60,
        ):
            told = server_api.inputs()
        self.assertEqual({"vf"}, told.aliases.keys())
        self.assertEqual({"compute1", "compute2"}, told.hosts.keys())
        self.assertEqual(1, len(told.hosts["compute2"].device_specs))
        self.assertEqual("compute1", told.hosts["compute1"].facts.host)
        self.assertEqual(datetime.timedelta(minutes=1), told.max_age)
        self.assertEqual(tuple(map(str, (api, conf, part.parent, facts))), told.files)

    def test_a_file_that_comes_later_is_seen(self) -> None:
        with override_settings(VFIO_LM_HOST_NOVA_CONF=str(self.folder)):
            self.assertEqual({}, server_api.inputs().hosts)
            self.file("compute1.conf", SPEC)
            self.assertEqual({"compute1"}, server_api.inputs().hosts.keys())

    def test_a_host_that_is_described_twice_is_an_error(self) -> None:
        self.file("compute1.conf", SPEC)
        self.file("compute1/pci.conf", SPEC)
        with (
            override_settings(VFIO_LM_HOST_NOVA_CONF=str(self.folder)),
            self.assertRaisesRegex(ConfigError, "compute1 is described twice"),
        ):
            server_api.inputs()

    def test_a_setting_of_another_kind_is_named_with_its_value(self) -> None:
        for name, value in (
            (files.NOVA_CONF, {"a": "b"}),
            (files.HOST_NOVA_CONF, ["a"]),
            (files.HOST_FACTS, [1]),
            (files.MAX_AGE, "1h"),
        ):
            with (
                override_settings(**{name: value}),
                self.assertRaisesRegex(ConfigError, name) as raised,
            ):
                server_api.inputs()
            self.assertIn(repr(value), str(raised.exception))


class FilesOnPagesTest(PanelTestCase):
    @mock.patch.object(server_api, "server", return_value=SERVER)
    def test_a_file_that_cannot_be_read_is_a_message(self, _: object) -> None:
        for name in (files.NOVA_CONF, files.HOST_NOVA_CONF, files.HOST_FACTS):
            with override_settings(**{name: "/nowhere"}):
                response = self.client.get(reverse(PREFLIGHT, args=[SERVER.id]))
            self.assertContains(response, "/nowhere")
