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

from vfio_lm.cloud.http.endpoint import path
from vfio_lm.cloud.http.shape import (
    Fields,
    ShapeError,
    listed,
    mapped,
    nullable,
    record,
    text,
    utc,
    whole,
)
from vfio_lm.cloud.model.scheduling import Aggregate, Move, ServerGroup
from vfio_lm.cloud.model.topology import GuestNode, ServerTopology
from vfio_lm.cloud.nova.client import ComputeClient
from vfio_lm.errors import NotFoundError

#: nova/db/main/api.py ``migration_get_in_progress_and_error_by_host_and_node`` (nova 34.0.0), and
#: "error": the resource tracker still counts it, but it claims no device any more.
_OVER = frozenset({"confirmed", "reverted", "error", "failed", "completed", "cancelled", "done"})


class SchedulingClient(ComputeClient):
    """The same nova, asked about what decides where a server may go."""

    def aggregates(self) -> tuple[Aggregate, ...]:
        """Return all host aggregates, in one request."""
        found = self._http.get(
            "/os-aggregates", lambda body: body("aggregates", listed(record(_aggregate)))
        )
        return tuple(found)

    def server_group(self, group_id: str) -> ServerGroup | None:
        """Return a server group of whichever project; None if it is gone."""
        return self._http.find(
            path("os-server-groups", group_id),
            lambda body: body("server_group", record(_server_group)),
        )

    def evacuated(self) -> frozenset[str]:
        """Return the IDs of servers that still hold what they had on a host they left in need.

        As long as their old host is down; there is one request for each page.

        Source: ``_destroy_evacuated_instances`` in ``nova/compute/manager.py`` (nova 34.0.0),
        which looks for the same migrations when a host comes back.
        """
        params = [("migration_type", "evacuation"), ("status", "done")]
        return frozenset(
            self._http.pages("/os-migrations", "migrations", _server_id, params, marker="uuid")
        )

    def departures(self, since: datetime.datetime) -> Mapping[str, frozenset[str]]:
        """Return by host the IDs of the servers that have left it by a live migration.

        :param since: the earliest time that counts, with a time zone; one request for each page
        """
        params = [
            ("migration_type", "live-migration"),
            ("status", "completed"),
            ("changes-since", since.isoformat()),
        ]
        found: dict[str, set[str]] = collections.defaultdict(set)
        for host, server_id in self._http.pages(
            "/os-migrations",
            "migrations",
            lambda item: (item("source_compute", nullable(text)) or "", _server_id(item)),
            params,
            marker="uuid",
        ):
            found[host].add(server_id)
        return {host: frozenset(servers) for host, servers in found.items()}

    def moves(self, server_id: str) -> tuple[Move, ...]:
        """Return the migrations, resizes and evacuations of a server that are not over."""
        found = self._http.get(
            "/os-migrations",
            lambda body: body("migrations", listed(record(_move))),
            [("instance_uuid", server_id)],
        )
        return tuple(move for move in found if move.status not in _OVER)

    def claims(self) -> frozenset[str]:
        """Return the UUIDs of the migrations, resizes and evacuations that are not over.

        Placement knows by these what servers hold where they come from; there is one request for
        each page.
        """
        found = self._http.pages(
            "/os-migrations",
            "migrations",
            lambda item: (item("uuid", text), item("status", text)),
            [],
            marker="uuid",
        )
        return frozenset(uuid for uuid, status in found if status not in _OVER)

    def resizes_given_up(self) -> frozenset[str]:
        """Return the IDs of servers whose last resize was not confirmed.

        Whether it was reverted, failed or is not over; there is one request for each page.
        """
        newest: dict[str, tuple[datetime.datetime, str]] = {}
        for server_id, created_at, status in self._http.pages(
            "/os-migrations",
            "migrations",
            lambda item: (_server_id(item), item("created_at", utc), item("status", text)),
            [("migration_type", "resize")],
            marker="uuid",
        ):
            newest[server_id] = max(
                newest.get(server_id, (created_at, status)), (created_at, status)
            )
        return frozenset(each for each, (_, status) in newest.items() if status != "confirmed")

    def action_names(self, server_id: str) -> frozenset[str] | None:
        """Return what was ever done with a server, by nova's names; None if nova knows none.

        Nova shows it of a server that was deleted, too.
        """
        name = record(lambda item: item("action", text))
        found = self._http.find(
            path("servers", server_id, "os-instance-actions"),
            lambda body: body("instanceActions", listed(name)),
        )
        return None if found is None else frozenset(found)

    def shares(self, server_id: str) -> tuple[str, ...]:
        """Return the IDs of the file shares that are attached to a server; none if it is gone."""
        share_id = record(lambda item: item("share_id", text))
        found = self._http.find(
            path("servers", server_id, "shares"), lambda body: body("shares", listed(share_id))
        )
        return tuple(found or ())

    def topology(self, server_id: str) -> ServerTopology | None:
        """Return which CPUs and memory of its host a server has; None if it is gone."""
        return self._http.find(path("servers", server_id, "topology"), _topology)

    def disable(self, host: str, reason: str) -> None:
        """Let the scheduler send no server to a host any more; what is there stays and runs.

        :raises NotFoundError: if no nova-compute has the host
        """
        service_id = record(lambda item: item("id", text))
        found = self._http.get(
            "/os-services",
            lambda body: body("services", listed(service_id)),
            [("binary", "nova-compute"), ("host", host)],
        )
        if not found:
            raise NotFoundError(f"no host '{host}' has a nova-compute service")
        body = {"status": "disabled", "disabled_reason": reason}
        self._http.send("PUT", path("os-services", found[0]), json=body)


def _aggregate(item: Fields) -> Aggregate:
    metadata = item("metadata", nullable(mapped(text)))
    return Aggregate(
        name=item("name", text),
        uuid=item("uuid", text),
        hosts=frozenset(item("hosts", nullable(listed(text))) or ()),
        metadata=metadata or {},
    )


def _server_group(item: Fields) -> ServerGroup:
    return ServerGroup(
        id=item("id", text),
        name=item("name", text),
        policy=item("policy", text),
        members=frozenset(item("members", listed(text))),
        max_servers_per_host=item(
            "rules", record(lambda rules: rules.get("max_server_per_host", whole, 1))
        ),
    )


def _topology(item: Fields) -> ServerTopology:
    return ServerTopology(
        nodes=tuple(item("nodes", listed(record(_guest_node)))),
        page_size_kib=item("pagesize_kb", nullable(whole)),
    )


def _guest_node(item: Fields) -> GuestNode:
    """Read a node; nova hides what is the host's from who is no administrator."""
    pinning = item.get("cpu_pinning", mapped(whole), {})
    try:
        pinned = {int(cpu): host_cpu for cpu, host_cpu in pinning.items()}
    except ValueError:
        raise ShapeError("has a CPU that is no number", ("cpu_pinning",)) from None
    return GuestNode(
        cpus=frozenset(item("vcpu_set", listed(whole))),
        memory_mib=item("memory_mb", whole),
        host_node=item.get("host_node", whole, None),
        pinning=pinned,
    )


def _server_id(item: Fields) -> str:
    return item("instance_uuid", text)


def _move(item: Fields) -> Move:
    return Move(
        server_id=_server_id(item),
        kind=item("migration_type", text),
        status=item("status", text),
        source=item("source_compute", nullable(text)) or "",
        destination=item("dest_compute", nullable(text)) or "",
    )
