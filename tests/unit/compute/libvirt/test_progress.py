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

"""Progress is a bar on a terminal and lines elsewhere."""

import io

import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.compute.libvirt.progress import JobProgress, JobProgressLine
from vfio_lm.progress_line import ProgressLine

MIB = 1024 * 1024
NUMBERS = st.integers(0, 2**64)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def progress(remaining, iteration=1):
    return JobProgress(1500, 64 * MIB, 10 * MIB, remaining * MIB, iteration)


class TestProgress(testtools.TestCase):
    def test_it_is_read_from_libvirts_numbers(self):
        stats = {
            "type": 2,
            "time_elapsed": 1003,
            "data_total": 67641344,
            "data_processed": 426972,
            "data_remaining": 67162112,
            "memory_iteration": 1,
        }
        self.assertEqual(
            "  1 %  64 MiB to go of 64 MiB, 0 MiB sent, pass 1, 1 s", str(JobProgress.of(stats))
        )

    def test_there_is_none_before_the_first_numbers(self):
        self.assertIsNone(JobProgress.of({}))
        self.assertIsNone(JobProgress.of({"type": 2, "data_total": 0}))

    @given(NUMBERS, NUMBERS, NUMBERS)
    def test_per_cent_are_between_0_and_100(self, total, processed, remaining):
        self.assertIn(JobProgress(0, total, processed, remaining, 1).percent, range(101))


class TestJobProgressLine(testtools.TestCase):
    def shown(self, stream, *steps):
        line = ProgressLine(stream)
        shown = JobProgressLine(line)
        for step in steps:
            shown.show(step)
        line.end()
        return stream.getvalue()

    def test_a_file_gets_a_line_now_and_then(self):
        text = self.shown(io.StringIO(), *map(progress, range(64, -1, -1)))
        self.assertIn(len(text.splitlines()), range(8, 13))
        self.assertNotIn("\r", text)

    def test_a_file_gets_a_line_for_each_pass(self):
        text = self.shown(io.StringIO(), *(progress(32, number) for number in (1, 1, 2, 2)))
        self.assertEqual(2, len(text.splitlines()))

    def test_a_terminal_has_one_line_with_a_bar(self):
        text = self.shown(Terminal(), progress(64), progress(0))
        self.assertEqual(1, text.count("\n"))
        self.assertIn(f"\r[{' ' * 30}]   0 %", text)
        self.assertIn(f"\r[{'#' * 30}] 100 %", text)
