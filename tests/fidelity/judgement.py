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

"""How verdicts and nova's answers go together: the data; who asks, and who counts, is elsewhere."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from vfio_lm.preflight import Verdict


class Subject(enum.Enum):
    """What a verdict is about."""

    SERVER = "server"
    """Whether the server can leave, to whichever host nova chooses."""
    DESTINATION = "destination"
    """Whether it can go to one host, as the verdict about the server shows."""
    NAMED_HOST = "named host"
    """The same where the preflight is asked for this host alone, as with ``--host``."""


class Informed(enum.Enum):
    """What who says a verdict was given."""

    FULLY = "every input"
    PARTLY = "some missing"
    BY_APIS = "APIs and nova.conf"
    BY_HOSTS = "facts of hosts as well"
    BY_WORD = "nova's word as well"
    BY_DRY_RUN = "the dry run alone"
    """Nova's word as it is, without any check of ours."""


class Agreement(enum.Enum):
    """How a verdict and nova go together."""

    RIGHT = "right"
    UNKNOWN = "unknown"
    FALSE_READY = "false ready"
    FALSE_BLOCKED = "false blocked"
    FOREWARNED = "unknown, warned of ERROR"
    """Nova leaves the server in ERROR, and the unknown verdict said that it may."""
    UNFORESEEN_ERROR = "unforeseen ERROR"
    """The verdict is unknown, without that warning, and nova leaves the server in ERROR."""


WRONG = frozenset({Agreement.FALSE_READY, Agreement.FALSE_BLOCKED, Agreement.UNFORESEEN_ERROR})


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, held against what nova did.

    :ivar host: the destination that was asked for; None: nova chose.
    :ivar informed: what the verdict rests on.
    :ivar is_moved: whether nova moved the server to where it might go, with devices of that host.
    :ivar is_broken: whether nova left it in ERROR.
    :ivar nova: what nova said or did, for people.
    :ivar is_warned: whether it was said that nova may leave the server in ERROR: the preflight does
        not hand such an unknown to nova.
    :ivar unknown: the checks that made the verdict unknown.
    :ivar failed: the checks that made the verdict blocked.
    """

    subject: Subject
    host: str | None
    verdict: Verdict
    is_moved: bool
    nova: str
    informed: Informed = Informed.FULLY
    is_broken: bool = False
    is_warned: bool = False
    unknown: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def agreement(self) -> Agreement:
        """Hold the verdict against what nova did."""
        if self.verdict is Verdict.READY and not self.is_moved:
            return Agreement.FALSE_READY
        if self.verdict is Verdict.BLOCKED and self.is_moved:
            return Agreement.FALSE_BLOCKED
        if self.verdict is not Verdict.UNKNOWN:
            return Agreement.RIGHT
        if not self.is_broken:
            return Agreement.UNKNOWN
        return Agreement.FOREWARNED if self.is_warned else Agreement.UNFORESEEN_ERROR

    @property
    def sentence(self) -> str:
        """Say it for people."""
        where = f" {self.host}" if self.host else ""
        why = ", ".join((*self.failed, *self.unknown))
        verdict = f"{self.verdict.value} ({why})" if why else self.verdict.value
        return (
            f"{self.subject.value}{where}, {self.informed.value}: "
            f"the verdict is {verdict}, but nova: {self.nova}"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """All answers about one scenario.

    :ivar void: why nova does not even make the servers; then there is no answer.
    :ivar seconds: how long each phase took.
    """

    seed: int
    number: int
    answers: tuple[Answer, ...] = ()
    void: str = ""
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def disagreements(self) -> tuple[Answer, ...]:
        """The answers in which the preflight was wrong."""
        return tuple(answer for answer in self.answers if answer.agreement in WRONG)

    def to_json(self) -> str:
        """Return the JSON form, on one line."""
        return json.dumps(dataclasses.asdict(self), default=lambda member: member.value)

    @classmethod
    def from_json(cls, line: str) -> Judgement:
        """Read what :meth:`to_json` wrote."""
        data = json.loads(line)
        return cls(**data | {"answers": tuple(map(_answer, data["answers"]))})


def _answer(data: Mapping[str, Any]) -> Answer:
    typed = {
        "subject": Subject(data["subject"]),
        "informed": Informed(data["informed"]),
        "verdict": Verdict(data["verdict"]),
        "unknown": tuple(data["unknown"]),
        "failed": tuple(data["failed"]),
    }
    return Answer(**data | typed)
