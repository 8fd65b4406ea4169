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

"""Nothing is left of the tests' hosts, however they end; what runs on them is tested elsewhere."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import testtools

from tests.libvirt import hosts
from tests.libvirt.hosts import wait_for

_STARTER = """
import sys
from tests.libvirt import hosts
with hosts.pair(lambda source, destination: None) as pair:
    print(pair[0].folder.parent, *(host.pid for host in pair), flush=True)
    sys.stdin.read()
    if "fail" in sys.argv:
        raise SystemExit("a test fails")
"""


class TestEnd(testtools.TestCase):
    """A process of its own starts the hosts, and ends in one way or another."""

    def setUp(self):
        super().setUp()
        missing = hosts.missing()
        if missing is not None:
            self.skipTest(missing)

    def start(self, *arguments):
        starter = subprocess.Popen(
            [sys.executable, "-c", _STARTER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=pathlib.Path(__file__).parents[2],
        )
        self.addCleanup(starter.wait, hosts.SECONDS)
        self.addCleanup(starter.kill)
        self.addCleanup(starter.stdout.close)
        self.addCleanup(starter.stdin.close)
        folder, *processes = starter.stdout.readline().split()
        return starter, pathlib.Path(folder), [pathlib.Path("/proc", each) for each in processes]

    def end(self, starter):
        starter.stdin.close()
        return starter.wait(hosts.SECONDS)

    def assert_nothing_is_left(self, folder, processes):
        wait_for("the hosts have ended", lambda: not any(map(pathlib.Path.exists, processes)))
        left = [
            each
            for each in pathlib.Path("/proc").glob("[0-9]*/cmdline")
            if str(folder).encode() in _content(each)
        ]
        self.assertEqual([], left)
        self.assertNotIn(str(folder), pathlib.Path("/proc/self/mounts").read_text())

    def test_nothing_is_left_after_an_end(self):
        starter, folder, processes = self.start()
        self.assertEqual(0, self.end(starter))
        self.assert_nothing_is_left(folder, processes)
        self.assertFalse(folder.exists())

    def test_nothing_is_left_after_a_failure(self):
        starter, folder, processes = self.start("fail")
        self.assertEqual(1, self.end(starter))
        self.assert_nothing_is_left(folder, processes)
        self.assertFalse(folder.exists())

    def test_no_process_is_left_of_a_starter_that_was_killed(self):
        starter, folder, processes = self.start()
        starter.kill()
        self.assert_nothing_is_left(folder, processes)
        subprocess.run(["rm", "-r", str(folder)], check=True)

    def test_hosts_can_be_had_twice_at_once(self):
        starters = [self.start(), self.start()]
        for starter, _, processes in starters:
            self.assertTrue(all(os.path.exists(each) for each in processes))
            self.assertEqual(0, self.end(starter))


def _content(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
