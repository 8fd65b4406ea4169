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

"""Wording that every part of the project shares: lists, counts, and names of servers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

_NUMBERED = re.compile(r"(?P<before>[^.]*?)(?P<digits>[0-9]{1,9})(?P<after>(\..*)?)")

_LARGEST = 2**31 - 1
"""What nova, placement and the kernel count with has room for this much."""


def listed(names: Iterable[object], most: int = 5) -> str:
    """Return names as a list that stays readable: ``a, b and 7 more``.

    :param most: how many are named
    """
    words = [str(name) for name in names]
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def ranged(names: Iterable[str], most: int = 5) -> str:
    """Return names of hosts as a list in which three or more that are numbered on are one.

    For example ``compute1, compute4–compute17``.
    """
    pieces: list[str] = []
    for _, run in itertools.groupby(
        enumerate(sorted(names, key=_numbered)), lambda pair: _run(pair[0], pair[1])
    ):
        alike = [name for _, name in run]
        pieces += [f"{alike[0]}–{alike[-1]}"] if len(alike) > 2 else alike
    return listed(pieces, most)


def _numbered(name: str) -> tuple[str, str, int]:
    """Return what is around the number at the end of a host's short name, and the number."""
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return name, "", 0
    return found["before"], found["after"], int(found["digits"])


def _run(position: int, name: str) -> tuple[str, str, int]:
    """Return what names have in common that are numbered on, by their place in the order."""
    before, after, number = _numbered(name)
    return before, after, number - position


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 host``, ``2 hosts``.

    :param plural: where it takes more than an ``s``
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def whole_number(text: str) -> int | None:
    """Return the number that a user gave, from 0 on; None for what is none, or has no room.

    Python itself raises ValueError for more than 4,300 digits.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(_LARGEST)) or int(digits) > _LARGEST:
        return None
    return int(digits)


def server_named(name: str, server_id: str) -> str:
    """Return a server as messages name it: names of servers need not be unique."""
    return f"server {name} ({server_id})"


def no_such_host(name: str, hosts: Iterable[object]) -> str:
    """Return the sentence that refuses the name of a compute host.

    :param hosts: the names of those that exist
    """
    return no_such("compute host", name, hosts)


def no_such(kind: str, name: str, known: Iterable[object], most: int = 10) -> str:
    """Return the sentence that refuses a name which nothing has, with the names that exist.

    :param kind: of thing, for example ``compute host``
    :param known: the names that exist
    """
    words = sorted(str(each) for each in known)
    exist = f"known: {listed(words, most)}" if words else "there is none"
    return f"no {kind} is named '{name}'; {exist}"
