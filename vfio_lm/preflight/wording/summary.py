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
import re
from collections.abc import Callable, Iterable, Iterator

from vfio_lm.preflight.check import Status
from vfio_lm.preflight.report import CheckResult, DestinationReport, Report, Verdict

_MOST_URGENT_FIRST = (
    Status.FAIL,
    Status.UNKNOWN,
    Status.WARN,
    Status.PASS,
    Status.NOT_APPLICABLE,
)


@dataclasses.dataclass(frozen=True)
class Point:
    """The answers of one check that say the same, perhaps about several hosts."""

    check: str
    hosts: tuple[str, ...]
    """The hosts it is about; none for the server and the cloud."""
    message: str
    """About the first of the hosts."""
    remedy: str
    """For the first of the hosts, see :mod:`vfio_lm.preflight.wording.remedy`."""
    likewise: tuple[str, ...]
    """The other hosts, where the remedy names the first."""


@dataclasses.dataclass(frozen=True)
class Alike:
    """Destinations that have the same verdict for the same reason."""

    hosts: tuple[str, ...]
    verdict: Verdict
    free_devices: tuple[int, ...]
    """The numbers that they have, each once, from the smallest on; none where it is not known."""
    checks: tuple[str, ...]
    """What keeps them from being ready."""
    reasons: tuple[str, ...]
    """What each of the checks says of all of them; none where it is not the same."""


def alike(report: Report) -> Iterator[Alike]:
    """Yield the destinations, those with the same answer together, the ready ones first."""
    groups: dict[tuple[Verdict, tuple[str, ...]], list[DestinationReport]] = {}
    for destination in report.destinations:
        ids = tuple(dict.fromkeys(result.id for result in in_the_way(destination)))
        groups.setdefault((destination.verdict, ids), []).append(destination)
    for (verdict, ids), found in groups.items():
        said = {tuple(_reasons(destination)) for destination in found}
        free = {destination.free_devices for destination in found}
        yield Alike(
            hosts=tuple(destination.host for destination in found),
            verdict=verdict,
            free_devices=tuple(sorted(number for number in free if number is not None)),
            checks=ids,
            reasons=tuple(f"{result.id}: {result.message}" for result in in_the_way(found[0]))
            if len(said) == 1
            else (),
        )


def _reasons(destination: DestinationReport) -> Iterator[str]:
    for result in in_the_way(destination):
        yield _without_host(result.message, destination.host)


def start(report: Report) -> str:
    """Return the command that live migrates a server which is ready."""
    by_alias = any(
        result.id == "alias-live-migratable" and result.status is not Status.NOT_APPLICABLE
        for result in report.checks
    )
    command = "vfio migration start" if by_alias else "server migrate --live-migration"
    host = report.host_to_name or report.requested_host
    named = f" --host {host}" if host else ""
    return f"openstack {command} --wait{named} {report.server_id}"


def by_urgency(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Return answers as people look for them: what fails first, what does not apply last."""
    return sorted(results, key=lambda result: _MOST_URGENT_FIRST.index(result.status))


def obstacles(report: Report) -> tuple[Point, ...]:
    """Return what is in the way."""
    return _points(report, lambda result: result.status is Status.FAIL)


def warnings(report: Report) -> tuple[Point, ...]:
    """Return what needs attention."""
    return _points(report, lambda result: result.status is Status.WARN)


def open_questions(report: Report) -> tuple[Point, ...]:
    """Return what has to be known before the server is ready; nothing where it is blocked."""
    if report.verdict is Verdict.BLOCKED:
        return ()
    return _points(report, lambda result: result.status is Status.UNKNOWN and result.is_decisive)


def minor_questions(report: Report) -> tuple[Point, ...]:
    """Return what is not known, also to nova, and does not change the verdict."""
    return _points(report, _is_minor)


def minor_checks(report: Report) -> dict[str, tuple[str, ...]]:
    """Return the checks of the minor questions, with their hosts; no hosts where all are."""
    hosts: dict[str, list[str]] = {}
    answered = set()
    for result in _relevant(report):
        if _is_minor(result):
            hosts.setdefault(result.id, []).extend([result.host] if result.host else [])
        elif result.status is not Status.NOT_APPLICABLE:
            answered.add(result.id)
    return {
        check: tuple(dict.fromkeys(found)) if check in answered else ()
        for check, found in hosts.items()
    }


def _is_minor(result: CheckResult) -> bool:
    return result.status is Status.UNKNOWN and not result.is_decisive and result.nova is None


def in_the_way(about: Report | DestinationReport) -> list[CheckResult]:
    """Return what keeps a destination, or a server by itself, from being ready."""
    failed = [result for result in about.checks if result.status is Status.FAIL]
    # Where a host is refused, what is not known about it no longer matters.
    return failed or [
        result for result in about.checks if result.status is Status.UNKNOWN and result.is_decisive
    ]


def _points(report: Report, matters: Callable[[CheckResult], bool]) -> tuple[Point, ...]:
    by_answer: dict[tuple[str, str, str], list[CheckResult]] = {}
    for result in filter(matters, _relevant(report)):
        key = (
            result.id,
            _without_host(result.message, result.host),
            _without_host(result.remedy, result.host),
        )
        by_answer.setdefault(key, []).append(result)
    return tuple(_point(found) for found in by_answer.values())


def _point(found: list[CheckResult]) -> Point:
    first = found[0]
    hosts = tuple(dict.fromkeys(result.host for result in found if result.host))
    names_host = _without_host(first.remedy, first.host) != first.remedy
    return Point(
        check=first.id,
        hosts=hosts,
        message=first.message,
        remedy=first.remedy,
        likewise=hosts[1:] if names_host else (),
    )


def _without_host(text: str, host: str | None) -> str:
    """Return a string in which hosts do not differ."""
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "HOST", text) if host else text


def _relevant(report: Report) -> tuple[CheckResult, ...]:
    """Return the answers that matter: while one destination is ready, the others do not."""
    ready = set(report.hosts(Verdict.READY))
    return report.checks + tuple(
        result
        for destination in report.destinations
        if not ready or destination.host in ready
        for result in destination.checks
    )
