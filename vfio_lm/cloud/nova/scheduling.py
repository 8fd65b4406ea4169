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

"""Asking nova what its scheduler goes by besides servers and hosts; nothing is decided here."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Mapping

from vfio_lm.cloud.model.scheduling import Aggregate, Move, ServerGroup
from vfio_lm.cloud.nova.client import ComputeClient
from vfio_lm.errors import NotFoundError

#: nova/db/main/api.py ``migration_get_in_progress_and_error_by_host_and_node`` (nova 34.0.0), and
#: "error": the resource tracker still counts it, but it claims no device any more.
_OVER = frozenset({"confirmed", "reverted", "error", "failed", "completed", "cancelled", "done"})


class SchedulingClient(ComputeClient):
    """The same nova, asked about what decides where a server may go."""

    def aggregates(self) -> tuple[Aggregate, ...]:
        """Return all host aggregates, in one request."""
        return tuple(
            Aggregate(
                name=item["name"],
                uuid=item["uuid"],
                hosts=frozenset(item["hosts"]),
                metadata=dict(item["metadata"]),
            )
            for item in self._get("/os-aggregates")["aggregates"]
        )

    def server_group(self, group_id: str) -> ServerGroup | None:
        """Return a server group of whichever project; None if it is gone."""
        response = self._request(f"/os-server-groups/{group_id}")
        if response.status_code == 404:
            return None
        item = self._body(response)["server_group"]
        return ServerGroup(
            id=item["id"],
            name=item["name"],
            policy=item["policy"],
            members=frozenset(item["members"]),
            max_servers_per_host=item["rules"].get("max_server_per_host", 1),
        )

    def evacuated(self) -> frozenset[str]:
        """Return the IDs of servers that still hold what they had on a host they left in need.

        As long as their old host is down; there is one request for each page.

        Source: ``_destroy_evacuated_instances`` in ``nova/compute/manager.py`` (nova 34.0.0),
        which looks for the same migrations when a host comes back.
        """
        params = {"migration_type": "evacuation", "status": "done"}
        found = self._pages("/os-migrations", "migrations", params, key="uuid")
        return frozenset(item["instance_uuid"] for item in found)

    def departures(self, since: datetime.datetime) -> Mapping[str, frozenset[str]]:
        """Return by host the IDs of the servers that have left it by a live migration.

        :param since: the earliest time that counts, with a time zone; one request for each page
        """
        params = {
            "migration_type": "live-migration",
            "status": "completed",
            "changes-since": since.isoformat(),
        }
        found: dict[str, set[str]] = collections.defaultdict(set)
        for item in self._pages("/os-migrations", "migrations", params, key="uuid"):
            found[item["source_compute"]].add(item["instance_uuid"])
        return {host: frozenset(servers) for host, servers in found.items()}

    def moves(self, server_id: str) -> tuple[Move, ...]:
        """Return the migrations, resizes and evacuations of a server that are not over."""
        found = self._get("/os-migrations", instance_uuid=server_id)["migrations"]
        return tuple(
            Move(
                server_id=server_id,
                kind=item["migration_type"],
                status=item["status"],
                source=item["source_compute"] or "",
                destination=item["dest_compute"] or "",
            )
            for item in found
            if item["status"] not in _OVER
        )

    def shares(self, server_id: str) -> tuple[str, ...]:
        """Return the IDs of the file shares that are attached to a server; none if it is gone."""
        response = self._request(f"/servers/{server_id}/shares")
        if response.status_code == 404:
            return ()
        return tuple(item["share_id"] for item in self._body(response)["shares"])

    def disable(self, host: str, reason: str) -> None:
        """Let the scheduler send no server to a host any more; what is there stays and runs.

        :raises NotFoundError: if no nova-compute has the host
        """
        found = self._get("/os-services", binary="nova-compute", host=host)["services"]
        if not found:
            raise NotFoundError(f"no host '{host}' has a nova-compute service")
        body = {"status": "disabled", "disabled_reason": reason}
        self._body(self._request(f"/os-services/{found[0]['id']}", method="PUT", json=body))
