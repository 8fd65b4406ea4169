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

"""Asking nova about live migrations, and for them; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_lm.cloud.http.endpoint import path
from vfio_lm.cloud.http.shape import Fields, listed, mapped, nullable, record, text, utc, whole
from vfio_lm.cloud.model.migration import (
    IN_PROGRESS,
    LIVE_MIGRATION,
    ActionEvent,
    Amount,
    Migration,
    OwnServer,
    Progress,
    ServerAction,
)
from vfio_lm.cloud.nova.client import ComputeClient, is_uuid
from vfio_lm.errors import NotFoundError

# The first whose servers hold their flavor with its extra specs, so that any nova answers it.
_EMBEDDED_FLAVOR = "2.47"


class MigrationClient(ComputeClient):
    """The same nova, asked about live migrations."""

    def own_server(self, name_or_id: str) -> OwnServer:
        """Return a server that the user may see without the admin role, in one request.

        A name is looked for in the user's project only, as 'openstack server migrate' does.

        :raises NotFoundError: if there is none, or more than one of that name
        """
        if is_uuid(name_or_id):
            server = self._http.find(
                path("servers", name_or_id),
                lambda body: body("server", record(_own_server)),
                microversion=_EMBEDDED_FLAVOR,
            )
            if server is None:
                raise NotFoundError(f"no server with the ID '{name_or_id}' is visible to this user")
            return server
        found = self._named(name_or_id, [], _own_server, microversion=_EMBEDDED_FLAVOR)
        if len(found) != 1:
            raise NotFoundError(f"{len(found) or 'no'} servers have the name '{name_or_id}'")
        return found[0]

    def migrations(
        self,
        *,
        server_id: str | None = None,
        host: str | None = None,
        status: str | None = None,
    ) -> Iterator[Migration]:
        """Yield the records of live migrations, the newest first; one request for each page.

        :param host: only those from or to this host
        """
        given = {"instance_uuid": server_id, "host": host, "status": status}
        params = [("migration_type", LIVE_MIGRATION)]
        params += [(name, value) for name, value in given.items() if value is not None]
        yield from self._http.pages(
            "/os-migrations", "migrations", _migration, params, marker="uuid"
        )

    def migrations_in_progress(self, host: str) -> tuple[Migration, ...]:
        """Return the live migrations from or to a host that are not over.

        Nova searches for one status at a time: one request for each, and its pages.
        """
        return tuple(
            migration
            for status in sorted(IN_PROGRESS)
            for migration in self.migrations(host=host, status=status)
        )

    def newest_migration(self, server_id: str) -> Migration | None:
        """Return the record of a server's last live migration; None if it never had one."""
        found = self._http.get(
            "/os-migrations",
            lambda body: body("migrations", listed(record(_migration))),
            [("instance_uuid", server_id), ("migration_type", LIVE_MIGRATION), ("limit", "1")],
        )
        return found[0] if found else None

    def in_progress(self, server_id: str) -> Progress | None:
        """Return the live migration that is going on with a server; None if there is none.

        Nova does not count one that has not found its destination yet.
        """
        found = self._http.get(
            path("servers", server_id, "migrations"),
            lambda body: body("migrations", listed(record(_progress))),
        )
        return found[0] if found else None

    def live_migrate(self, server_id: str, host: str | None) -> str:
        """Let nova begin a live migration.

        :param host: the destination, which the scheduler still checks; None lets it choose
        :returns: the ID of the request, by which the action of the server is found
        :raises CloudError: if nova refuses at once
        """
        action = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
        response = self._act(server_id, action, 202)
        return str(response.headers.get("x-openstack-request-id", ""))

    def abort(self, migration: Migration) -> None:
        """Let nova abort a live migration that is queued or running.

        :raises CloudError: if nova refuses, because it is too early or too late for instance
        """
        where = path("servers", migration.server_id, "migrations", str(migration.id))
        self._http.send("DELETE", where, expected=(202,))

    def actions(self, server_id: str) -> tuple[ServerAction, ...]:
        """Return what was done with a server, the newest first, without the events."""
        found = self._http.get(
            path("servers", server_id, "os-instance-actions"),
            lambda body: body("instanceActions", listed(record(_action))),
        )
        return tuple(found)

    def action(self, server_id: str, request_id: str) -> ServerAction | None:
        """Return one action with its events; None if nova has not recorded it (yet).

        A user without the admin role is not shown the details of failures.
        """
        return self._http.find(
            path("servers", server_id, "os-instance-actions", request_id),
            lambda body: body("instanceAction", record(_action)),
        )


def _own_server(item: Fields) -> OwnServer:
    server_id = item("id", text)
    extra_specs = record(lambda flavor: flavor.get("extra_specs", mapped(text), None))
    return OwnServer(
        id=server_id,
        # Nova knows no name, and no flavor's extra specs, in a cell that is down.
        name=item.get("name", text, server_id),
        extra_specs=item.get("flavor", extra_specs, None),
    )


def _migration(item: Fields) -> Migration:
    # The two APIs do not agree about the name.
    server_id = "instance_uuid" if "instance_uuid" in item else "server_uuid"
    return Migration(
        id=item("id", whole),
        uuid=item("uuid", text),
        server_id=item(server_id, text),
        status=item("status", text),
        source=item("source_compute", nullable(text)) or "",
        destination=item("dest_compute", nullable(text)) or "",
        created_at=item("created_at", utc),
        updated_at=item("updated_at", nullable(utc)),
    )


def _progress(item: Fields) -> Progress:
    return Progress(
        migration=_migration(item), memory=_amount(item, "memory"), disk=_amount(item, "disk")
    )


def _amount(item: Fields, kind: str) -> Amount | None:
    total = item(f"{kind}_total_bytes", nullable(whole))
    if total is None:
        return None
    return Amount(
        total=total,
        processed=item(f"{kind}_processed_bytes", nullable(whole)) or 0,
        remaining=item(f"{kind}_remaining_bytes", nullable(whole)) or 0,
    )


def _action(item: Fields) -> ServerAction:
    events = item.get("events", listed(record(_event)), [])
    return ServerAction(
        name=item("action", text),
        request_id=item("request_id", nullable(text)) or "",
        user_id=item("user_id", nullable(text)) or "",
        started_at=item("start_time", utc),
        events=tuple(sorted(events, key=lambda event: event.started_at)),
    )


def _event(item: Fields) -> ActionEvent:
    return ActionEvent(
        name=item("event", text),
        host=item.get("host", text, ""),
        result=item("result", nullable(text)) or "",
        details=item.get("details", text, ""),
        started_at=item("start_time", utc),
        finished_at=item("finish_time", nullable(utc)),
    )
