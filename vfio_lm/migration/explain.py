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

"""Why did a live migration fail? Pure rules on nova's record and on the preflight of today."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterator

from vfio_lm.cloud.model import ActionEvent, Migration, ServerAction
from vfio_lm.cloud.model.migration import LIVE_MIGRATION_CANCEL
from vfio_lm.error_texts import Certainty
from vfio_lm.migration.causes import (
    Cause,
    Words,
    known_causes,
    most_certain_first,
    not_understood,
    plain,
)
from vfio_lm.preflight import CheckResult, Refuser, Report, Status, Verdict
from vfio_lm.preflight.wording.remedy import paste
from vfio_lm.preflight.wording.way_back import set_active

_NO_VALID_HOST = "No valid host was found"
_ROLLBACK = "compute_rollback_live_migration_at_destination"

#: Who refuses what nova itself never looks at.
_BELOW_NOVA = (Refuser.LIBVIRT, Refuser.QEMU, Refuser.KERNEL)


#: Who says no before nova writes a record: today's answer of theirs explains no old failure.
_BEFORE_NOVA = (Refuser.API, Refuser.NOWHERE)

#: Fails together with what is really in the way.
_SUMS_UP = "destination-capacity"

_MOST_ERRORS = 5

#: A remedy of the table of error texts that ends with a command of openstack's.
_WITH_COMMAND = re.compile(r"(.+?): (openstack [^:;,]+)")


class Result(enum.Enum):
    """How a live migration ended."""

    COMPLETED = "completed"
    IN_PROGRESS = "in progress"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Attempt:
    """All that is known of one live migration."""

    migration: Migration
    action: ServerAction | None
    """None where nova's record of it is not found, or not shown to this user."""
    cancels: tuple[ServerAction, ...] = ()
    """Requests to abort that fell into its time."""
    log: tuple[Words, ...] = ()
    """What log files say about it."""
    report: Report | None = None
    """The preflight of today, which may have been another one then."""


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The answer; without causes, an honest "not known"."""

    attempt: Attempt
    result: Result
    failed_events: tuple[ActionEvent, ...]
    causes: tuple[Cause, ...]
    """The most certain first."""
    errors: tuple[str, ...]
    """The platform's own words that no rule knows; empty where there is a cause."""
    next_step: str
    """Where more is to be found; empty where the cause is certain or nothing failed."""


def explain(attempt: Attempt) -> Explanation:
    """Name the causes that fit what was seen."""
    migration = attempt.migration
    result = _result(migration)
    causes: tuple[Cause, ...] = ()
    errors: tuple[str, ...] = ()
    next_step = ""
    if result is Result.FAILED:
        found = most_certain_first(_causes(attempt))
        causes = tuple(_to_be_pasted(cause, migration.server_id) for cause in found)
        if not causes:
            errors = not_understood(_words(attempt))[:_MOST_ERRORS]
        if not causes or causes[0].certainty is not Certainty.CERTAIN:
            next_step = _next_step(attempt)
    return Explanation(
        attempt=attempt,
        result=result,
        failed_events=tuple(event for event in _events(attempt) if event.is_failed),
        causes=causes,
        errors=errors,
        next_step=next_step,
    )


def _to_be_pasted(cause: Cause, server_id: str) -> Cause:
    """Name the server in a remedy, and put the command that ends it on a line of its own."""
    remedy = re.sub(r"\bSERVER\b", server_id, cause.remedy)
    if found := _WITH_COMMAND.fullmatch(remedy):
        remedy = paste(*found.groups())
    return dataclasses.replace(cause, remedy=remedy)


def _result(migration: Migration) -> Result:
    if migration.is_completed:
        return Result.COMPLETED
    return Result.IN_PROGRESS if migration.is_in_progress else Result.FAILED


def _causes(attempt: Attempt) -> Iterator[Cause]:
    said = list(known_causes(_words(attempt)))
    recorded = list(_cancelled(attempt))
    known = {cause.id for cause in said}
    # Libvirt's words for an abort are the same whoever asked for it.
    is_worth_it = known == {"aborted"} and not recorded
    yield from (cause for cause in said if cause.id != "aborted" or is_worth_it)
    yield from (cause for cause in recorded if cause.id not in known - {"aborted"})
    if said or recorded:
        return
    yield from _no_valid_host(attempt)
    yield from _killed(attempt)
    yield from _below_nova(attempt)


def _events(attempt: Attempt) -> tuple[ActionEvent, ...]:
    return attempt.action.events if attempt.action else ()


def _words(attempt: Attempt) -> tuple[Words, ...]:
    return (*_details(attempt), *attempt.log)


def _details(attempt: Attempt) -> Iterator[Words]:
    for event in _events(attempt):
        if event.is_failed and event.details:
            yield Words(event.details, _named(event))


def _named(event: ActionEvent) -> str:
    return f"event {event.name} on {event.host}" if event.host else f"event {event.name}"


def _cancelled(attempt: Attempt) -> Iterator[Cause]:
    """Tell an abort from nova-compute's own patience, which look the same in the record.

    Where the live migration was running already, nova takes what libvirt says of an abort for an
    error, and the record says so too.

    Source: ``_live_migration_monitor`` and ``_live_migration`` (``future.result()``; since 2025.2)
    in nova/virt/libvirt/driver.py, ``live_migrate_abort`` in nova/compute/api.py (nova 34.0.0).
    """
    status = f"the record of the migration is '{attempt.migration.status}'"
    if attempt.cancels and attempt.migration.status == "cancelled":
        yield _aborted(attempt, status)
    elif attempt.cancels and attempt.migration.status == "error" and _broke_off(attempt):
        yield _aborted_into_error(attempt, status)
    elif attempt.migration.status == "cancelled":
        yield _too_slow(status)


def _aborted(attempt: Attempt, status: str) -> Cause:
    return Cause(
        id="aborted",
        certainty=Certainty.CERTAIN,
        sentence="somebody aborted it",
        evidence=(
            status,
            *(
                f"{LIVE_MIGRATION_CANCEL} of user {cancel.user_id} at "
                f"{cancel.started_at:%Y-%m-%d %H:%M:%S} UTC"
                for cancel in attempt.cancels
            ),
        ),
        check="",
        remedy="start it again: openstack vfio migration start",
    )


def _aborted_into_error(attempt: Attempt, status: str) -> Cause:
    """Say what becomes of the server; libvirt's own words, in a log, would make it certain."""
    server_id = attempt.migration.server_id
    is_said = any(cause.id == "aborted" for cause in known_causes(attempt.log))
    return dataclasses.replace(
        _aborted(attempt, status),
        certainty=Certainty.CERTAIN if is_said else Certainty.LIKELY,
        sentence="somebody aborted it while it was running, which nova takes for an error: the "
        "server is in ERROR, and runs on where it was",
        remedy=f"say that the server is well, and start it again:\n"
        f"  {set_active(server_id)}\n"
        f"  openstack vfio migration start {server_id}",
    )


def _too_slow(status: str) -> Cause:
    return Cause(
        id="completion-timeout",
        certainty=Certainty.LIKELY,
        sentence="it took longer than [libvirt]live_migration_completion_timeout, and "
        "nova-compute ended it; else somebody aborted it without nova, with virsh for instance",
        evidence=(status, "nova was not asked to abort it"),
        check="downtime-fits",
        remedy="raise live_migration_completion_timeout or live_migration_downtime on the source, "
        "or migrate when the server writes less",
    )


def _no_valid_host(attempt: Attempt) -> Iterator[Cause]:
    """Let the preflight of today say why the scheduler and the conductor found no host.

    Nova itself says it in the log of the conductor only (``_find_destination`` in
    nova/conductor/tasks/live_migrate.py, nova 34.0.0).
    """
    said = [
        f"{words.said_by}: {plain(words.text)}"
        for words in _details(attempt)
        if _NO_VALID_HOST in words.text
    ]
    if not said:
        return
    report = attempt.report
    if report is None or report.verdict is Verdict.UNKNOWN:
        yield Cause(
            id="no-valid-host",
            certainty=Certainty.POSSIBLE,
            sentence="no host took the server, and the preflight of today does not show why",
            evidence=(*said, *(_shown(result) for result in _of(report, Status.UNKNOWN))),
            check="destination-capacity",
            remedy="give the preflight what it lacks: openstack vfio migration check",
        )
        return
    if report.verdict is Verdict.READY:
        hosts = ", ".join(report.hosts(Verdict.READY))
        yield Cause(
            id="was-full-then",
            certainty=Certainty.POSSIBLE,
            sentence=f"no host took the server then, and today {hosts} would: something has "
            f"changed since, or another host was named, which nova does not record",
            evidence=(*said, f"ready today: {hosts}"),
            check="destination-capacity",
            remedy=f"start it again, or explain it with the host that was named:\n"
            f"  openstack vfio migration start {report.server_id}\n"
            f"  openstack vfio migration explain --host HOST {report.server_id}",
        )
        return
    failed = [r for r in _of(report, Status.FAIL) if r.refused_by not in _BEFORE_NOVA]
    failed.sort(key=lambda result: result.id == _SUMS_UP)
    if not failed and report.destinations:
        return
    is_where_it_was = report.source_host == attempt.migration.source
    yield Cause(
        id="no-valid-host",
        certainty=Certainty.LIKELY if is_where_it_was else Certainty.POSSIBLE,
        sentence=failed[0].message if failed else "there is no other host with a nova-compute",
        evidence=(*said, *(_shown(result) for result in failed)),
        check=failed[0].id if failed else "destination-service",
        remedy=failed[0].remedy if failed else "add a host, or start the nova-compute of one",
    )


def _killed(attempt: Attempt) -> Iterator[Cause]:
    """Notice a step that began and never ended."""
    for event in _events(attempt):
        if event.finished_at is None and not event.result:
            yield Cause(
                id="service-died",
                certainty=Certainty.POSSIBLE,
                sentence=f"the service on {event.host or 'some host'} was stopped or killed "
                "while it was at work",
                evidence=(f"{_named(event)} began and never ended",),
                check="source-up",
                remedy="openstack compute service list --service nova-compute",
            )


def _below_nova(attempt: Attempt) -> Iterator[Cause]:
    """Offer what the preflight finds at the hosts, where nova had no objection.

    An error of libvirt's is in no API: nova-compute logs it and rolls back, and every event is a
    success (measured with nova 34.0.0).
    """
    if not _broke_off(attempt):
        return
    hosts = (None, attempt.migration.source, attempt.migration.destination)
    for status, certainty in (
        (Status.FAIL, Certainty.LIKELY),
        (Status.WARN, Certainty.POSSIBLE),
    ):
        for result in _of(attempt.report, status):
            if result.refused_by in _BELOW_NOVA and result.host in hosts:
                yield Cause(
                    id=result.id,
                    certainty=certainty,
                    sentence=result.message,
                    evidence=("nova had no objection, and rolled back", _shown(result)),
                    check=result.id,
                    remedy=result.remedy,
                )


def _broke_off(attempt: Attempt) -> bool:
    """Whether it failed between the hypervisors: no event did, though it had a destination."""
    events = _events(attempt)
    if any(event.name == _ROLLBACK for event in events):
        return True
    return bool(attempt.migration.destination) and not any(event.is_failed for event in events)


def _next_step(attempt: Attempt) -> str:
    migration = attempt.migration
    if attempt.action is None:
        return "nova shows no events of it to this user; the admin role sees them"
    request = attempt.action.request_id
    if _broke_off(attempt):
        return (
            f"libvirt's own words are only in the log of nova-compute on {migration.source}: "
            f"look there for {request}, or give the file with --from-log"
        )
    return f"see the logs of nova-conductor and nova-scheduler for {request}"


def _of(report: Report | None, status: Status) -> list[CheckResult]:
    if report is None:
        return []
    return [result for result in report.all_checks if result.status is status]


def _shown(result: CheckResult) -> str:
    where = f" ({result.host})" if result.host else ""
    return f"preflight {result.id}{where}: {result.message}"
