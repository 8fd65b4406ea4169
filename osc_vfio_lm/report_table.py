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

from collections.abc import Iterable, Iterator, Sequence

from vfio_lm.preflight import CheckResult, DestinationReport, Report, Verdict, summary

COLUMNS = ("Scope", "Host", "Check", "Status", "Detail", "Remedy")
DESTINATION_COLUMNS = ("Destination", "Verdict", "Free devices", "Detail")

_Row = tuple[str, str, str, str, str, str]


def headline(report: Report) -> str:
    """Return the verdict in one line."""
    server = f"server {report.server_name} ({report.server_id})"
    if report.verdict is Verdict.READY:
        hosts = ", ".join(report.hosts(Verdict.READY))
        return f"ready: {server} can live migrate from {report.source_host} to {hosts}"
    if report.verdict is Verdict.BLOCKED:
        where = f" to {report.requested_host}" if report.requested_host else ""
        why = "" if report.destinations else ": there is no other host with a nova-compute"
        return f"blocked: {server} cannot live migrate from {report.source_host}{where}{why}"
    return f"unknown: whether {server} can live migrate from {report.source_host} is not settled"


def rows(report: Report, *, every_check: bool) -> Iterator[_Row]:
    """Return one row for each check; destinations have one row each unless all are asked for."""
    for result in summary.by_urgency(report.checks):
        yield _row(result)
    for destination in report.destinations:
        if every_check:
            yield from (_row(result) for result in summary.by_urgency(destination.checks))
        else:
            yield _summary(destination)


def destinations(report: Report) -> Iterator[tuple[str, str, int, str]]:
    """Return one row for each destination, the ready ones first."""
    for destination in report.destinations:
        yield (
            destination.host,
            destination.verdict.value,
            destination.free_devices,
            "; ".join(
                f"{result.id}: {result.message}" for result in summary.in_the_way(destination)
            ),
        )


def obstacles(report: Report) -> Iterator[str]:
    """Return what is in the way, each with what to do about it."""
    yield from _section("To remove what is in the way:", summary.obstacles(report))


def notes(report: Report) -> Iterator[str]:
    """Return what to look at, and what is not known, each with what to do about it."""
    yield from _section("To look at:", summary.warnings(report))
    yield from _questions(report)
    yield from _section(
        "Not known either, which does not change the verdict:",
        summary.minor_questions(report),
        with_remedy=False,
    )


def advice(report: Report) -> Iterator[str]:
    """Return what to do about what is in the way or not known, the same thing only once."""
    lines = [*obstacles(report), *_questions(report)]
    if lines:
        yield ""
        yield from lines


def files(paths: Iterable[str]) -> Iterator[str]:
    """Return the files that were looked at besides the cloud, if any."""
    if listed := ", ".join(paths):
        yield f"Files used: {listed}"


def _questions(report: Report) -> Iterator[str]:
    yield from _section("To settle what is not known:", summary.open_questions(report))


def _section(
    title: str, points: Iterable[summary.Point], *, with_remedy: bool = True
) -> Iterator[str]:
    """Return points below a title; nothing where there are none."""
    for number, point in enumerate(points):
        if number == 0:
            yield title
        yield f"  {point.check}{_named(point.hosts)}: {point.message}"
        if with_remedy:
            yield f"    {point.remedy}"


def _named(hosts: Sequence[str], most: int = 5) -> str:
    if not hosts:
        return ""
    more = f" and {len(hosts) - most} more" if len(hosts) > most else ""
    return f" ({', '.join(hosts[:most])}{more})"


def _row(result: CheckResult) -> _Row:
    return (
        result.scope.value,
        result.host or "",
        result.id,
        result.status.value,
        result.message,
        result.remedy,
    )


def _detail(results: Iterable[CheckResult]) -> str:
    return "; ".join(f"{result.id}: {result.message}" for result in results)


def _summary(destination: DestinationReport) -> _Row:
    said = summary.in_the_way(destination)
    detail = _detail(said)
    return (
        "destination",
        destination.host,
        "all",
        destination.verdict.value,
        detail or f"{destination.free_devices} free device(s) of the kinds that are needed",
        "; ".join(dict.fromkeys(result.remedy for result in said)),
    )
