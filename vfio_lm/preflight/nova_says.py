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

"""How far nova's own word counts for one server; what it does to answers is elsewhere."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable

from vfio_lm.cloud.model import Server
from vfio_lm.pci.nova_word import NovaAnswer, NovaWord, StoredServer

#: As long as this, what nova said is taken to be what it would say now.
_FRESH = datetime.timedelta(minutes=2)

#: Clocks of two machines differ.
_CLOCK_SKEW = datetime.timedelta(minutes=1)


@dataclasses.dataclass(frozen=True)
class GivenWord:
    """Nova's word, and where it comes from."""

    origin: str
    """The path of a file, or ``nova-api``."""
    word: NovaWord


class Standing(enum.Enum):
    """Whether nova's word counts for a server."""

    NOT_ASKED = "not asked"
    """There is none."""
    SILENT = "silent"
    """It says nothing of the server."""
    OLD = "old"
    """It is older than it may be, or from the future."""
    ELSEWHERE = "elsewhere"
    """It is about the server on another host."""
    COUNTS = "counts"
    """It decides what nova decides."""


@dataclasses.dataclass(frozen=True)
class NovaSays:
    """Nova's word about one server."""

    standing: Standing = Standing.NOT_ASKED
    reason: str = "no dry run was given"
    """Why it does not count; empty where it does."""
    given: GivenWord | None = None
    answer: NovaAnswer | None = None
    """What would become of a live migration; None unless it counts."""
    stored: StoredServer | None = None
    """What nova stored for the server, also where the answer does not count."""
    is_fresh: bool = False
    """Whether hardly anything can have changed since."""

    @property
    def counts(self) -> bool:
        """Whether it decides what nova decides."""
        return self.standing is Standing.COUNTS


NOT_ASKED = NovaSays()


def not_asked(reason: str) -> NovaSays:
    """Return what stands for nova's word where there is none."""
    return NovaSays(reason=reason)


def silent(reason: str) -> NovaSays:
    """Return what stands for nova's word where it was asked in vain."""
    return NovaSays(standing=Standing.SILENT, reason=f"nova's dry run failed: {reason}")


def about(
    server: Server,
    words: Iterable[GivenWord],
    now: datetime.datetime,
    max_age: datetime.timedelta,
) -> NovaSays:
    """Return what nova says about a server; of several words, the youngest that knows it counts.

    :param words: at least one
    :param max_age: an older word does not count
    """
    youngest_first = sorted(words, key=lambda each: each.word.taken_at, reverse=True)
    for given in youngest_first:
        answer = given.word.answer(server.id)
        if answer is None:
            continue
        standing, reason = _standing(server, given, answer, now, max_age)
        return NovaSays(
            standing=standing,
            reason=reason,
            given=given,
            answer=answer if standing is Standing.COUNTS else None,
            stored=given.word.server(server.id),
            is_fresh=abs(now - given.word.taken_at) <= _FRESH,
        )
    given = youngest_first[0]
    return NovaSays(
        standing=Standing.SILENT,
        reason=_silence(server, given),
        given=given,
        stored=given.word.server(server.id),
    )


def _standing(
    server: Server,
    given: GivenWord,
    answer: NovaAnswer,
    now: datetime.datetime,
    max_age: datetime.timedelta,
) -> tuple[Standing, str]:
    taken_at = given.word.taken_at
    if taken_at > now + _CLOCK_SKEW:
        return Standing.OLD, f"nova's word in {given.origin} is from the future, {taken_at}"
    age = now - taken_at
    if age > max_age:
        minutes = age // datetime.timedelta(minutes=1)
        return (
            Standing.OLD,
            f"nova's word in {given.origin} is {minutes} min old: it does not count",
        )
    if answer.source != server.host:
        return (
            Standing.ELSEWHERE,
            f"the server was on {answer.source} when nova was asked ({given.origin}), and is on "
            f"{server.host}",
        )
    return Standing.COUNTS, ""


def _silence(server: Server, given: GivenWord) -> str:
    of_it = (each.reason for each in given.word.omissions if each.subject == f"server {server.id}")
    # What is said of all that were left out may be about this one.
    more = (f"{each.subject}: {each.reason}" for each in given.word.omissions)
    why = next(of_it, None) or next(more, "")
    return f"nova's word ({given.origin}) has nothing about the server" + (
        f": {why}" if why else ""
    )
