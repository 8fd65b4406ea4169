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

"""Reports of the preflight as rows: of servers, of their destinations, or of their checks.

A row begins with the ID and the name of its server, whether there is one server or many.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from osc_vfio_lm.command import normalized
from vfio_lm.preflight import CheckResult, Report, Status, Verdict
from vfio_lm.preflight.wording import summary

Row = tuple[Any, ...]

_OPEN = {Verdict.BLOCKED: Status.FAIL, Verdict.UNKNOWN: Status.UNKNOWN}


@dataclasses.dataclass(frozen=True)
class RowKind:
    """What the rows are about."""

    things: str
    """In the plural, for people."""
    columns: tuple[str, ...]
    rows: Callable[[Report, bool], Iterator[Row]]
    """Takes a report and whether details are given in full."""

    def has(self, columns: tuple[str, ...]) -> bool:
        """Whether the rows have all these columns, as -c takes their names."""
        return set(map(normalized, columns)) <= set(map(normalized, self.columns))


def _of_server(report: Report, is_long: bool) -> Iterator[Row]:
    yield (
        report.server_id,
        report.server_name,
        report.source_host or None,
        report.verdict.value,
        len(report.hosts(Verdict.READY)),
        "; ".join(_reasons(report, is_long)) or None,
    )


def _of_destinations(report: Report, is_long: bool) -> Iterator[Row]:
    for destination in report.destinations:
        said = summary.in_the_way(destination)
        yield (
            report.server_id,
            report.server_name,
            destination.host,
            destination.verdict.value,
            destination.free_devices,
            "; ".join(_text(result, True) for result in said) or None,
        )


def _of_checks(report: Report, is_long: bool) -> Iterator[Row]:
    of_each = (report.checks, *(destination.checks for destination in report.destinations))
    for results in of_each:
        for result in summary.by_urgency(results):
            yield (
                report.server_id,
                report.server_name,
                result.scope.value,
                result.host,
                result.id,
                result.status.value,
                result.message,
                result.remedy or None,
            )


SERVERS = RowKind(
    "servers", ("ID", "Name", "Host", "Verdict", "Ready Destinations", "Detail"), _of_server
)
DESTINATIONS = RowKind(
    "destinations",
    ("ID", "Name", "Destination", "Verdict", "Free Devices", "Detail"),
    _of_destinations,
)
CHECKS = RowKind(
    "checks",
    ("ID", "Name", "Scope", "Host", "Check", "Status", "Detail", "Remedy"),
    _of_checks,
)


def kind_of(columns: tuple[str, ...], *, is_long: bool) -> RowKind | None:
    """Return the rows that have the columns which were asked for; None if none have them all.

    :param columns: none: those of servers, or in full those of checks
    """
    kinds = (CHECKS, SERVERS, DESTINATIONS) if is_long else (SERVERS, DESTINATIONS, CHECKS)
    return next((kind for kind in kinds if kind.has(columns)), None)


def _reasons(report: Report, is_long: bool) -> Iterator[str]:
    """Name the server's own obstacles or unknowns, or else those of all hosts."""
    if report.verdict not in _OPEN:
        return
    status = _OPEN[report.verdict]
    own = [
        result
        for result in report.checks
        if result.status is status and (result.is_decisive or status is Status.FAIL)
    ]
    yield from (_text(result, is_long) for result in own)
    if report.hosts(Verdict.READY) or (own and report.verdict is Verdict.BLOCKED):
        return
    if not report.destinations:
        yield "no other host has a nova-compute"
    by_check: dict[str, list[CheckResult]] = collections.defaultdict(list)
    for destination in report.destinations:
        if destination.verdict is report.verdict:
            for result in summary.in_the_way(destination):
                by_check[result.id].append(result)
    for found in sorted(by_check.values(), key=len, reverse=True):
        yield f"{_text(found[0], is_long)} ({len(found)} of {len(report.destinations)} hosts)"


def _text(result: CheckResult, is_long: bool) -> str:
    return f"{result.id}: {result.message}" if is_long else result.id
