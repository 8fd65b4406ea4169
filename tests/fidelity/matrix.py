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

"""Counting judgements, and showing the counts as text and for the documentation; pure functions."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from tests.fidelity.judgement import Agreement, Answer, Judgement, Subject
from vfio_lm.preflight import Verdict

_INPUTS = {True: "every input", False: "some missing"}
_HEADER = ("verdict about", "inputs", "verdict", "nova moves", "nova does not", "wrong")


@dataclasses.dataclass(frozen=True, slots=True)
class Matrix:
    """What was counted over scenarios that nova's answers are known of."""

    judgements: tuple[Judgement, ...]

    @classmethod
    def of(cls, judgements: Iterable[Judgement]) -> Matrix:
        """Count judgements; void ones are left out."""
        return cls(tuple(each for each in judgements if not each.void))

    def rows(self) -> list[tuple[str, ...]]:
        """Return the confusion matrix, one row for each verdict about each subject."""
        return [
            (
                subject.value,
                _INPUTS[is_complete],
                verdict.value,
                *self._cells(subject, is_complete, verdict),
            )
            for subject in Subject
            for is_complete in (True, False)
            for verdict in (Verdict.READY, Verdict.BLOCKED, Verdict.UNKNOWN)
        ]

    def _cells(self, subject: Subject, is_complete: bool, verdict: Verdict) -> tuple[str, ...]:
        answers = [a for a in self._answers(subject, is_complete) if a.verdict is verdict]
        moved = sum(answer.is_moved for answer in answers)
        wrong = {Verdict.READY: len(answers) - moved, Verdict.BLOCKED: moved}.get(verdict)
        return str(moved), str(len(answers) - moved), "" if wrong is None else str(wrong)

    def _answers(self, subject: Subject, is_complete: bool | None = None) -> Iterator[Answer]:
        for judgement in self.judgements:
            if is_complete in (None, judgement.is_complete):
                yield from (a for a in judgement.answers if a.subject is subject)

    def scenarios_with(self, agreement: Agreement, *, complete_only: bool = False) -> int:
        """Count the scenarios with such an answer about the server or one of its destinations.

        For unknown, only the verdict about the server counts.
        """
        subjects = {Subject.SERVER} if agreement is Agreement.UNKNOWN else set(Subject)
        return sum(
            any(a.agreement is agreement and a.subject in subjects for a in judgement.answers)
            for judgement in self.judgements
            if judgement.is_complete or not complete_only
        )

    def unknowns(self) -> list[tuple[str, ...]]:
        """Return how many unknown verdicts about servers each set of checks made."""
        counted = collections.Counter(
            (_INPUTS[judgement.is_complete], ", ".join(answer.unknown))
            for judgement in self.judgements
            for answer in judgement.answers
            if answer.subject is Subject.SERVER and answer.agreement is Agreement.UNKNOWN
        )
        return [(inputs, checks, str(count)) for (inputs, checks), count in sorted(counted.items())]

    def summary(self) -> list[tuple[str, ...]]:
        """Return the numbers that the project is measured by."""
        total = len(self.judgements)
        complete = sum(judgement.is_complete for judgement in self.judgements)
        return [
            ("scenarios", str(total), ""),
            ("with every input", str(complete), _percent(complete, total)),
            *(
                (name, str(count), _percent(count, of))
                for name, count, of in (
                    ("false ready", self.scenarios_with(Agreement.FALSE_READY), total),
                    ("false blocked", self.scenarios_with(Agreement.FALSE_BLOCKED), total),
                    (
                        "unknown with every input",
                        self.scenarios_with(Agreement.UNKNOWN, complete_only=True),
                        complete,
                    ),
                )
            ),
        ]

    def text(self) -> str:
        """Return all tables for a terminal."""
        return "\n\n".join("\n".join(_aligned(header, rows)) for header, rows in self._tables())

    def rst(self) -> str:
        """Return all tables for the documentation."""
        return "\n".join("\n".join(_list_table(header, rows)) for header, rows in self._tables())

    def _tables(self) -> tuple[tuple[Sequence[str], list[tuple[str, ...]]], ...]:
        return (
            (_HEADER, self.rows()),
            (("of all scenarios", "number", "share"), self.summary()),
            (("inputs", "what made the verdict about a server unknown", "number"), self.unknowns()),
        )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _list_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield ""
    for row in (header, *rows):
        for place, cell in enumerate(row):
            yield f"   {'* -' if place == 0 else '  -'} {cell}".rstrip()
    yield ""
