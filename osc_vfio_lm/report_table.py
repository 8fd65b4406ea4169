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

from collections.abc import Iterable, Iterator

from vfio_lm.preflight import CheckResult, DestinationReport, Report, Status, Verdict

COLUMNS = ("Scope", "Host", "Check", "Status", "Detail", "Remedy")
DESTINATION_COLUMNS = ("Destination", "Verdict", "Free devices", "Detail")

_MOST_URGENT_FIRST = (
    Status.FAIL,
    Status.UNKNOWN,
    Status.WARN,
    Status.PASS,
    Status.NOT_APPLICABLE,
)

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
    for result in _by_urgency(report.checks):
        yield _row(result)
    for destination in report.destinations:
        if every_check:
            yield from (_row(result) for result in _by_urgency(destination.checks))
        else:
            yield _summary(destination)


def destinations(report: Report) -> Iterator[tuple[str, str, int, str]]:
    """Return one row for each destination, the ready ones first."""
    for destination in report.destinations:
        yield (
            destination.host,
            destination.verdict.value,
            destination.free_devices,
            "; ".join(f"{result.id}: {result.message}" for result in _open(destination)),
        )


def obstacles(report: Report) -> Iterator[str]:
    """Return what is in the way, each with what to do about it."""
    failed = [result for result in _relevant(report) if result.status is Status.FAIL]
    if failed:
        yield "To remove what is in the way:"
        yield from _grouped(failed, with_remedy=True)


def notes(report: Report) -> Iterator[str]:
    """Return what to look at, and what is not known, each with what to do about it."""
    warned = [result for result in _relevant(report) if result.status is Status.WARN]
    if warned:
        yield "To look at:"
        yield from _grouped(warned, with_remedy=True)
    results = [result for result in _relevant(report) if result.status is Status.UNKNOWN]
    decisive = [result for result in results if result.is_decisive]
    if decisive and report.verdict is not Verdict.BLOCKED:
        yield "To settle what is not known:"
        yield from _grouped(decisive, with_remedy=True)
    if advisory := [result for result in results if not result.is_decisive]:
        yield "Not known either, which does not change the verdict:"
        yield from _grouped(advisory, with_remedy=False)


def advice(report: Report) -> Iterator[str]:
    """Return what to do about what is in the way or not known, the same thing only once."""
    lines = list(obstacles(report))
    if report.verdict is Verdict.UNKNOWN:
        decisive = [
            result
            for result in _relevant(report)
            if result.status is Status.UNKNOWN and result.is_decisive
        ]
        lines += ["To settle what is not known:", *_grouped(decisive, with_remedy=True)]
    if lines:
        yield ""
        yield from lines


def files(report: Report) -> Iterator[str]:
    """Return the files that were looked at besides the cloud, if any."""
    if report.files:
        yield f"Files used: {', '.join(report.files)}"


def _relevant(report: Report) -> tuple[CheckResult, ...]:
    """Return the answers that matter: while one destination is ready, the others do not."""
    ready = set(report.hosts(Verdict.READY))
    return report.checks + tuple(
        result
        for destination in report.destinations
        if not ready or destination.host in ready
        for result in destination.checks
    )


def _grouped(results: Iterable[CheckResult], *, with_remedy: bool) -> Iterator[str]:
    """Return the answers of one check together: what the first host has serves as the example."""
    by_check: dict[tuple[str, str], list[CheckResult]] = {}
    for result in results:
        key = (result.id, result.remedy if result.host is None else result.scope.value)
        by_check.setdefault(key, []).append(result)
    for (check_id, _), found in by_check.items():
        hosts = [result.host for result in found if result.host]
        yield f"  {check_id}{_named(hosts)}: {found[0].message}"
        if with_remedy:
            yield f"    {found[0].remedy}"


def _named(hosts: list[str], most: int = 5) -> str:
    if not hosts:
        return ""
    more = f" and {len(hosts) - most} more" if len(hosts) > most else ""
    return f" ({', '.join(hosts[:most])}{more})"


def _by_urgency(results: Iterable[CheckResult]) -> list[CheckResult]:
    return sorted(results, key=lambda result: _MOST_URGENT_FIRST.index(result.status))


def _row(result: CheckResult) -> _Row:
    return (
        result.scope.value,
        result.host or "",
        result.id,
        result.status.value,
        result.message,
        result.remedy,
    )


def _open(destination: DestinationReport) -> list[CheckResult]:
    """Return what keeps a destination from being ready."""
    failed = [result for result in destination.checks if result.status is Status.FAIL]
    # Where a host is refused, what is not known about it no longer matters.
    return failed or [
        result
        for result in destination.checks
        if result.status is Status.UNKNOWN and result.is_decisive
    ]


def _summary(destination: DestinationReport) -> _Row:
    said = _open(destination)
    detail = "; ".join(f"{result.id}: {result.message}" for result in said)
    return (
        "destination",
        destination.host,
        "all",
        destination.verdict.value,
        detail or f"{destination.free_devices} free device(s) of the kinds that are needed",
        "; ".join(dict.fromkeys(result.remedy for result in said)),
    )
