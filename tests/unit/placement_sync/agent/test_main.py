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

"""The command as a process: what teaches, and what a mistake looks like. No cloud is asked."""

import os
import pathlib
import subprocess
import sys

import fixtures
import testtools

_COMMAND = pathlib.Path(sys.executable).with_name("vfio-placement-sync")


class TestCommand(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.conf = self.folder / "agent.conf"

    def run_command(self, *arguments):
        environ = {name: value for name, value in os.environ.items() if name[:3] != "OS_"}
        return subprocess.run(
            [_COMMAND, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def refusal(self, text):
        """Return the only line that is printed for a wrong configuration."""
        self.conf.write_text(text)
        finished = self.run_command("--config-file", str(self.conf))
        self.assertEqual(1, finished.returncode, finished.stderr)
        self.assertEqual("", finished.stdout)
        (line,) = finished.stderr.splitlines()
        return line.removeprefix("vfio-placement-sync: ")

    def test_help_teaches(self):
        finished = self.run_command("--help")
        self.assertEqual(0, finished.returncode, finished.stderr)
        text = " ".join(finished.stdout.split())
        for part in (
            "--once",
            "--dry-run",
            "--config-file",
            "--config-dir",
            "so that it needs no configuration",
            "[vfio_placement_sync]nova_conf_dir",
            "SIGHUP reads the configuration again",
            "oslo-config-generator --namespace vfio_placement_sync",
        ):
            self.assertIn(part, text)

    def test_version(self):
        self.assertEqual(0, self.run_command("--version").returncode)

    def test_a_wrong_value(self):
        self.assertTrue(
            self.refusal("[vfio_placement_sync]\ninterval = often\n").startswith(
                f"{self.conf}:2: [vfio_placement_sync]interval: often: invalid literal"
            )
        )

    def test_no_credentials(self):
        (self.folder / "nova.conf").write_text("[pci]\n")
        text = f"[vfio_placement_sync]\nnova_conf = {self.folder / 'nova.conf'}\n"
        self.assertIn("[placement]auth_type: is not set", self.refusal(text))

    def test_a_nova_conf_that_does_not_exist(self):
        line = self.refusal("[vfio_placement_sync]\nnova_conf = /nowhere/nova.conf\n")
        self.assertEqual("/nowhere/nova.conf: cannot be read: No such file or directory", line)

    def test_an_environment_without_the_extra(self):
        code = (
            "import sys; sys.modules['tooz'] = None; "
            "from placement_sync.agent.main import main; main()"
        )
        finished = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
        )
        self.assertEqual(1, finished.returncode)
        (line,) = finished.stderr.splitlines()
        self.assertIn("the Python package 'tooz' is not installed", line)
        self.assertIn("install openstack-vfio-lm with its extra [sync]", line)

    def test_an_unknown_way_to_authenticate(self):
        (self.folder / "nova.conf").write_text("[placement]\nauth_type = passwort\n")
        line = self.refusal(f"[vfio_placement_sync]\nnova_conf = {self.folder / 'nova.conf'}\n")
        self.assertIn("nova.conf: [placement]auth_type: passwort: is not one of", line)

    def credentials(self):
        return (
            "[placement]\nauth_type = password\nauth_url = http://127.0.0.1:1/v3\n"
            "username = u\npassword = p\nproject_name = p\n"
            "user_domain_id = default\nproject_domain_id = default\n"
        )

    def test_a_backend_that_tooz_does_not_know(self):
        line = self.refusal(
            f"[vfio_placement_sync]\nnova_conf_dir = {self.folder}\n"
            f"[coordination]\nbackend_url = nix://host\n{self.credentials()}"
        )
        self.assertIn("[coordination]backend_url: nix: is not one of tooz's backends: ", line)

    def test_logging_that_cannot_be_set_up(self):
        line = self.refusal(
            f"[DEFAULT]\nlog_config_append = /nowhere/logging.conf\n"
            f"[vfio_placement_sync]\nnova_conf_dir = {self.folder}\n{self.credentials()}"
        )
        self.assertIn("logging cannot be set up", line)
        self.assertIn("/nowhere/logging.conf", line)

    def test_a_keystone_that_is_away_is_one_line_of_one_round(self):
        self.conf.write_text(
            f"[vfio_placement_sync]\nnova_conf_dir = {self.folder / 'hosts'}\n{self.credentials()}"
        )
        (self.folder / "hosts").mkdir()
        (self.folder / "hosts" / "compute1.conf").write_text("[pci]\nreport_in_placement = yes\n")
        finished = self.run_command("--config-file", str(self.conf), "--once")
        self.assertEqual(1, finished.returncode)
        (line,) = finished.stderr.splitlines()
        self.assertIn("http://127.0.0.1:1/v3", line)
