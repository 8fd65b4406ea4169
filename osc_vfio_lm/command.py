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

"""The kinds of command that all of ours are: help, exit statuses, errors and output, once."""

from __future__ import annotations

import argparse
import itertools
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import exceptions
from osc_lib.command import command

from osc_vfio_lm import cells
from vfio_lm.command_line import USAGE_ERROR, UsageErrorsFail
from vfio_lm.errors import VfioLmError

_DONE = 0
_INTERRUPTED = 130

_OF_ALL = (
    (USAGE_ERROR, "the command itself failed, or was not understood"),
    (_INTERRUPTED, "interrupted with Ctrl-C"),
)


class Ended(Exception):  # noqa: N818 - it is no error
    """The command is over and has said why.

    :param status: its exit status
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def say(app: Any, lines: Iterable[str]) -> None:
    """Write lines to standard error, at once."""
    for line in lines:
        app.stderr.write(f"{line}\n")
    app.stderr.flush()


class _ParagraphsKept:
    """Lets a description be more than one paragraph, and have lines that are indented.

    argparse would make one paragraph of all, where tables and lists cannot be read.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap what is prose, and leave blank and indented lines as they are."""
        pieces = []
        for is_prose, lines in itertools.groupby(
            text.splitlines(), lambda line: bool(line) and not line.startswith(" ")
        ):
            piece = "\n".join(lines)
            pieces.append(textwrap.fill(piece, width) if is_prose else piece)
        return textwrap.indent("\n".join(pieces), indent)


class Command(command.Command):
    """A command that prints what it likes.

    What goes wrong is raised as :class:`VfioLmError` or as ``CommandError``, and becomes one
    sentence on standard error.
    """

    exit_statuses: tuple[tuple[int, str], ...] = ((_DONE, "it was done"),)
    """What the exit status of each answer means, in one line for each; those that all commands have
    are not listed."""

    status = _DONE
    """The exit status of the answer, which the command sets if it is not 0."""

    def get_epilog(self) -> str:
        statuses = sorted((*self.exit_statuses, *_OF_ALL))
        lines = [f"  {status:<5}{meaning}" for status, meaning in statuses]
        return "\n".join(["exit status:", *lines, "", super().get_epilog()])

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        # cliff's own classes are not part of its interface, so they are taken from the parser.
        base: Any = parser.formatter_class
        formatter: Any = type("HelpFormatter", (_ParagraphsKept, base), {})
        parser.formatter_class = formatter
        parser.__class__ = type("ArgumentParser", (UsageErrorsFail, type(parser)), {})
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args) or self.status
        except Ended as end:
            return end.status
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc

    def say(self, *lines: str) -> None:
        """Write lines to standard error, at once."""
        say(self.app, lines)

    def write(self, lines: Iterable[str]) -> None:
        """Write lines to standard output."""
        for line in lines:
            self.app.stdout.write(f"{line}\n")


class _Display(Command):
    """A command whose output cliff formats."""

    formatter: Any

    def _adapt(self, parsed_args: argparse.Namespace) -> None:
        self.formatter = cells.Adapted(self.formatter, parsed_args.formatter)

    def _generate_columns_and_selector(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str]
    ) -> Any:
        refuse_unknown_columns(parsed_args, column_names)
        return super()._generate_columns_and_selector(  # type: ignore[misc]
            parsed_args, column_names
        )


class Lister(_Display, command.Lister):
    """A command that prints rows."""

    nothing = ""
    """The sentence for standard error where there are no rows, set before the output."""

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        self._adapt(parsed_args)
        rows = iter(data)
        first = next(rows, None)
        if first is not None:
            return super().produce_output(parsed_args, column_names, itertools.chain([first], rows))
        if self.nothing:
            self.say(self.nothing)
            if parsed_args.formatter == "table" and not parsed_args.print_empty:
                return _DONE
        return super().produce_output(parsed_args, column_names, ())


class ShowOne(_Display, command.ShowOne):
    """A command that prints one thing with its properties."""

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Sequence[Any]
    ) -> int:
        self._adapt(parsed_args)
        return super().produce_output(parsed_args, column_names, data)


def refuse_unknown_columns(parsed_args: argparse.Namespace, known: Iterable[str]) -> None:
    """Refuse -c with a column that does not exist; cliff passes over it if another one does.

    :raises osc_lib.exceptions.CommandError: with the columns that exist
    """
    names = tuple(known)
    for wanted in parsed_args.columns:
        if normalized(wanted) not in map(normalized, names):
            raise exceptions.CommandError(
                f"argument -c/--column: there is no column '{wanted}'; the columns are: "
                f"{', '.join(names)}"
            )


def normalized(column: str) -> str:
    """Return the name of a column as cliff compares it."""
    return column.lower().strip().replace(" ", "_")
