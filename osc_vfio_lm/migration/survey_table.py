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

"""The preflight of many servers as rows and sentences for a terminal; it judges nothing itself."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping

from vfio_lm.preflight import CheckResult, Report, Status, Survey, Verdict
from vfio_lm.preflight.wording import summary

COLUMNS = ("ID", "Name", "Host", "Verdict", "Ready Destinations", "Detail")

Row = tuple[str, str, str, str, int, str]

_WORST_FIRST = (Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.READY)
_OPEN = {Verdict.BLOCKED: Status.FAIL, Verdict.UNKNOWN: Status.UNKNOWN}


def row(report: Report, *, is_long: bool) -> Row:
    """Return what matters of a report.

    :param is_long: whether the checks shall speak for themselves, not only be named
    """
    return (
        report.server_id,
        report.server_name,
        report.source_host,
        report.verdict.value,
        len(report.hosts(Verdict.READY)),
        "; ".join(_reasons(report, is_long)),
    )


def headline(verdicts: Mapping[Verdict, int]) -> str:
    """Return how many servers have each verdict."""
    counts = ", ".join(f"{verdicts[v]} {v.value}" for v in _WORST_FIRST if verdicts.get(v))
    return f"{sum(verdicts.values())} server(s) checked" + (f": {counts}" if counts else "")


def others(survey: Survey) -> Iterator[str]:
    """Return how many servers were not looked at, if any."""
    if survey.others and survey.others_are_known:
        yield (
            f"{survey.others} other server(s) hold no PCI device by an alias or a port, and were "
            "not checked"
        )
    elif survey.others:
        yield (
            f"{survey.others} other server(s) hold no PCI device by an alias, and were not "
            "checked; whether they hold one by a port, neutron does not tell"
        )


def hint(verdicts: Mapping[Verdict, int]) -> Iterator[str]:
    """Return where the remedies are, if some are needed."""
    if verdicts.get(Verdict.BLOCKED) or verdicts.get(Verdict.UNKNOWN):
        yield "For the remedies of one: openstack vfio migration check SERVER"


def _reasons(report: Report, is_long: bool) -> Iterator[str]:
    """Say what a server is blocked by, or what is not known: its own, or else that of all hosts."""
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
