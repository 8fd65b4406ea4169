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

"""Asking placement what many servers hold; it has no question about several consumers.

It is asked about each server, or about each provider of a server's host that is in use, whichever
are fewer. Either is a light request. Where a host is asked about by its providers, servers that may
hold something elsewhere are asked about by themselves all the same.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from vfio_lm.cloud.model import Server
from vfio_lm.cloud.parallel import in_parallel

if TYPE_CHECKING:
    from vfio_lm.cloud.snapshot import WholeCloud

Allocation = Mapping[str, Mapping[str, int]]
"""Units by resource class, by the UUID of the provider."""

Tell = Callable[[int, int], None]
"""Told how many requests are answered, and how many there are."""

# Asking by providers takes two requests more: for sharing providers, and for evacuated servers.
_EXTRA_REQUESTS = 2


@dataclasses.dataclass(frozen=True)
class _Plan:
    """Whom to ask about."""

    providers: tuple[str, ...] = ()
    """UUIDs of all providers in use of some hosts."""
    hosts: frozenset[str] = frozenset()
    """These hosts."""


def allocations(
    cloud: WholeCloud, servers: Collection[Server], tell: Tell = lambda done, total: None
) -> dict[str, Allocation]:
    """Return what each server holds, by its ID; nothing for one without an allocation.

    :param servers: read before :attr:`WholeCloud.trees`, so that what they hold is seen there
    :raises CloudError: if placement does not answer
    """
    plan = _plan(cloud, servers)
    found: dict[str, Allocation] = {}
    alone = list(servers)
    if plan.providers:
        scattered = cloud.evacuated
        near = {
            server.id
            for server in servers
            if server.host in plan.hosts and server.is_settled and server.id not in scattered
        }
        found |= _of_providers(cloud, plan.providers, near, tell)
        # One that has come or gone since is not found where it was.
        alone = [server for server in servers if server.id not in found]
    answers = in_parallel(
        lambda server: cloud.placement.allocations(server.id),
        alone,
        tell=lambda done: tell(len(plan.providers) + done, len(plan.providers) + len(alone)),
    )
    found |= {server.id: answer for server, answer in zip(alone, answers)}
    return found


def _plan(cloud: WholeCloud, servers: Collection[Server]) -> _Plan:
    """Choose the hosts that are asked about by their providers."""
    if len(servers) <= _EXTRA_REQUESTS:
        return _Plan()
    on_host = collections.Counter(server.host for server in servers if server.is_settled)
    nodes = cloud.nodes()
    used = {
        host: in_use
        for host, count in on_host.items()
        if host in nodes and 0 < len(in_use := _in_use(cloud, nodes[host].uuid)) < count
    }
    saved = sum(on_host[host] - len(in_use) for host, in_use in used.items()) - _EXTRA_REQUESTS
    if saved <= 0 or saved <= len(cloud.sharing_providers):
        return _Plan()
    own = {uuid for in_use in used.values() for uuid in in_use}
    return _Plan(tuple(own | cloud.sharing_providers), frozenset(used))


def _in_use(cloud: WholeCloud, root_uuid: str) -> list[str]:
    """Return the providers of a host of which anything is taken; none for a full host."""
    tree = cloud.trees.get(root_uuid)
    providers = tree.providers.values() if tree else ()
    return [p.uuid for p in providers if any(units.used for units in p.inventories.values())]


def _of_providers(
    cloud: WholeCloud, uuids: Collection[str], wanted: Collection[str], tell: Tell
) -> dict[str, dict[str, Mapping[str, int]]]:
    found: dict[str, dict[str, Mapping[str, int]]] = {}

    def holders(uuid: str) -> Iterable[tuple[str, Mapping[str, int]]]:
        return [
            (consumer, resources)
            for consumer, resources in cloud.placement.holders(uuid).items()
            if consumer in wanted
        ]

    answers = in_parallel(holders, uuids, tell=lambda done: tell(done, len(uuids)))
    for uuid, answer in zip(uuids, answers):
        for consumer, resources in answer:
            found.setdefault(consumer, {})[uuid] = resources
    return found
