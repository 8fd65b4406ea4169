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

"""The causes that follow from what nova, libvirt, QEMU and the kernel said of a migration."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from vfio_lm.error_texts import Certainty, ErrorText, row_of


@dataclasses.dataclass(frozen=True)
class Cause:
    """One explanation of a failure."""

    id: str
    """Kebab case, stable."""
    certainty: Certainty
    sentence: str
    evidence: tuple[str, ...]
    """What was seen, in the platform's own words where there are any."""
    check: str
    """The check of the preflight that comes closest; empty where none looks at this."""
    remedy: str


@dataclasses.dataclass(frozen=True)
class Words:
    """Something that the platform said."""

    text: str
    said_by: str
    """For people: an event with its host, or a file."""
    is_of_this_migration: bool = True
    is_error: bool = True
    """Whether it was said as an error, so that it matters also where it is not understood."""


_ORDER = tuple(Certainty)

#: How an object begins that nova prints as Python writes it.
_OBJECT = re.compile(r"\[?\b[A-Z]\w*\((?=\w+=)")
_MOST_EVIDENCE = 3
_LONGEST_EVIDENCE = 300
_BEFORE = 100
"""Of a long text, how much is shown before the words that are known."""


def known_causes(words: Iterable[Words]) -> Iterator[Cause]:
    """Yield what is known from words alone, each cause once with all its evidence.

    What was not said about this migration for sure is likely at best.
    """
    found: dict[str, tuple[ErrorText, list[Words]]] = {}
    for each in words:
        if (row := row_of(each.text)) is not None:
            found.setdefault(row.id, (row, []))[1].append(each)
    is_explained = any(not row.is_fallback for row, _ in found.values())
    for row, said in found.values():
        if row.is_fallback and is_explained:
            continue
        is_certain = any(each.is_of_this_migration for each in said)
        yield Cause(
            id=row.id,
            certainty=row.certainty if is_certain else less_certain(row.certainty),
            sentence=row.sentence(said[0].text),
            evidence=_evidence(row, said),
            check=row.check,
            remedy=row.remedy,
        )


def _evidence(row: ErrorText, said: Iterable[Words]) -> tuple[str, ...]:
    """Return different words, as many and as much of each as somebody reads."""
    found = list(dict.fromkeys(f"{each.said_by}: {_excerpt(row, each.text)}" for each in said))
    more = len(found) - _MOST_EVIDENCE
    return (*found[:_MOST_EVIDENCE], *([f"and {more} more like these"] if more > 0 else []))


def _excerpt(row: ErrorText, text: str) -> str:
    """Return a text on one line, and of a long one the part that the row knows."""
    match = row.pattern.search(text)
    begin = max(0, match.start() - _BEFORE) if match and len(text) > _LONGEST_EVIDENCE else 0
    end = begin + _LONGEST_EVIDENCE
    words = plain(text[begin:end])
    return f"{'… ' if begin else ''}{words}{' …' if end < len(text) else ''}"


def not_understood(words: Iterable[Words]) -> tuple[str, ...]:
    """Return the errors that the table lacks, each once, in the order in which they were said."""
    unknown = [each for each in words if each.is_error and row_of(each.text) is None]
    return tuple(dict.fromkeys(f"{each.said_by}: {plain(each.text)}" for each in unknown))


def plain(text: str) -> str:
    """Return a text on one line, with an ellipsis for each Python object that nova printed."""
    text = " ".join(text.split())
    pieces = []
    while (found := _OBJECT.search(text)) is not None:
        pieces += [text[: found.start()], "…"]
        text = text[_end_of_object(text, found) :]
    return "".join((*pieces, text))


def _end_of_object(text: str, begin: re.Match[str]) -> int:
    """Return where an object ends; nova's record cuts long ones off."""
    depth = begin.group().count("(") + begin.group().count("[")
    for position in range(begin.end(), len(text)):
        depth += (text[position] in "([") - (text[position] in ")]")
        if depth <= 0:
            return position + 1
    return len(text)


def most_certain_first(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Sort causes; those that are equally sure stay as they are."""
    return tuple(sorted(causes, key=lambda cause: _ORDER.index(cause.certainty)))


def less_certain(certainty: Certainty) -> Certainty:
    """Return what is left of a certainty where it is not sure what the words were about."""
    return Certainty.LIKELY if certainty is Certainty.CERTAIN else Certainty.POSSIBLE
