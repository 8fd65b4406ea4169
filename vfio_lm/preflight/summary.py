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

"""What of a report people need to read, in the order of its urgency; no face's layout."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from vfio_lm.preflight.check import Status
from vfio_lm.preflight.report import CheckResult, DestinationReport, Report, Verdict

_MOST_URGENT_FIRST = (
    Status.FAIL,
    Status.UNKNOWN,
    Status.WARN,
    Status.PASS,
    Status.NOT_APPLICABLE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """The answers of one check that say the same about several hosts."""

    check: str
    hosts: tuple[str, ...]
    """The hosts it is about; none for the server and the cloud."""
    message: str
    """What the first of the hosts has serves as the example."""
    remedy: str


def by_urgency(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Return answers as people look for them: what fails first, what does not apply last."""
    return sorted(results, key=lambda result: _MOST_URGENT_FIRST.index(result.status))


def obstacles(report: Report) -> tuple[Point, ...]:
    """Return what is in the way."""
    return _points(report, lambda result: result.status is Status.FAIL)


def warnings(report: Report) -> tuple[Point, ...]:
    """Return what somebody should look at."""
    return _points(report, lambda result: result.status is Status.WARN)


def open_questions(report: Report) -> tuple[Point, ...]:
    """Return what has to be known before the server is ready; nothing where it is blocked."""
    if report.verdict is Verdict.BLOCKED:
        return ()
    return _points(report, lambda result: result.status is Status.UNKNOWN and result.is_decisive)


def minor_questions(report: Report) -> tuple[Point, ...]:
    """Return what is not known and does not change the verdict."""
    return _points(
        report, lambda result: result.status is Status.UNKNOWN and not result.is_decisive
    )


def in_the_way(about: Report | DestinationReport) -> list[CheckResult]:
    """Return what keeps a destination, or a server by itself, from being ready."""
    failed = [result for result in about.checks if result.status is Status.FAIL]
    # Where a host is refused, what is not known about it no longer matters.
    return failed or [
        result for result in about.checks if result.status is Status.UNKNOWN and result.is_decisive
    ]


def _points(report: Report, matters: Callable[[CheckResult], bool]) -> tuple[Point, ...]:
    by_check: dict[tuple[str, str], list[CheckResult]] = {}
    for result in filter(matters, _relevant(report)):
        key = (result.id, result.remedy if result.host is None else result.scope.value)
        by_check.setdefault(key, []).append(result)
    return tuple(
        Point(
            check=check,
            hosts=tuple(result.host for result in found if result.host),
            message=found[0].message,
            remedy=found[0].remedy,
        )
        for (check, _), found in by_check.items()
    )


def _relevant(report: Report) -> tuple[CheckResult, ...]:
    """Return the answers that matter: while one destination is ready, the others do not."""
    ready = set(report.hosts(Verdict.READY))
    return report.checks + tuple(
        result
        for destination in report.destinations
        if not ready or destination.host in ready
        for result in destination.checks
    )
