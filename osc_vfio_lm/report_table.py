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


def advice(report: Report) -> Iterator[str]:
    """Return what to do about what is in the way or not known, the same thing only once."""
    relevant = report.checks
    if not report.hosts(Verdict.READY):
        # While one destination is ready, the others are in nobody's way.
        relevant = report.all_checks
    yield from _advice("To remove what is in the way:", relevant, Status.FAIL)
    if report.verdict is Verdict.UNKNOWN:
        yield from _advice("To settle what is not known:", relevant, Status.UNKNOWN)


def _advice(title: str, results: Iterable[CheckResult], status: Status) -> Iterator[str]:
    checks_by_remedy: dict[str, list[str]] = {}
    for result in results:
        if result.status is status:
            name = f"{result.id} ({result.host})" if result.host else result.id
            checks_by_remedy.setdefault(result.remedy, []).append(name)
    if checks_by_remedy:
        yield ""
        yield title
    for remedy, checks in checks_by_remedy.items():
        yield f"  {', '.join(checks)}:"
        yield f"    {remedy}"


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


def _summary(destination: DestinationReport) -> _Row:
    open_questions = [
        result for result in destination.checks if result.status in (Status.FAIL, Status.UNKNOWN)
    ]
    # Where a host is refused, what is not known about it no longer matters.
    refused = [result for result in open_questions if result.status is Status.FAIL]
    said = refused or open_questions
    detail = "; ".join(f"{result.id}: {result.message}" for result in said)
    return (
        "destination",
        destination.host,
        "all",
        destination.verdict.value,
        detail or f"{destination.free_devices} free device(s) of the kinds that are needed",
        "; ".join(dict.fromkeys(result.remedy for result in said)),
    )
