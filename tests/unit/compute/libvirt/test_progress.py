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

from vfio_lm.compute.libvirt.progress import Progress, ProgressLine

MIB = 1024 * 1024
NUMBERS = st.integers(0, 2**64)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def progress(remaining, iteration=1):
    return Progress(1500, 64 * MIB, 10 * MIB, remaining * MIB, iteration)


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
            "  1 %  64 MiB to go of 64 MiB, 0 MiB sent, pass 1, 1 s", str(Progress.of(stats))
        )

    def test_there_is_none_before_the_first_numbers(self):
        self.assertIsNone(Progress.of({}))
        self.assertIsNone(Progress.of({"type": 2, "data_total": 0}))

    @given(NUMBERS, NUMBERS, NUMBERS)
    def test_per_cent_are_between_0_and_100(self, total, processed, remaining):
        self.assertIn(Progress(0, total, processed, remaining, 1).percent, range(101))


class TestProgressLine(testtools.TestCase):
    def test_a_file_gets_a_line_now_and_then(self):
        stream = io.StringIO()
        line = ProgressLine(stream)
        for remaining in range(64, -1, -1):
            line.show(progress(remaining))
        line.end()
        lines = stream.getvalue().splitlines()
        self.assertIn(len(lines), range(8, 13))
        self.assertNotIn("\r", stream.getvalue())

    def test_a_file_gets_a_line_for_each_pass(self):
        stream = io.StringIO()
        line = ProgressLine(stream)
        for iteration in (1, 1, 2, 2):
            line.show(progress(32, iteration))
        self.assertEqual(2, len(stream.getvalue().splitlines()))

    def test_a_terminal_has_one_line_that_is_left_at_the_end(self):
        stream = Terminal()
        line = ProgressLine(stream)
        line.show(progress(64))
        line.show(progress(0))
        line.end()
        text = stream.getvalue()
        self.assertEqual(1, text.count("\n"))
        self.assertTrue(text.endswith("\n"))
        self.assertIn("\r[##############################] 100 %", text)
        first, second = text.rstrip("\n").split("\r")[1:]
        self.assertEqual(len(first), len(second))

    def test_a_terminal_that_was_shown_nothing_gets_no_empty_line(self):
        stream = Terminal()
        ProgressLine(stream).end()
        self.assertEqual("", stream.getvalue())
