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

"""A process of the machine, as /proc shows it."""

from __future__ import annotations

import os
import sys

import testtools

from vfio_lm.compute.layout.process import Process, processes


class TestProcess(testtools.TestCase):
    def test_the_own_one_runs_with_the_same_mounts(self) -> None:
        (own,) = [each for each in processes() if each.pid == os.getpid()]
        self.assertFalse(own.has_own_mounts)
        self.assertEqual("/etc/x", own.path_of("/etc/x"))
        self.assertEqual(os.path.basename(sys.executable), os.path.basename(own.arguments[0]))

    def test_the_oldest_number_comes_first(self) -> None:
        numbers = [each.pid for each in processes()]
        self.assertEqual(sorted(numbers), numbers)

    def test_one_that_has_ended(self) -> None:
        ended = Process("libvirtd", 2**22 + 1)
        self.assertRaises(OSError, lambda: ended.view)
        self.assertRaises(OSError, lambda: ended.arguments)
        self.assertEqual(f"libvirtd (process {2**22 + 1})", str(ended))
