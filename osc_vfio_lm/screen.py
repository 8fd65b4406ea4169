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

"""What fits on a terminal: its width, wrapped prose, narrow tables, and one coloured word."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

_WITHOUT_TERMINAL = (80, 24)

#: Of a column that gives way to the others, unless a word of it is longer.
_NARROWEST = 20

#: Of a column: a blank on each side, and the line to its right.
_BORDER = 3

_COLOURS = {"ready": "32", "blocked": "31", "unknown": "33"}


def width() -> int:
    """Return how many columns a line has: of the terminal, or 80 where there is none."""
    return shutil.get_terminal_size(_WITHOUT_TERMINAL).columns


def prose(text: str, indent: int = 0, hanging: int = 2) -> Iterator[str]:
    """Yield a sentence in lines that fit.

    :param hanging: by how much all but the first are indented further
    """
    margin = " " * indent
    yield from textwrap.wrap(
        text,
        max(width(), indent + _NARROWEST),
        initial_indent=margin,
        subsequent_indent=margin + " " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def steps(text: str, indent: int = 0) -> Iterator[str]:
    """Yield a remedy in lines that fit, but for what is to be pasted, which stays in one piece.

    See :mod:`vfio_lm.preflight.wording.remedy`: such lines begin with two spaces.
    """
    for line in text.splitlines():
        if line.startswith("  "):
            yield f"{' ' * indent}{line}"
        else:
            yield from prose(line, indent, hanging=0)


def coloured(line: str, word: str, stream: TextIO) -> str:
    """Return a line that begins with the word of a verdict, the word in its colour.

    It has none where the stream is no terminal, or where NO_COLOR is set (https://no-color.org).
    """
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return line
    return f"\x1b[1;{_COLOURS[word]}m{word}\x1b[0m{line.removeprefix(word)}"


def fitted(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], room: int
) -> list[tuple[Any, ...]]:
    """Return the rows of a table with their sentences wrapped so that the table fits.

    What has no blank, like an ID, is never broken, and neither is a line that is to be pasted.
    """
    table = [tuple(row) for row in rows]
    widths = [
        max(map(len, [name, *(line for row in table for line in str(row[number]).splitlines())]))
        for number, name in enumerate(columns)
    ]
    least = [
        max([len(name), *(_least(row[number]) for row in table)])
        for number, name in enumerate(columns)
    ]
    excess = sum(widths) + _BORDER * len(columns) + 1 - room
    while excess > 0:
        spare = [max(0, wide - low) for wide, low in zip(widths, least)]
        if not any(spare):
            break
        # the widest first, down to the next one
        widest = max((n for n, more in enumerate(spare) if more), key=lambda n: widths[n])
        widths[widest] -= 1
        excess -= 1
    return [tuple(map(_wrapped, row, widths)) for row in table]


def _least(value: Any) -> int:
    """Return the width below which a cell cannot go."""
    if not isinstance(value, str):
        return len(str(value))
    return max((_least_of_line(line) for line in value.splitlines()), default=0)


def _least_of_line(line: str) -> int:
    if line.startswith("  ") or " " not in line:
        return len(line)
    return min(len(line), max(_NARROWEST, *map(len, line.split())))


def _wrapped(value: Any, most: int) -> Any:
    if not isinstance(value, str):
        return value
    lines: list[str] = []
    for line in value.splitlines():
        if len(line) <= most or line.startswith("  "):
            lines.append(line)
        else:
            lines += textwrap.wrap(line, most, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)
