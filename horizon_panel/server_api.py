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

"""What the pages about one server ask of the cloud: its preflight and its live migration."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

from horizon.utils.memoized import memoized

from horizon_panel import api, files
from vfio_lm.cloud.model import Migration, Server
from vfio_lm.cloud.nova import ComputeClient, MigrationClient, SchedulingClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import CloudError
from vfio_lm.migration import (
    ArrivalCheck,
    Explanation,
    Pace,
    Pacer,
    collect_arrival,
    collect_attempt,
    explain,
    look,
    verify,
    worst,
)
from vfio_lm.preflight import Inputs, Report, Status, Verdict, check_with
from vfio_lm.preflight.gather.input_files import read_inputs
from vfio_lm.preflight.many_servers import check_these

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest


def inputs() -> Inputs:
    """Return what a preflight knows beyond the APIs: what the files of the settings say now.

    :raises vfio_lm.errors.VfioLmError: if a setting names no files, or a file cannot be used
    """
    return read_inputs(
        files.nova_conf(), files.host_nova_conf(), files.host_facts(), max_age=files.max_age()
    )


def preflight(request: HttpRequest, server_id: str, host: str | None = None) -> Report:
    """Run the preflight of a server; a page does so once.

    :raises vfio_lm.errors.VfioLmError: as :func:`vfio_lm.preflight.check_server`, or if a file
        cannot be read
    """
    return check_with(api.connection(request), server_id, inputs(), host=host)


def verdicts(request: HttpRequest, servers: Sequence[Server]) -> Mapping[str, Verdict]:
    """Return the verdict of the preflight about servers, by ID.

    :raises vfio_lm.errors.VfioLmError: if nova or placement does not answer, or a file cannot be
        read
    """
    reports = check_these(api.cloud(request), servers, inputs())
    return {report.server_id: report.verdict for report in reports}


@memoized
def server(request: HttpRequest, server_id: str) -> Server:
    """Return a server.

    :raises CloudError: if nova does not answer, or there is none
    """
    return ComputeClient.of(api.connection(request)).server(server_id)


def hosts(request: HttpRequest) -> tuple[str, ...]:
    """Return the hosts that have a nova-compute service.

    :raises CloudError: if nova does not answer
    """
    return tuple(sorted(SchedulingClient.of(api.connection(request)).services()))


@dataclasses.dataclass(frozen=True)
class Begun:
    """A live migration that nova has accepted."""

    after: int
    """The ID of the server's last live migration before, or 0."""
    request_id: str
    host: str | None
    """The destination that was named; None: nova chooses."""


def live_migrate(request: HttpRequest, server_id: str, host: str | None) -> Begun:
    """Let nova begin a live migration; whether it should is decided elsewhere.

    :param host: None lets the scheduler choose
    :raises CloudError: if nova refuses
    """
    nova = MigrationClient.of(api.connection(request))
    last = nova.newest_migration(server_id)
    return Begun(last.id if last else 0, nova.live_migrate(server_id, host), host)


@dataclasses.dataclass(frozen=True)
class Watched:
    """How the live migration of a server stands."""

    migration: Migration | None
    """None as long as nova has written no record."""
    is_over: bool
    pace: Pace | None = None
    """None where nova shows no progress."""
    findings: tuple[ArrivalCheck, ...] = ()
    """What was verified of one that is completed."""
    explanation: Explanation | None = None
    """Why it failed, if it did."""

    @property
    def is_verified(self) -> bool:
        """Whether the server has arrived and everything is in order."""
        return bool(self.findings) and worst(self.findings) is Status.PASS

    @property
    def is_failed(self) -> bool:
        """Whether the server stays where it was."""
        return self.is_over and (self.migration is None or not self.migration.is_completed)


def watch(request: HttpRequest, server_id: str, after: int, host: str | None) -> Watched:
    """Look at the last live migration of a server; of one that is over, judge the end.

    :param after: the ID of the last live migration before it, or 0
    :param host: the destination that was asked for, if one was
    :raises CloudError: if nova does not answer
    """
    nova = MigrationClient.of(api.connection(request))
    end = look(nova, server_id, after)
    migration = end.migration
    if not end.is_over:
        return Watched(migration, is_over=False, pace=_pace(nova, server_id))
    if migration is None:
        return Watched(None, is_over=True)
    if not migration.is_completed:
        explanation = explain(collect_attempt(nova, migration))
        return Watched(migration, is_over=True, explanation=explanation)
    return Watched(migration, is_over=True, findings=_verify(request, nova, migration, host))


def _pace(nova: MigrationClient, server_id: str) -> Pace | None:
    progress = nova.in_progress(server_id)
    if progress is None:
        return None
    age = datetime.datetime.now(datetime.timezone.utc) - progress.migration.created_at
    return Pacer().pace(progress, max(0.0, age.total_seconds()))


def _verify(request, nova, migration, host) -> tuple[ArrivalCheck, ...]:
    try:
        placement = PlacementClient.of(api.connection(request))
        return verify(collect_arrival(nova, placement, migration, host))
    except CloudError as exc:
        return (ArrivalCheck("verification", Status.UNKNOWN, str(exc)),)
