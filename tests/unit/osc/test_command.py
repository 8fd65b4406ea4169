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

"""What all commands have: help, exit statuses, errors, and output that reads well."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import json
from unittest import mock

import testtools
from osc_lib import exceptions
from osc_lib.cli import format_columns

from osc_vfio_lm.command import Command, Ended, Lister, ShowOne
from vfio_lm.errors import VfioLmError


class ListOfNothing(Lister):
    _description = """\
List nothing

Two lines of prose that belong to one paragraph
become one paragraph.
  word   meaning
  other  another meaning"""

    nothing = "there is nothing in the file"

    def take_action(self, parsed_args: argparse.Namespace) -> object:
        return ("Name", "Traits", "Host"), self.app.rows


class ShowThing(ShowOne):
    exit_statuses = ((0, "good"), (2, "bad"))

    def take_action(self, parsed_args: argparse.Namespace) -> object:
        self.status = 2
        return ("name", "traits", "host"), ("a", format_columns.ListColumn(["x", "y"]), None)


class Failing(Command):
    def take_action(self, parsed_args: argparse.Namespace) -> None:
        raise self.app.error


def run(command_class, *arguments, **of_app):
    """Return exit status, output and what was said."""
    app = mock.Mock(stdout=io.StringIO(), stderr=io.StringIO(), **of_app)
    command = command_class(app, None)
    status = command.run(command.get_parser("command").parse_args(arguments))
    return status, app.stdout.getvalue(), app.stderr.getvalue()


def commands():
    """Yield each command of ours by its name."""
    for entry in importlib.metadata.entry_points(group="openstack.vfio.v1"):
        yield entry.name.replace("_", " "), entry.load()


class TestHelp(testtools.TestCase):
    def test_paragraphs_and_lists_stay_what_they_are(self) -> None:
        parser = ListOfNothing(app=None, app_args=None).get_parser("list")
        self.assertIn(
            "\nList nothing\n\n"
            "Two lines of prose that belong to one paragraph become one paragraph.\n"
            "  word   meaning\n"
            "  other  another meaning\n",
            parser.format_help(),
        )

    def test_exit_statuses_are_listed(self) -> None:
        said = ShowThing(app=None, app_args=None).get_parser("show").format_help()
        place = said.index("exit status:")
        numbers = [line.split()[0] for line in said[place:].splitlines()[1:7] if line[2:3].strip()]
        self.assertEqual(["0", "1", "2", "130"], numbers)

    def test_every_command_says_its_exit_statuses_within_80_columns(self) -> None:
        found = dict(commands())
        self.assertGreater(len(found), 20)
        for name, command_class in found.items():
            said = command_class(mock.Mock(), None).get_parser(name).format_help()
            _, _, statuses = said.partition("exit status:\n")
            self.assertTrue(statuses.startswith("  0    "), name)
            self.assertIn("\n  130  interrupted with Ctrl-C\n", statuses)
            self.assertEqual([], [line for line in statuses.splitlines() if len(line) > 79], name)


class TestStatus(testtools.TestCase):
    def test_a_typing_error_has_no_status_of_an_answer(self) -> None:
        for name, command_class in commands():
            parser = command_class(mock.Mock(), None).get_parser(name)
            with contextlib.redirect_stderr(io.StringIO()) as said:
                ended = self.assertRaises(SystemExit, parser.parse_args, ["--no-such-option"])
            self.assertEqual(1, ended.code, name)
            self.assertIn(f"{name}: error: ", said.getvalue())

    def test_the_answer_has_its_own(self) -> None:
        self.assertEqual(2, run(ShowThing)[0])
        self.assertEqual(3, run(Failing, error=Ended(3))[0])

    def test_what_goes_wrong_is_one_sentence_for_the_shell(self) -> None:
        refused = self.assertRaises(
            exceptions.CommandError, run, Failing, error=VfioLmError("the file is gone")
        )
        self.assertEqual("the file is gone", str(refused))


class TestOutput(testtools.TestCase):
    ROWS = (
        ("a", format_columns.ListColumn(["x", "y"]), None),
        ("b\nc", format_columns.ListColumn([]), "h"),
    )

    def test_cells_are_no_python(self) -> None:
        _, output, _ = run(ListOfNothing, "-f", "csv", rows=self.ROWS)
        self.assertEqual('"Name","Traits","Host"\n"a","x, y",""\n"b; c","","h"\n', output)
        _, output, _ = run(ListOfNothing, "-f", "value", rows=self.ROWS)
        self.assertEqual("a x, y \nb; c  h\n", output)
        _, output, _ = run(ShowThing, "-f", "shell")
        self.assertEqual('name="a"\ntraits="x, y"\nhost=""\n', output)

    def test_what_has_no_value_is_null_or_empty(self) -> None:
        _, output, _ = run(ListOfNothing, "-f", "json", rows=self.ROWS)
        self.assertEqual({"Name": "a", "Traits": ["x", "y"], "Host": None}, json.loads(output)[0])
        for command_class in (ListOfNothing, ShowThing):
            _, output, _ = run(command_class, rows=self.ROWS)
            self.assertNotIn("None", output)

    def test_no_rows_are_told(self) -> None:
        said = "there is nothing in the file\n"
        self.assertEqual((0, "", said), run(ListOfNothing, rows=()))
        self.assertEqual((0, "[]\n", said), run(ListOfNothing, "-f", "json", rows=()))
        _, output, _ = run(ListOfNothing, "--print-empty", rows=())
        self.assertIn("Traits", output)

    def test_a_column_that_does_not_exist_is_refused(self) -> None:
        refused = self.assertRaises(
            exceptions.CommandError,
            run, ListOfNothing, "-c", "name", "-c", "colour", rows=self.ROWS,
        )  # fmt: skip
        self.assertEqual(
            "argument -c/--column: there is no column 'colour'; the columns are: "
            "Name, Traits, Host",
            str(refused),
        )
