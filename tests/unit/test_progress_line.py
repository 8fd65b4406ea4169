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

"""Progress stays one line on a terminal, and is shown once elsewhere."""

import io

import testtools

from vfio_lm.progress_line import ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestProgressLine(testtools.TestCase):
    def test_a_terminal_has_one_line_that_changes(self):
        terminal = Terminal()
        line = ProgressLine(terminal)
        line.show("1 of 2")
        line.show("2 of 2")
        line.note("not for a terminal")
        line.end()
        line.end()
        self.assertEqual("\r1 of 2\x1b[K\r2 of 2\x1b[K\n", terminal.getvalue())

    def test_a_terminal_is_left_clean(self):
        terminal = Terminal()
        line = ProgressLine(terminal)
        line.erase()
        line.show("1 of 2")
        line.erase()
        line.end()
        self.assertEqual("\r1 of 2\x1b[K\r\x1b[K", terminal.getvalue())

    def test_elsewhere_only_news_are_written(self):
        stream = io.StringIO()
        line = ProgressLine(stream)
        line.show("1 of 2")
        line.note("half of it")
        line.erase()
        line.end()
        self.assertEqual("half of it\n", stream.getvalue())
