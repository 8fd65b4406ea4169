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

"""The preflight's report as rows for a terminal; it judges nothing itself."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_lm.preflight import CheckResult, Report, Verdict
from vfio_lm.preflight.wording import summary
from vfio_lm.text import ranged

CHECK_COLUMNS = ("Scope", "Host", "Check", "Status", "Detail")
DESTINATION_COLUMNS = ("Destination", "Verdict", "Free Devices", "Detail")

_MOST_IN_FULL = 3
"""Of the answers that are shown in full; what more there are, are the names of checks alone."""


def checks(report: Report) -> Iterator[tuple[str, str, str, str, str]]:
    """Return one row for each check, of the server and of every destination."""
    for results in (report.checks, *(each.checks for each in report.destinations)):
        yield from map(_row, summary.by_urgency(results))


def destinations(report: Report) -> Iterator[tuple[str, str, int | str, str]]:
    """Return one row for each answer, with the destinations that have it; the ready ones first.

    What is in the way of a destination is shown in full where nothing else says it.
    """
    groups = tuple(summary.alike(report))
    is_said_elsewhere = not report.hosts(Verdict.READY)
    names_only = is_said_elsewhere or len(groups) > _MOST_IN_FULL
    for each in groups:
        yield (
            ranged(each.hosts),
            each.verdict.value,
            _numbers(each.free_devices),
            ", ".join(each.checks) if names_only else "; ".join(each.reasons or each.checks),
        )


def _numbers(free: tuple[int, ...]) -> int | str:
    if not free:
        return "unknown"
    return free[0] if len(free) == 1 else f"{free[0]}–{free[-1]}"


def _row(result: CheckResult) -> tuple[str, str, str, str, str]:
    return (
        result.scope.value,
        result.host or "",
        result.id,
        result.status.value,
        result.message,
    )
