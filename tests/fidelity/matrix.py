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

"""Counts of verdicts against nova's answers, as tables."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from tests.fidelity.judgement import WRONG, Agreement, Answer, Informed, Judgement, Subject
from vfio_lm.preflight import Verdict

_HEADER = (
    "verdict about",
    "informed by",
    "verdict",
    "nova moves",
    "nova does not",
    "left in ERROR",
    "wrong",
)
_SUMMARY_HEADER = (
    "informed by",
    "scenarios",
    "false ready",
    "false blocked",
    "ERROR after ready",
    Agreement.UNFORESEEN_ERROR.value,
    Agreement.FOREWARNED.value,
    "server unknown",
)
_UNKNOWN_HEADER = (
    "informed by",
    "what made the verdict about a server unknown",
    "number",
    "share of servers",
)
_THREE_HEADER = ("about", "our checks", "the dry run", "nova", "number")

Rows = list[tuple[str, ...]]


@dataclasses.dataclass(frozen=True, slots=True)
class Matrix:
    """What was counted over scenarios that nova's answers are known of."""

    judgements: tuple[Judgement, ...]

    @classmethod
    def of(cls, judgements: Iterable[Judgement]) -> Matrix:
        """Count judgements; void ones are left out."""
        return cls(tuple(each for each in judgements if not each.void))

    def rows(self) -> Rows:
        """Return the confusion matrix, one row for each verdict about each subject."""
        return [
            (subject.value, informed.value, verdict.value, *_cells(answers))
            for subject in Subject
            for informed in Informed
            for verdict in (Verdict.READY, Verdict.BLOCKED, Verdict.UNKNOWN)
            if self._informed(informed)
            for answers in [[a for a in self._answers(informed, subject) if a.verdict is verdict]]
        ]

    def scenarios_with(self, agreement: Agreement, informed: Informed) -> int:
        """Count the scenarios with such an answer about the server or one of its destinations.

        For unknown, only the verdict about the server counts.
        """
        subjects = {Subject.SERVER} if agreement is Agreement.UNKNOWN else set(Subject)
        return sum(
            any(
                a.agreement is agreement and a.subject in subjects
                for a in judgement.answers
                if a.informed is informed
            )
            for judgement in self.judgements
        )

    def summary(self) -> Rows:
        """Return the numbers that the project is measured by."""
        return [self._measured(each) for each in Informed if self._informed(each)]

    def unknowns(self) -> Rows:
        """Return how many servers each set of reasons left unknown, and their share."""
        counted = collections.Counter(
            (answer.informed, ", ".join(answer.unknown))
            for answer in self._of_every_kind()
            if answer.subject is Subject.SERVER and answer.verdict is Verdict.UNKNOWN
        )
        order = list(Informed)
        return [
            (informed.value, reasons, str(count), _percent(count, len(self._informed(informed))))
            for (informed, reasons), count in sorted(
                counted.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1])
            )
        ]

    def three_ways(self) -> Rows:
        """Return what our own checks, the dry run and nova say of the same; nothing if not asked.

        Our checks are those that were given the facts of hosts, and not nova's word.
        """
        counted: collections.Counter[tuple[str, ...]] = collections.Counter()
        for judgement in self.judgements:
            by_place = {(a.informed, a.subject, a.host): a for a in judgement.answers}
            for (informed, subject, host), own in by_place.items():
                dry_run = by_place.get((Informed.BY_DRY_RUN, subject, host))
                if informed is Informed.BY_HOSTS and dry_run is not None:
                    counted[
                        subject.value, own.verdict.value, dry_run.verdict.value, _end(dry_run)
                    ] += 1
        return [(*row, str(count)) for row, count in sorted(counted.items())]

    def text(self) -> str:
        """Return all tables for a terminal."""
        return "\n\n".join("\n".join(_aligned(header, rows)) for header, rows in self._tables())

    def rst(self) -> str:
        """Return all tables for the documentation."""
        return "\n".join("\n".join(_list_table(header, rows)) for header, rows in self._tables())

    def _tables(self) -> list[tuple[Sequence[str], Rows]]:
        tables = [
            (_HEADER, self.rows()),
            (_SUMMARY_HEADER, self.summary()),
            (_UNKNOWN_HEADER, self.unknowns()),
            (_THREE_HEADER, self.three_ways()),
        ]
        return [(header, rows) for header, rows in tables if rows]

    def _measured(self, informed: Informed) -> tuple[str, ...]:
        judged = len(self._informed(informed))
        broken = collections.Counter(
            answer.agreement
            for judgement in self._informed(informed)
            for answer in _distinct(
                a for a in judgement.answers if a.informed is informed and a.is_broken
            )
        )
        unknown = self._count_unknown(informed)
        return (
            informed.value,
            str(judged),
            str(self.scenarios_with(Agreement.FALSE_READY, informed)),
            str(self.scenarios_with(Agreement.FALSE_BLOCKED, informed)),
            str(broken[Agreement.FALSE_READY]),
            str(broken[Agreement.UNFORESEEN_ERROR]),
            str(broken[Agreement.FOREWARNED]),
            f"{unknown}, {_percent(unknown, judged)}",
        )

    def _count_unknown(self, informed: Informed) -> int:
        answers = self._answers(informed, Subject.SERVER)
        return sum(answer.verdict is Verdict.UNKNOWN for answer in answers)

    def _informed(self, informed: Informed) -> list[Judgement]:
        return [
            judgement
            for judgement in self.judgements
            if any(answer.informed is informed for answer in judgement.answers)
        ]

    def _answers(self, informed: Informed, subject: Subject) -> list[Answer]:
        return [
            answer
            for answer in self._of_every_kind()
            if answer.informed is informed and answer.subject is subject
        ]

    def _of_every_kind(self) -> Iterator[Answer]:
        for judgement in self.judgements:
            yield from judgement.answers


def _distinct(answers: Iterable[Answer]) -> Iterable[Answer]:
    """Return one answer for each time that nova was asked: a named host is a destination, too."""
    return {(answer.host, answer.agreement): answer for answer in answers}.values()


def _cells(answers: Sequence[Answer]) -> tuple[str, ...]:
    moved = sum(answer.is_moved for answer in answers)
    broken = sum(answer.is_broken for answer in answers)
    wrong = sum(answer.agreement in WRONG for answer in answers)
    return str(moved), str(len(answers) - moved), str(broken), str(wrong)


def _end(answer: Answer) -> str:
    if answer.is_broken:
        return "ERROR"
    return "moves it" if answer.is_moved else "does not"


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
