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

"""The kinds of command that all of ours are; what they do is elsewhere."""

from __future__ import annotations

import argparse
import itertools
import textwrap
from typing import Any

from osc_lib.command import command


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
    """A command that prints what it likes."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        # cliff's own formatter is not part of its interface, so it is taken from the parser.
        base: Any = parser.formatter_class
        formatter: Any = type("HelpFormatter", (_ParagraphsKept, base), {})
        parser.formatter_class = formatter
        return parser


class Lister(Command, command.Lister):
    """A command that prints rows."""


class ShowOne(Command, command.ShowOne):
    """A command that prints one thing with its properties."""
