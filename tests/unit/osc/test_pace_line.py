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

"""Live migrations in progress, on a terminal and in a file."""

import io

import testtools

from osc_vfio_lm.pace_line import PaceLine, bar, sentence
from vfio_lm.cloud.model import Amount
from vfio_lm.migration import Pace

MIB = 2**20


class Terminal(io.StringIO):
    def isatty(self):
        return True


def pace(seconds=6.4, remaining=128, rate=64 * MIB, **changes):
    memory = Amount(total=512 * MIB, processed=600 * MIB, remaining=remaining * MIB)
    fields = {
        "status": "running",
        "destination": "compute2",
        "memory": memory,
        "disk": Amount(0, 0, 0),
        "seconds": seconds,
        "bytes_per_second": rate,
    }
    return Pace(**fields | changes)


class TestPaceLine(testtools.TestCase):
    def test_all_that_nova_tells_is_in_the_sentence(self):
        self.assertEqual(
            "running to compute2, 75%, memory 600 of 512 MiB, 128 MiB remaining, 64 MiB/s, 6 s",
            sentence(pace()),
        )
        unknown = pace(status="preparing", destination="", memory=None, disk=None, rate=None)
        self.assertEqual("preparing, 6 s", sentence(unknown))

    def test_the_bar_is_as_full_as_the_destination(self):
        self.assertEqual(f"[{'#' * 18}{'-' * 6}]", bar(pace()))
        self.assertEqual(f"[{'-' * 24}]", bar(pace(memory=None, disk=None)))

    def test_a_terminal_has_one_line_that_changes(self):
        stream = Terminal()
        line = PaceLine(stream)
        for seconds in (1, 2):
            line.show({"": pace(seconds)})
        line.end()
        line.end()
        self.assertEqual((2, 1), (stream.getvalue().count("\r"), stream.getvalue().count("\n")))
        self.assertTrue(stream.getvalue().endswith("\n"))

    def test_a_file_is_told_what_is_new(self):
        stream = io.StringIO()
        line = PaceLine(stream)
        for each in (pace(1), pace(2), pace(3, remaining=64)):
            line.show({"": each})
        line.end()
        self.assertEqual(2, len(stream.getvalue().splitlines()))
        self.assertNotIn("\r", stream.getvalue())

    def test_several_share_a_line_on_a_terminal(self):
        stream = Terminal()
        line = PaceLine(stream)
        line.show({"a": pace(), "b": pace(remaining=512)})
        line.show({"a": pace()})
        first, second = stream.getvalue().split("\r")[1:]
        self.assertTrue(first.startswith("a 75%, b 0%"), first)
        self.assertTrue(second.startswith(f"a [{'#' * 18}"), second)

    def test_a_file_is_told_what_is_new_of_each(self):
        stream = io.StringIO()
        line = PaceLine(stream)
        line.show({"a": pace(1), "b": pace(1)})
        line.show({"a": pace(2), "b": pace(2, remaining=64)})
        names = [each.partition(":")[0] for each in stream.getvalue().splitlines()]
        self.assertEqual(["a", "b", "b"], names)
