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

"""Checks, ours and those that other packages bring: what each has and what it may answer.

A check is a pure function of :class:`~vfio_lm.preflight.facts.Facts`. It does no I/O and knows no
clock. What it cannot know it answers with :func:`unknown`. A package adds a check through the
entry-point group ``vfio_lm.preflight.checks``; the entry's name is the check's id, its value a
:class:`Check`, made by decorating a function with :func:`check` or :func:`destination_check`. A
question that is asked both of the source and of each destination is a tuple of two checks of one
id.

Which unknown answers decide. Where nova itself would look and might refuse (its API, scheduler,
conductor or compute), an unknown answer makes the verdict unknown. What nova never looks at, the
driver of a device for instance, or whether its state is moved in time, is advice as long as it is
not known: few clouds could ever be ready otherwise, since only files from the hosts show it. A
known problem is a failure like any other, whichever part would notice it.

A check that raises, answers something else than an :class:`Outcome`, or has evidence that is not
JSON breaks nothing but itself: the report has ``defect of check X of package Y`` in its place, as
an unknown answer. The same is said of an entry that cannot be imported, has another name than its
check, or takes an id that is in use.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Hashable, Mapping

from vfio_lm.preflight.facts import Destination, Facts

ENTRY_POINT_GROUP = "vfio_lm.preflight.checks"

Evidence = Mapping[str, object]


class Status(enum.Enum):
    """The answer of one check."""

    PASS = "pass"  # noqa: S105 - not a password
    """The evidence shows that this will not be in the way."""
    FAIL = "fail"
    """The evidence shows that the live migration is or will be refused."""
    WARN = "warn"
    """It will not be refused for this, but needs attention."""
    UNKNOWN = "unknown"
    """The input that answers the question is missing."""
    NOT_APPLICABLE = "not applicable"
    """The question does not arise for this server."""


class Scope(enum.Enum):
    """What a check is about."""

    SERVER = "server"
    SOURCE = "source"
    DESTINATION = "destination"
    CLOUD = "cloud"


class Refuser(enum.Enum):
    """Which part of the platform would refuse the live migration."""

    API = "api"
    SCHEDULER = "scheduler"
    CONDUCTOR = "conductor"
    COMPUTE = "compute"
    LIBVIRT = "libvirt"
    QEMU = "qemu"
    KERNEL = "kernel"
    NOWHERE = "nowhere"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a check found out; use the functions below to make one."""

    status: Status
    message: str
    """One sentence for people."""
    remedy: str = ""
    """What to do; for an unknown, what is missing. Lines that begin with two spaces can be
    pasted, see :mod:`vfio_lm.preflight.wording.remedy`."""
    evidence: Evidence = dataclasses.field(default_factory=dict)
    """The values that were looked at: strings, numbers, booleans, None, lists and dicts."""


def passed(message: str, **evidence: object) -> Outcome:
    """Answer that this is not in the way."""
    return Outcome(Status.PASS, message, evidence=evidence)


def failed(message: str, *, remedy: str, **evidence: object) -> Outcome:
    """Answer that the live migration is or will be refused."""
    return Outcome(Status.FAIL, message, remedy, evidence)


def warned(message: str, *, remedy: str, **evidence: object) -> Outcome:
    """Answer that this needs attention, although nothing will be refused for it."""
    return Outcome(Status.WARN, message, remedy, evidence)


def unknown(message: str, *, settled_by: str, **evidence: object) -> Outcome:
    """Answer that an input is missing, and which."""
    return Outcome(Status.UNKNOWN, message, settled_by, evidence)


def not_applicable(message: str) -> Outcome:
    """Answer that the question does not arise."""
    return Outcome(Status.NOT_APPLICABLE, message)


@dataclasses.dataclass(frozen=True)
class Check:
    """One question of the preflight."""

    id: str
    """Kebab case, stable for ever."""
    scope: Scope
    question: str
    refused_by: Refuser
    """Who says no where this check fails."""
    ask: Callable[..., Outcome]
    """Called with the facts; for the destination scope, with the facts and a destination."""
    is_decisive: bool = True
    """Whether an unknown answer makes the verdict unknown."""
    depends_on: Callable[[Facts], Hashable] | None = None
    """For the destination scope: all of the facts that decides about the answer, besides the
    destination and what belongs to the cloud. Servers for which it is equal share the answer. None,
    or None from it, means that the answer is for this server alone."""
    may_end_in_error: bool = False
    """Whether nova, where it refuses for this, may put a running server into ERROR: its answer is
    then no harmless one to wait for."""
    package: str | None = None
    """The distribution that it came with, filled in when it is looked up; None for one that was
    not installed."""


def check(
    id: str,  # noqa: A002 - the word of the catalogue
    scope: Scope,
    question: str,
    *,
    refused_by: Refuser,
    is_decisive: bool = True,
    may_end_in_error: bool = False,
) -> Callable[[Callable[[Facts], Outcome]], Check]:
    """Make a check of a function that takes :class:`Facts`."""
    return lambda ask: Check(
        id, scope, question, refused_by, ask, is_decisive, may_end_in_error=may_end_in_error
    )


def destination_check(
    id: str,  # noqa: A002 - the word of the catalogue
    question: str,
    *,
    refused_by: Refuser,
    is_decisive: bool = True,
    depends_on: Callable[[Facts], Hashable] | None = None,
    may_end_in_error: bool = False,
) -> Callable[[Callable[[Facts, Destination], Outcome]], Check]:
    """Make a check of a function that is asked for each destination."""
    return lambda ask: Check(
        id,
        Scope.DESTINATION,
        question,
        refused_by,
        ask,
        is_decisive,
        depends_on,
        may_end_in_error,
    )
