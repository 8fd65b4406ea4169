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

"""``vfio-lm-host probe`` is about the host that it runs on, whatever its environment says."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib

import fixtures
import testtools

from vfio_lm.compute.main import main


class TestHostOfProbe(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.conf = folder / "nova.conf"
        self.conf.write_text(
            "[DEFAULT]\nhost = controller\n[libvirt]\nlive_migration_permit_post_copy = true\n"
        )
        # No device of this machine is looked at.
        relevant = "vfio_lm.compute.host.probe.HostProbe._relevant"
        self.useFixture(fixtures.MockPatch(relevant, return_value=()))
        self.useFixture(fixtures.MockPatch("os.access", return_value=False))

    def probe(self, *arguments: str) -> dict[str, object]:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self.assertEqual(0, main(["probe", "-f", "json", *arguments]))
        return dict(json.loads(output.getvalue()))

    def test_the_nova_conf_of_nova_api_in_the_environment_is_not_read(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF", str(self.conf)))
        facts = self.probe()
        self.assertNotEqual("controller", facts["host"])
        self.assertIsNot(True, facts["permits_post_copy"])

    def test_a_file_that_is_named_is_read(self) -> None:
        facts = self.probe("--nova-conf", str(self.conf))
        self.assertEqual(("controller", True), (facts["host"], facts["permits_post_copy"]))
