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

"""With nova's own word the preflight answers ready or blocked where it could only say unknown."""

from __future__ import annotations

import os
import pathlib
import subprocess

import fixtures

from tests.cloud import Cloud, CloudSpec
from tests.cloud.administrator import wait_for
from tests.cloud.testcase import OwnCloudTestCase
from tests.functional.base import OPENSTACK, Finished
from tests.functional.dry_running import DryRunTestCase
from vfio_lm.pci.nova_word import to_json


class TestFile(DryRunTestCase):
    """The word comes from a file that vfio-lm-nova wrote."""

    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).join("nova-says.json"))

    def pinned(self, aliases: str) -> str:
        return self.boot(self.admin.flavor(aliases, **{"hw:cpu_policy": "dedicated"}), "compute1")

    def ask_nova(self, server: str) -> None:
        self.path.write_text(to_json(self.word(servers=[server])))

    def check_with_word(self, server: str, *options: str) -> Finished:
        return self.openstack(
            "vfio", "migration", "check", "--nova-says", str(self.path), server, *options
        )

    def test_a_pinned_server_is_ready_and_moves(self) -> None:
        server = self.pinned("vf-near:1")
        self.assertEqual(3, self.openstack("vfio", "migration", "check", server).status)
        self.ask_nova(server)
        done = self.check_with_word(server)
        self.assertEqual(0, done.status, done.output + done.errors)
        self.assertIn(f"Nova's own word: {self.path}, ", done.output)
        # The environment names it for commands without the option.
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_SAYS", str(self.path)))
        done = self.openstack("vfio", "migration", "start", "--wait", server)
        self.assertEqual(0, done.status, done.output + done.errors)
        # It has moved, and what nova said was about the source.
        done = self.openstack("vfio", "migration", "check", server)
        self.assertEqual(3, done.status, done.output + done.errors)
        self.assertIn("was on compute1 when nova was asked", done.output)

    def test_a_pinned_server_that_would_end_in_error_is_blocked(self) -> None:
        server = self.pinned("vf-good:1")
        self.ask_nova(server)
        done = self.check_with_word(server, "--host", "compute2")
        self.assertEqual(2, done.status, done.output + done.errors)
        self.assertIn("into ERROR, though its guest runs on: PciDeviceRequestFailed", done.output)
        self.assertIn("nova-dry-run", done.output)
        (report,) = self.check_with_word(server, "-f", "json").json()
        self.assertEqual(
            (str(self.path), True), (report["nova_says"]["from"], report["nova_says"]["counts"])
        )

    def test_a_file_that_is_none_of_novas_word_is_one_line(self) -> None:
        server = self.pinned("vf-near:1")
        for text, said in (("{}", "not the output of vfio-lm-nova"), ("nova", "not valid JSON")):
            self.path.write_text(text)
            done = self.check_with_word(server)
            self.assertEqual((1, ""), (done.status, done.output))
            self.assertIn(str(self.path), done.errors)
            self.assertIn(said, done.errors)
            self.assertEqual(1, done.errors.count("\n"), done.errors)

    def test_a_nova_api_without_the_filter_is_gone_on_without(self) -> None:
        server = self.pinned("vf-near:1")
        done = self.openstack("vfio", "migration", "check", server, "-f", "json")
        self.assertEqual((3, ""), (done.status, done.errors))
        (report,) = done.json()
        self.assertIsNone(report["nova_says"])
        (said,) = (each["message"] for each in report["checks"] if each["id"] == "nova-dry-run")
        self.assertIn("does not serve its dry run", said)

    def test_an_old_word_makes_a_warning(self) -> None:
        server = self.pinned("vf-near:1")
        self.ask_nova(server)
        done = self.check_with_word(server, "--max-age", "0")
        self.assertEqual(3, done.status, done.output + done.errors)
        self.assertIn("it does not count", done.output)


class TestApi(OwnCloudTestCase):
    """The word comes from nova-api, and the user names nothing but the cloud."""

    @classmethod
    def setUpClass(cls) -> None:
        spec = CloudSpec(hosts=DryRunTestCase.hosts, aliases=DryRunTestCase.aliases, api_filter={})
        cls.cloud = cls.enterClassContext(Cloud(spec))
        super().setUpClass()
        # The commands wait a minute at most, and a busy machine may take longer to import nova.
        wait_for("the dry run is ready", cls._is_ready)

    @classmethod
    def _is_ready(cls) -> bool:
        return cls.client.compute.get("/os-vfio-lm/facts").status_code == 200

    def pinned(self, aliases: str) -> str:
        flavor = self.admin.flavor(aliases, **{"hw:cpu_policy": "dedicated"})
        server_id = self.admin.request_server(flavor, "compute1", "pinned")
        self.admin.wait_until_built([server_id])
        return server_id

    def openstack(self, *arguments: str, cloud: str = "embedded") -> Finished:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        done = subprocess.run(
            [OPENSTACK, *arguments],
            env=environ | self.cloud.environ(cloud),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def test_a_pinned_server_is_ready_or_blocked_and_moves(self) -> None:
        good = self.pinned("vf-good:1")
        done = self.openstack("vfio", "migration", "check", good, "--host", "compute2")
        self.assertEqual(2, done.status, done.output + done.errors)
        self.assertIn("into ERROR", done.output)
        near = self.pinned("vf-near:1")
        done = self.openstack("vfio", "migration", "check", near)
        self.assertEqual(0, done.status, done.output + done.errors)
        self.assertIn("Nova's own word: nova-api, ", done.output)
        done = self.openstack("vfio", "migration", "check", near, "--nova-says", "none")
        self.assertEqual(3, done.status, done.output + done.errors)
        done = self.openstack("vfio", "host", "drain", "compute1", "-f", "json")
        states = {line["ID"]: line["State"] for line in done.json()}
        self.assertEqual("can leave", states[near], done)
        done = self.openstack("server", "migrate", "--live-migration", "--wait", near)
        self.assertEqual((0, ""), (done.status, done.errors))
        self.assertNotEqual("compute1", self.admin.host_of(near))
