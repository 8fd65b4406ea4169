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

"""Asking nova which servers are on a host now, and which are about to leave it or to come."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from vfio_lm.cloud.model import Migration, Server
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.errors import NotFoundError

#: nova/compute/task_states.py MIGRATING (nova 34.0.0): a live migration, and nothing else
MIGRATING = "migrating"


@dataclasses.dataclass(frozen=True)
class Underway:
    """A live migration from or to the host that is not over."""

    server: Server
    destination: str
    """Empty as long as nova has not chosen one."""
    after: int
    """The ID of the server's last live migration before this one, or 0."""


@dataclasses.dataclass(frozen=True)
class Occupancy:
    """The servers of a host."""

    staying: tuple[Server, ...]
    """Those that do not move right now."""
    leaving: tuple[Underway, ...]
    """Those that live migrate away, even if nova has them at their destination already."""
    arriving: tuple[Underway, ...]
    """Those that live migrate to the host."""


def occupancy(nova: MigrationClient, host: str) -> Occupancy:
    """Ask nova for the servers of a host; there are more requests for those that move.

    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    # First the migrations: a server whose migration ends meanwhile is not on the host any more.
    migrations = nova.migrations_in_progress(host)
    servers = {server.id: server for server in nova.servers(host)}
    leaving = _underway(nova, servers, (m for m in migrations if m.source == host))
    arriving = _underway(nova, servers, (m for m in migrations if m.source != host))
    staying = []
    moving = {each.server.id for each in (*leaving, *arriving)}
    for server in servers.values():
        if server.id in moving:
            continue
        begun = just_begun(nova, server) if server.task_state == MIGRATING else None
        if begun is None:
            staying.append(server)
        else:
            leaving.append(begun)
    return Occupancy(tuple(staying), tuple(leaving), tuple(arriving))


def _underway(
    nova: MigrationClient, servers: dict[str, Server], migrations: Iterable[Migration]
) -> list[Underway]:
    found = []
    for migration in migrations:
        try:
            server = servers.get(migration.server_id) or nova.server(migration.server_id)
        except NotFoundError:
            continue
        found.append(Underway(server, migration.destination, after=migration.id - 1))
    return found


def just_begun(nova: MigrationClient, server: Server) -> Underway | None:
    """Return a live migration that has no record yet, or that had none a moment ago.

    The API gives a server its task before the conductor makes the record
    (nova/compute/api.py live_migrate, nova/conductor/manager.py _live_migrate, nova 34.0.0).

    :returns: None where it is over by now
    """
    newest = nova.newest_migration(server.id)
    if newest is not None and newest.is_in_progress:
        return Underway(server, newest.destination, after=newest.id - 1)
    now = nova.server(server.id)
    if now.task_state != MIGRATING:
        return None
    return Underway(now, "", after=newest.id if newest is not None else 0)
