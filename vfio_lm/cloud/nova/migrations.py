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

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

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
from vfio_lm.errors import CloudError, NotFoundError

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
            response = self._request(f"/servers/{name_or_id}", microversion=_EMBEDDED_FLAVOR)
            if response.status_code == 404:
                raise NotFoundError(f"no server with the ID '{name_or_id}' is visible to this user")
            return _own_server(self._body(response)["server"])
        found = self._named(name_or_id, {}, microversion=_EMBEDDED_FLAVOR)
        if len(found) != 1:
            raise NotFoundError(f"{len(found) or 'no'} servers have the name '{name_or_id}'")
        return _own_server(found[0])

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
        params = {"migration_type": LIVE_MIGRATION}
        params |= {name: value for name, value in given.items() if value is not None}
        yield from map(_migration, self._pages("/os-migrations", "migrations", params, key="uuid"))

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
        body = self._get(
            "/os-migrations", instance_uuid=server_id, migration_type=LIVE_MIGRATION, limit="1"
        )
        found = body["migrations"]
        return _migration(found[0]) if found else None

    def in_progress(self, server_id: str) -> Progress | None:
        """Return the live migration that is going on with a server; None if there is none.

        Nova does not count one that has not found its destination yet.
        """
        found = self._get(f"/servers/{server_id}/migrations")["migrations"]
        return _progress(found[0]) if found else None

    def live_migrate(self, server_id: str, host: str | None) -> str:
        """Let nova begin a live migration.

        :param host: the destination, which the scheduler still checks; None lets it choose
        :returns: the ID of the request, by which the action of the server is found
        :raises CloudError: if nova refuses at once
        """
        action = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
        response = self._request(f"/servers/{server_id}/action", method="POST", json=action)
        self._accept(response)
        return str(response.headers.get("x-openstack-request-id", ""))

    def abort(self, migration: Migration) -> None:
        """Let nova abort a live migration that is queued or running.

        :raises CloudError: if nova refuses, because it is too early or too late for instance
        """
        path = f"/servers/{migration.server_id}/migrations/{migration.id}"
        self._accept(self._request(path, method="DELETE"))

    def actions(self, server_id: str) -> tuple[ServerAction, ...]:
        """Return what was done with a server, the newest first, without the events."""
        found = self._get(f"/servers/{server_id}/os-instance-actions")["instanceActions"]
        return tuple(map(_action, found))

    def action(self, server_id: str, request_id: str) -> ServerAction | None:
        """Return one action with its events; None if nova has not recorded it (yet).

        A user without the admin role is not shown the details of failures.
        """
        response = self._request(f"/servers/{server_id}/os-instance-actions/{request_id}")
        if response.status_code == 404:
            return None
        return _action(self._body(response)["instanceAction"])


def _own_server(item: Mapping[str, Any]) -> OwnServer:
    if "name" not in item or "extra_specs" not in item.get("flavor", {}):
        return OwnServer(id=item["id"], name=item.get("name", item["id"]), extra_specs=None)
    return OwnServer(id=item["id"], name=item["name"], extra_specs=item["flavor"]["extra_specs"])


def _migration(item: Mapping[str, Any]) -> Migration:
    return Migration(
        id=item["id"],
        uuid=item["uuid"],
        # The two APIs do not agree about the name.
        server_id=item.get("instance_uuid") or item["server_uuid"],
        status=item["status"],
        source=item["source_compute"] or "",
        destination=item["dest_compute"] or "",
        created_at=_time(item["created_at"]),
        updated_at=_time_or_none(item["updated_at"]),
    )


def _progress(item: Mapping[str, Any]) -> Progress:
    return Progress(
        migration=_migration(item), memory=_amount(item, "memory"), disk=_amount(item, "disk")
    )


def _amount(item: Mapping[str, Any], kind: str) -> Amount | None:
    total = item[f"{kind}_total_bytes"]
    if total is None:
        return None
    return Amount(
        total=total,
        processed=item[f"{kind}_processed_bytes"] or 0,
        remaining=item[f"{kind}_remaining_bytes"] or 0,
    )


def _action(item: Mapping[str, Any]) -> ServerAction:
    events = sorted(map(_event, item.get("events", ())), key=lambda event: event.started_at)
    return ServerAction(
        name=item["action"],
        request_id=item["request_id"] or "",
        user_id=item["user_id"] or "",
        started_at=_time(item["start_time"]),
        events=tuple(events),
    )


def _event(item: Mapping[str, Any]) -> ActionEvent:
    return ActionEvent(
        name=item["event"],
        host=item.get("host") or "",
        result=item["result"] or "",
        details=item.get("details") or "",
        started_at=_time(item["start_time"]),
        finished_at=_time_or_none(item["finish_time"]),
    )


def _time(text: str) -> datetime.datetime:
    """Read a time of nova's, which is in UTC and does not say so."""
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
    except ValueError:
        raise CloudError(f"nova tells a time that is none: '{text}'") from None


def _time_or_none(text: str | None) -> datetime.datetime | None:
    return _time(text) if text else None
