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

"""The agent's options document themselves, and make a sample configuration."""

import pathlib
import subprocess
import sys

import testtools

from placement_sync.agent import opts

_ROOT = pathlib.Path(__file__).parents[4]
_GENERATOR = pathlib.Path(sys.executable).with_name("oslo-config-generator")


class TestOptions(testtools.TestCase):
    def test_every_option_says_what_it_is_for(self):
        own = [*opts.CLI_OPTS, *opts.AGENT_OPTS, *opts.COORDINATION_OPTS]
        self.assertEqual([], [opt.name for opt in own if not (opt.help or "").endswith(".")])

    def test_a_url_with_a_password_is_kept_out_of_logs(self):
        (url,) = (opt for opt in opts.COORDINATION_OPTS if opt.name == "backend_url")
        self.assertTrue(url.secret)

    def test_the_sample_configuration_is_generated(self):
        finished = subprocess.run(
            [_GENERATOR, "--config-file", _ROOT / "etc/vfio-placement-sync/config-generator.conf"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, finished.returncode, finished.stderr)
        lines = finished.stdout.splitlines()
        for section in ("DEFAULT", "vfio_placement_sync", "coordination", "placement", "nova"):
            self.assertIn(f"[{section}]", lines)
        for option in ("#interval = 60", "#nova_conf = /etc/nova/nova.conf", "#auth_url = <None>"):
            self.assertIn(option, lines)
