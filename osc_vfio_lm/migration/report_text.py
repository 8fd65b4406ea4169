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

"""The preflight's report as sentences for a terminal: the verdict, what to do, what to know."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Collection, Iterable, Iterator

from osc_vfio_lm import screen
from vfio_lm.preflight import Report, Status, Verdict
from vfio_lm.preflight.wording import summary
from vfio_lm.text import listed, ranged, server_named

_MOST_LINES = 12
"""Of a section, but for its last answer; the option --long shows the others."""

_ALL = "use --long to see all"


def headline(report: Report) -> str:
    """Return the verdict in one line."""
    server = server_named(report.server_name, report.server_id)
    if report.verdict is Verdict.READY:
        hosts = ranged(report.hosts(Verdict.READY))
        can = f"{server} can live migrate from {report.source_host} to {hosts}"
        if (host := report.host_to_name) is not None:
            others = ranged(report.hosts_not_to_choose)
            return f"ready, with --host {host}: {can}; nova might choose {others} by itself"
        return f"ready: {can}"
    if report.verdict is Verdict.BLOCKED:
        where = f" to {report.requested_host}" if report.requested_host else ""
        return (
            f"blocked: {server} cannot live migrate from {report.source_host}{where}: "
            f"{_why_blocked(report)}"
        )
    return (
        f"unknown: cannot tell whether {server} can live migrate from {report.source_host}: "
        f"{_ids(summary.open_questions(report))}"
    )


def _why_blocked(report: Report) -> str:
    if any(result.status is Status.FAIL for result in report.checks) or report.requested_host:
        return _ids(summary.obstacles(report))
    if not report.destinations:
        return "there is no other host with a nova-compute"
    if len(report.destinations) == 1:
        return "the only other host cannot take it"
    return f"none of {len(report.destinations)} hosts can take it"


def actions(report: Report, *, in_full: bool = False) -> Iterator[str]:
    """Return what to do: the command, what removes the obstacles, or what is missing.

    :param in_full: however many lines it takes
    """
    if report.verdict is Verdict.READY:
        yield "To migrate it:"
        yield f"  {summary.start(report)}"
        return
    yield from advice(report, in_full=in_full)


def advice(report: Report, *, in_full: bool = False) -> Iterator[str]:
    """Return what to do about what is in the way or unknown, the same thing only once."""
    yield from _section("What to do:", summary.obstacles(report), in_full)
    yield from _section("Missing information:", summary.open_questions(report), in_full)


def notes(report: Report, *, in_full: bool) -> Iterator[str]:
    """Return what to look at besides, and what is unknown and not needed.

    :param in_full: each with what to do about it
    """
    warnings = summary.warnings(report)
    if report.verdict is Verdict.BLOCKED and not in_full:
        # What is in the way comes first; a warning may not even be true when it is gone.
        yield from _one_line("To look at afterwards", {point.check: () for point in warnings})
    else:
        yield from _section("To look at:", warnings, in_full)
    if in_full:
        minor = summary.minor_questions(report)
        yield from _section("Also unknown, but not needed for the verdict:", minor, in_full)
    else:
        minor_checks = summary.minor_checks(report)
        yield from _one_line("Also unknown, but not needed for the verdict", minor_checks)


def sources(report: Report) -> Iterator[str]:
    """Return what was known besides the answers of the APIs, if anything."""
    yield from files(report.files)
    if (nova := report.nova_says) is not None:
        taken_at = nova.taken_at.astimezone(datetime.timezone.utc)
        doubt = "" if nova.counts else "; it does not count, see nova-dry-run"
        yield from screen.prose(
            f"Nova's own word: {nova.origin}, {taken_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"nova {nova.nova_version}{doubt}"
        )


def files(paths: Iterable[str]) -> Iterator[str]:
    """Return the files that were looked at besides the cloud, if any."""
    if names := listed(paths, 3):
        yield from screen.prose(f"Files used: {names}")


def _section(title: str, points: Collection[summary.Point], in_full: bool) -> Iterator[str]:
    """Return points below a title, those with the same remedy together; nothing without points."""
    if not points:
        return
    yield title
    by_remedy: dict[str, list[summary.Point]] = {}
    for point in points:
        by_remedy.setdefault(point.remedy, []).append(point)
    lines = 0
    for number, (remedy, found) in enumerate(by_remedy.items()):
        if lines >= _MOST_LINES and not in_full:
            yield f"  {len(by_remedy) - number} more; {_ALL}"
            return
        block = tuple(_block(remedy, found))
        lines += len(block)
        yield from block


def _block(remedy: str, points: Collection[summary.Point]) -> Iterator[str]:
    for point in points:
        about = f" ({ranged(point.hosts)})" if point.hosts else ""
        yield from screen.prose(f"{point.check}{about}: {point.message}", 2)
    yield from screen.steps(remedy, 4)
    if likewise := dict.fromkeys(host for point in points for host in point.likewise):
        yield from screen.prose(f"and likewise for {ranged(likewise)}", 4)


def _one_line(title: str, checks: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Return the names of checks alone, those about the same hosts together."""
    if not checks:
        return
    by_hosts: dict[tuple[str, ...], list[str]] = collections.defaultdict(list)
    for check, hosts in checks.items():
        by_hosts[hosts].append(check)
    said = (
        ", ".join(names) + (f" ({ranged(hosts)})" if hosts else "")
        for hosts, names in by_hosts.items()
    )
    yield from screen.prose(f"{title}: {', '.join(said)} (use --long to see why)")


def _ids(points: Iterable[summary.Point]) -> str:
    return ", ".join(dict.fromkeys(point.check for point in points))
