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

"""The unit file agrees with what the agent does, and systemd understands it."""

import configparser
import pathlib
import shutil
import subprocess

import fixtures
import testtools

_UNIT = pathlib.Path(__file__).parents[3] / "etc" / "systemd" / "vfio-placement-sync.service"


class TestUnit(testtools.TestCase):
    def setUp(self):
        super().setUp()
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read(_UNIT)
        self.service = unit["Service"]

    def test_systemd_waits_watches_and_reloads(self):
        self.assertEqual("notify", self.service["Type"])
        self.assertEqual("/bin/kill -HUP $MAINPID", self.service["ExecReload"])
        # a round waits for a request for as long as REQUEST_TIMEOUT, a few times in a row
        self.assertGreaterEqual(int(self.service["WatchdogSec"]), 300)
        self.assertGreater(int(self.service["TimeoutStopSec"]), 60)

    def test_the_agent_may_do_nothing_but_read_and_talk(self):
        for option, value in {
            "DynamicUser": "yes",
            "NoNewPrivileges": "yes",
            "CapabilityBoundingSet": "",
            "PrivateTmp": "yes",
            "ProtectSystem": "strict",
            "ProtectHome": "yes",
            "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
        }.items():
            self.assertEqual(value, self.service[option], option)

    def test_systemd_has_nothing_to_object(self):
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            self.skipTest("there is no systemd-analyze here")
        unit = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / _UNIT.name
        command = self.service["ExecStart"]
        unit.write_text(_UNIT.read_text().replace(command, "/bin/true"))
        finished = subprocess.run(
            [analyze, "verify", unit], capture_output=True, text=True, check=False
        )
        self.assertEqual((0, ""), (finished.returncode, finished.stderr))
