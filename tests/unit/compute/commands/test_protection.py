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

"""Whether a host is protected is read from what runs on it."""

from __future__ import annotations

import pathlib

import fixtures
import testtools

from vfio_lm.compute.commands.protection import has_corrections, has_guard
from vfio_lm.compute.guard.installation import Hook


class TestProtection(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.proc = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def run_program(self, pid: int, *words: str) -> None:
        folder = self.proc / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes("\0".join((*words, "")).encode())

    def test_without_nova_compute_it_is_unknown(self):
        self.run_program(1, "/sbin/init")
        self.run_program(7, "vim", "/etc/nova/nova-compute.conf")
        self.assertIsNone(has_corrections(str(self.proc)))

    def test_the_program_that_runs_counts(self):
        self.run_program(5, "/usr/bin/python3", "/usr/bin/nova-compute", "--config-file", "x")
        self.assertIs(False, has_corrections(str(self.proc)))
        self.run_program(6, "/opt/vfio/bin/python3", "/opt/vfio/bin/vfio-lm-nova-compute")
        self.assertIs(True, has_corrections(str(self.proc)))

    def test_without_a_daemon_the_guard_is_unknown(self):
        self.assertIsNone(has_guard(Hook(self.proc), []))
