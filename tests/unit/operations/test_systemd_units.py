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

"""The units for systemd are whole, and let their commands do no more than these must."""

import configparser
import pathlib
import re
import shutil
import subprocess

import fixtures
import testtools

from placement_sync.agent import opts

_UNITS = pathlib.Path(__file__).parents[3] / "etc" / "systemd"

# What 'systemd-analyze security' gives, times ten: 0 is a service that may do nothing, 100 one
# that may do all. The facts can only be had by root, with some of its capabilities.
_MOST_EXPOSURE = {"vfio-placement-sync.service": 15, "vfio-lm-host-facts.service": 32}


def _service(name: str) -> configparser.SectionProxy:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(_UNITS / name)
    return unit["Service"]


class TestUnits(testtools.TestCase):
    def _analyze(self, *arguments: object) -> None:
        command = shutil.which("systemd-analyze")
        if command is None:
            self.skipTest("there is no systemd-analyze here")
        finished = subprocess.run(
            [command, *arguments], capture_output=True, text=True, check=False
        )
        self.assertEqual((0, ""), (finished.returncode, finished.stderr), finished.stdout)

    def test_systemd_has_nothing_to_object(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for unit in _UNITS.glob("*.*"):
            if unit.is_file():
                # the commands are not installed here
                runnable = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text())
                (folder / unit.name).write_text(runnable)
        for unit in sorted(folder.iterdir()):
            self._analyze("verify", unit)

    def test_no_service_is_more_exposed_than_it_must_be(self):
        services = {unit.name for unit in _UNITS.glob("*.service")}
        self.assertEqual(services, set(_MOST_EXPOSURE))
        for name, most in _MOST_EXPOSURE.items():
            self._analyze("security", "--offline=true", f"--threshold={most}", _UNITS / name)


class TestAgentUnit(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.service = _service("vfio-placement-sync.service")

    def test_systemd_waits_watches_and_reloads(self):
        self.assertEqual("notify", self.service["Type"])
        self.assertEqual("/bin/kill -HUP $MAINPID", self.service["ExecReload"])
        (timeout,) = (opt.default for opt in opts.AGENT_OPTS if opt.dest == "round_timeout")
        self.assertGreaterEqual(int(self.service["WatchdogSec"]), timeout + opts.REQUEST_TIMEOUT)
        # the agent waits for some seconds for a write, and for some to leave its group
        self.assertGreaterEqual(int(self.service["TimeoutStopSec"]), 20)

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
