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
"""``openstack vfio report`` is written whatever is missing, and its exit status says so."""

from __future__ import annotations

import io
import json
import pathlib
import tarfile
from unittest import mock

import fixtures
import testtools
from osc_lib import exceptions

from osc_vfio_lm.report import CreateReport
from vfio_lm.errors import CloudError, NotFoundError


class TestStatus(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF"))
        self.conf = self.folder / "nova.conf"
        self.conf.write_text("[pci]\nreport_in_placement = true\n")
        self.file = self.folder / "report.tar.gz"

    def report(self, *arguments: str, error: Exception | None = None) -> tuple[int, set[str]]:
        """Return exit status and what is missing; nova answers with an error."""
        app = mock.Mock(stdout=io.StringIO(), stderr=io.StringIO())
        command = CreateReport(app, None)
        options = ("--output", str(self.file), "-f", "json", *arguments)
        parsed = command.get_parser("report").parse_args(options)
        # What the parts of the cloud hold is tried on a cloud.
        for name in ("_versions", "_hosts", "_devices"):
            double = mock.Mock(side_effect=error, return_value={})
            self.useFixture(fixtures.MockPatch(f"osc_vfio_lm.report.{name}", double))
        with mock.patch("vfio_lm.cloud.nova.ComputeClient.of") as client:
            client.return_value.server.side_effect = error
            status = command.run(parsed)
        with tarfile.open(self.file) as archive:
            (manifest,) = (m for m in archive if m.name.endswith("manifest.json"))
            parts = json.load(archive.extractfile(manifest))["parts"]
        return status, {part["name"] for part in parts if part["status"] == "failed"}

    def test_all_is_there(self) -> None:
        self.assertEqual((0, set()), self.report("--nova-conf", str(self.conf)))

    def test_nova_is_down(self) -> None:
        of_the_cloud = {"versions.json", "hosts.json", "devices.json"}
        down = CloudError("nova cannot be reached")
        self.assertEqual((2, of_the_cloud), self.report("--nova-conf", str(self.conf), error=down))

    def test_no_nova_conf(self) -> None:
        self.assertEqual((2, {"nova-conf/api.conf"}), self.report())

    def test_a_server_that_does_not_exist(self) -> None:
        refused = self.assertRaises(
            exceptions.CommandError,
            self.report, "--server", "missing", error=NotFoundError("no server 'missing'"),
        )  # fmt: skip
        self.assertEqual("no server 'missing'", str(refused))
        self.assertFalse(self.file.exists())
