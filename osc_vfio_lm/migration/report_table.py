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

"""The preflight's report as rows and sentences for a terminal; it judges nothing itself."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Collection, Iterable, Iterator

from vfio_lm.preflight import CheckResult, Report, Status, Verdict
from vfio_lm.preflight.wording import summary
from vfio_lm.text import listed, server_named

CHECK_COLUMNS = ("Scope", "Host", "Check", "Status", "Detail")
DESTINATION_COLUMNS = ("Destination", "Verdict", "Free Devices", "Detail")

_MINOR = "Not known either, which does not change the verdict:"

_MOST_ANSWERS = 5
"""Of one check that are shown with their remedies."""

_Row = tuple[str, str, str, str, str]


def headline(report: Report) -> str:
    """Return the verdict in one line."""
    server = server_named(report.server_name, report.server_id)
    if report.verdict is Verdict.READY:
        hosts = listed(report.hosts(Verdict.READY))
        can = f"{server} can live migrate from {report.source_host} to {hosts}"
        if (host := report.host_to_name) is not None:
            others = listed(report.hosts_not_to_choose)
            return f"ready, with --host {host}: {can}; nova might choose {others} by itself"
        return f"ready: {can}"
    if report.verdict is Verdict.BLOCKED:
        where = f" to {report.requested_host}" if report.requested_host else ""
        return (
            f"blocked: {server} cannot live migrate from {report.source_host}{where}: "
            f"{_why_blocked(report)}"
        )
    return (
        f"unknown: whether {server} can live migrate from {report.source_host} is not settled: "
        f"{_ids(point.check for point in summary.open_questions(report))}"
    )


def _why_blocked(report: Report) -> str:
    if any(result.status is Status.FAIL for result in report.checks) or report.requested_host:
        return _ids(point.check for point in summary.obstacles(report))
    if not report.destinations:
        return "there is no other host with a nova-compute"
    if len(report.destinations) == 1:
        return "the only other host cannot take it"
    return f"none of {len(report.destinations)} hosts can take it"


def checks(report: Report) -> Iterator[_Row]:
    """Return one row for each check, of the server and of every destination."""
    for results in (report.checks, *(each.checks for each in report.destinations)):
        yield from map(_row, summary.by_urgency(results))


def destinations(report: Report) -> Iterator[tuple[str, str, int | str, str]]:
    """Return one row for each destination, the ready ones first.

    What is in the way of a destination is shown in full where nothing else says it.
    """
    needs_names = not report.hosts(Verdict.READY)
    for destination in report.destinations:
        said = summary.in_the_way(destination)
        yield (
            destination.host,
            destination.verdict.value,
            "unknown" if destination.free_devices is None else destination.free_devices,
            _ids(result.id for result in said) if needs_names else _detail(said),
        )


def obstacles(report: Report) -> Iterator[str]:
    """Return what is in the way, each with what to do about it."""
    yield from _section("To remove what is in the way:", summary.obstacles(report))


def notes(report: Report, *, every_remedy: bool) -> Iterator[str]:
    """Return what to look at, and what is not known, each with what to do about it.

    :param every_remedy: also for what does not change the verdict
    """
    yield from _section("To look at:", summary.warnings(report))
    yield from _questions(report)
    minor = summary.minor_questions(report)
    if every_remedy:
        yield from _section(_MINOR, minor)
    elif minor:
        yield _MINOR
        yield from map(_sentence, minor)
        yield "  What would settle it: --long"


def advice(report: Report) -> Iterator[str]:
    """Return what to do about what is in the way or not known, the same thing only once."""
    lines = [*obstacles(report), *_questions(report)]
    if lines:
        yield ""
        yield from lines


def sources(report: Report) -> Iterator[str]:
    """Return what was known besides the answers of the APIs, if anything."""
    yield from files(report.files)
    if (nova := report.nova_says) is not None:
        taken_at = nova.taken_at.astimezone(datetime.timezone.utc)
        doubt = "" if nova.counts else "; it does not count, see nova-dry-run"
        yield (
            f"Nova's own word: {nova.origin}, {taken_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"nova {nova.nova_version}{doubt}"
        )


def files(paths: Iterable[str]) -> Iterator[str]:
    """Return the files that were looked at besides the cloud, if any."""
    if names := ", ".join(paths):
        yield f"Files used: {names}"


def _questions(report: Report) -> Iterator[str]:
    yield from _section("To settle what is not known:", summary.open_questions(report))


def _section(title: str, points: Collection[summary.Point]) -> Iterator[str]:
    """Return points below a title, those with the same remedy together; nothing without points."""
    by_remedy: dict[str, list[summary.Point]] = {}
    shown: collections.Counter[str] = collections.Counter()
    for point in points:
        shown[point.check] += 1
        if shown[point.check] <= _MOST_ANSWERS:
            by_remedy.setdefault(point.remedy, []).append(point)
    if points:
        yield title
    for remedy, alike in by_remedy.items():
        yield from map(_sentence, alike)
        yield from (f"    {line}" for line in remedy.splitlines())
        if likewise := dict.fromkeys(host for point in alike for host in point.likewise):
            yield f"    and likewise for {listed(likewise)}"
    for check, count in shown.items():
        if count > _MOST_ANSWERS:
            yield f"  {check}: {count - _MOST_ANSWERS} more; the formats json and csv have all"


def _sentence(point: summary.Point) -> str:
    about = f" ({listed(point.hosts)})" if point.hosts else ""
    return f"  {point.check}{about}: {point.message}"


def _ids(checks: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(checks))


def _row(result: CheckResult) -> _Row:
    return (
        result.scope.value,
        result.host or "",
        result.id,
        result.status.value,
        result.message,
    )


def _detail(results: Iterable[CheckResult]) -> str:
    return "; ".join(f"{result.id}: {result.message}" for result in results)
