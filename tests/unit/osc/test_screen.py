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

"""Lines and tables fit on the terminal, and only the verdict has a colour."""

from __future__ import annotations

import io

import fixtures
import testtools

from osc_vfio_lm import screen

ID = "92d0d15e-7bb1-43fd-9bdc-c3dae57ae0d0"
SENTENCE = "the driver of the device has no migration support in this kernel"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class ScreenTestCase(testtools.TestCase):
    def set(self, name: str, value: str | None) -> None:
        self.useFixture(fixtures.EnvironmentVariable(name, value))


class TestWidth(ScreenTestCase):
    def test_a_line_ends_where_the_terminal_does(self):
        for columns in (40, 80):
            self.set("COLUMNS", str(columns))
            lines = list(screen.prose(SENTENCE * 3, 4))
            self.assertEqual([], [line for line in lines if len(line) > columns])
            self.assertEqual({4, 6}, {len(line) - len(line.lstrip()) for line in lines})

    def test_what_is_to_be_pasted_stays_in_one_piece(self):
        self.set("COLUMNS", "40")
        command = f"  openstack server resize --wait --flavor FLAVOR {ID}"
        lines = list(screen.steps(f"{SENTENCE}:\n{command}", 4))
        self.assertIn(f"    {command}", lines)
        self.assertGreater(len(lines), 2)


class TestFitted(ScreenTestCase):
    def test_sentences_give_way_and_ids_do_not(self):
        ((shown, number, wrapped),) = screen.fitted(
            ("ID", "Number", "Detail"), [(ID, 7, SENTENCE)], 80
        )
        self.assertEqual((ID, 7), (shown, number))
        self.assertEqual(SENTENCE, wrapped.replace("\n", " "))
        self.assertLess(max(map(len, wrapped.splitlines())), 80 - len(ID) - len("Number") - 9)

    def test_a_table_that_fits_is_left_alone(self):
        self.assertEqual([("a", SENTENCE)], screen.fitted(("ID", "Detail"), [("a", SENTENCE)], 80))

    def test_no_room_at_all_breaks_no_word(self):
        ((wrapped,),) = screen.fitted(("Detail",), [(SENTENCE,)], 1)
        self.assertEqual(SENTENCE.split(), wrapped.split())


class TestColoured(ScreenTestCase):
    line = "blocked: server a cannot live migrate: it is blocked"

    def shown(self, stream: io.StringIO) -> str:
        return screen.coloured(self.line, "blocked", stream)

    def test_the_word_of_the_verdict_alone_has_a_colour(self):
        self.set("NO_COLOR", None)
        self.set("TERM", "xterm")
        self.assertEqual(f"\x1b[1;31mblocked\x1b[0m{self.line[7:]}", self.shown(Terminal()))

    def test_nothing_has_a_colour_without_a_terminal_or_where_none_is_wanted(self):
        self.set("NO_COLOR", None)
        self.set("TERM", "xterm")
        self.assertEqual(self.line, self.shown(io.StringIO()))
        self.set("NO_COLOR", "1")
        self.assertEqual(self.line, self.shown(Terminal()))
        self.set("NO_COLOR", "")
        self.set("TERM", "dumb")
        self.assertEqual(self.line, self.shown(Terminal()))
