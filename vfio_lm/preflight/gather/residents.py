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

"""Which servers are on hosts with devices that placement does not know; no request by itself."""

from __future__ import annotations

import collections
import functools
from collections.abc import Collection, Iterable, Mapping

from vfio_lm.cloud.model import Move, Server, ServerTopology
from vfio_lm.cloud.parallel import in_parallel
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.pci import parse_alias_requests
from vfio_lm.pci.alias import AliasError
from vfio_lm.preflight.facts import Occupants

# nova/compute/task_states.py (nova 34.0.0): the server is, or may be, on two hosts.
_MOVING = ("migrating", "rebuild", "resize_", "unshelving")


class Residents:
    """The servers of a cloud by their hosts, sorted once when the first host is looked at."""

    def __init__(self, cloud: WholeCloud) -> None:
        self._cloud = cloud
        self._topologies: dict[str, ServerTopology | None] = {}

    @functools.cached_property
    def _devices(self) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = collections.defaultdict(dict)
        for server in self._cloud.servers:
            found[server.host][server.id] = device_count(server)
        return found

    @functools.cached_property
    def _moving(self) -> tuple[Server, ...]:
        return tuple(filter(_is_moving, self._cloud.servers))

    def on(self, hosts: Collection[str], *, besides: str, with_ports: bool) -> dict[str, Occupants]:
        """Return the servers of each host.

        There is one request for each server that moves right now, whoever asks.

        :param besides: the ID of the server that is looked at, whose own moves are its own affair
        :param with_ports: whether moves of servers without devices of an alias count as well: such
            a server may have ports that take a device
        """
        moves: dict[str, list[Move]] = collections.defaultdict(list)
        for server in self._moving:
            if server.id == besides:
                continue
            for move in self._cloud.moves(server.id):
                if move.kind == "live-migration" and not (device_count(server) or with_ports):
                    continue
                # As long as there is no destination, it may be any host.
                for host in {move.source, move.destination} if move.destination else {*hosts}:
                    moves[host].append(move)
        return {host: Occupants(self._devices.get(host, {}), tuple(moves[host])) for host in hosts}

    def topologies(self, server_ids: Collection[str]) -> Mapping[str, ServerTopology | None]:
        """Return the NUMA topology of each server, None if it is gone; one request for each."""
        unknown = [each for each in server_ids if each not in self._topologies]
        self._topologies.update(zip(unknown, in_parallel(self._cloud.nova.topology, unknown)))
        return {each: self._topologies[each] for each in server_ids}


def device_count(server: Server) -> int:
    """Return how many devices a server has by aliases of its flavor."""
    try:
        requests: Iterable[int] = [r.count for r in parse_alias_requests(server.flavor.extra_specs)]
    except AliasError:
        # Nova makes no server of such a flavor; what is written there was changed later.
        return 0
    return sum(requests)


def _is_moving(server: Server) -> bool:
    return server.vm_state == "resized" or (server.task_state or "").startswith(_MOVING)
