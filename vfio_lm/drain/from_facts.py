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

"""From what the preflights of servers found to what a plan is about; the plan is made elsewhere.

The model counts units for a whole host. What it leaves out, that several units must come from one
provider for instance, the preflight has looked at for each server alone, and looks at again before
the server's turn.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence

import os_traits

from vfio_lm.cloud.model import Marking, RequestGroup, ServerGroup
from vfio_lm.drain.model import Mover, Pool, Room
from vfio_lm.pci import PciAddress
from vfio_lm.preflight import Facts, Report, Verdict
from vfio_lm.preflight.facts import Destination
from vfio_lm.preflight.rules.free_devices import host_view
from vfio_lm.preflight.rules.tracked_devices import relatives

Checked = tuple[Facts, Report]


def movers_and_rooms(checked: Iterable[Checked]) -> tuple[tuple[Mover, ...], tuple[Room, ...]]:
    """Return the servers that could leave, and what there is where they could go.

    :param checked: servers of one host; only those that are ready become movers
    """
    ready = [(facts, report) for facts, report in checked if report.verdict is Verdict.READY]
    movers = tuple(_mover(facts, report) for facts, report in ready)
    by_host: dict[str, list[tuple[Facts, Destination]]] = collections.defaultdict(list)
    for (facts, _), mover in zip(ready, movers):
        for destination in facts.destinations:
            if destination.host in mover.hosts:
                by_host[destination.host].append((facts, destination))
    needs: collections.Counter[str] = collections.Counter()
    for mover in movers:
        needs.update(mover.resources)
    return movers, tuple(_room(host, views, needs) for host, views in sorted(by_host.items()))


def _mover(facts: Facts, report: Report) -> Mover:
    resources: collections.Counter[str] = collections.Counter()
    for group in facts.query.groups:
        if not group.is_pci:
            resources.update(group.resources)
    return Mover(
        server_id=facts.server.id,
        name=facts.server.name,
        resources=dict(resources),
        devices=_devices(facts),
        hosts=frozenset(report.hosts(Verdict.READY)),
        group=_group_name(facts.group) if _keeps_apart(facts.group) else None,
        isolates_devices=facts.query.group_policy == "isolate",
    )


def _devices(facts: Facts) -> Mapping[str, int]:
    """Return how many devices of each kind a server needs."""
    needed: collections.Counter[str] = collections.Counter()
    if facts.devices_in_placement:
        needed.update(_kind(group) for group in facts.query.pci_groups)
    else:
        for request in facts.alias_requests:
            needed[request.alias] += request.count
    # named as the wishes of a host's view are
    needed.update(f"port {port.id}" for port in facts.ports)
    return dict(needed)


def _kind(group: RequestGroup) -> str:
    """Name what a request group asks for; nova's own mark is on all that it may give."""
    return " ".join([*group.resources, *sorted(group.required - {os_traits.OWNER_NOVA})])


def _keeps_apart(group: ServerGroup | None) -> bool:
    """Whether the scheduler limits how many servers of a group may be on a host.

    A group with the policy ``affinity`` only says where, which is the preflight's business; the
    soft policies only weigh hosts (``nova/scheduler/filters/affinity_filter.py``, nova 34.0.0).
    """
    return group is not None and group.policy == "anti-affinity"


def _group_name(group: ServerGroup | None) -> str | None:
    return f"{group.name} ({group.id})" if group else None


def _room(host: str, views: Sequence[tuple[Facts, Destination]], needs: Mapping[str, int]) -> Room:
    return Room(
        host=host,
        resources=_free(views[0][1], needs),
        pools=(*_pools_in_placement(views), *_pools_on_the_host(views)),
        group_room={
            name: group.max_servers_per_host - len(group.members & (node.server_ids or frozenset()))
            for facts, destination in views
            if (group := facts.group) is not None
            and _keeps_apart(group)
            and (node := destination.node) is not None
            and (name := _group_name(group)) is not None
        },
    )


def _free(destination: Destination, needs: Mapping[str, int]) -> Mapping[str, int]:
    """Return what the host has left; what it has none of comes from elsewhere.

    Placement offers the host, so there is a provider that it shares with others, of storage for
    instance. That is not counted: there is enough for all.
    """
    free: collections.Counter[str] = collections.Counter()
    for provider in destination.tree.providers.values() if destination.tree else ():
        if not provider.is_pci:
            free.update({name: units.free for name, units in provider.inventories.items()})
    return {**needs, **free}


def _pools_in_placement(views: Iterable[tuple[Facts, Destination]]) -> Iterator[Pool]:
    """Return the PCI providers with free units that are declared live migratable.

    Nova gives no others to a server that is ready to live migrate.
    """
    serves: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    free: dict[tuple[str, str], int] = {}
    for facts, destination in views:
        for device in destination.devices if facts.devices_in_placement else ():
            provider = device.provider
            if device.marking is not Marking.MARKED:
                continue
            # All devices of a provider are of one class (nova/compute/pci_placement_translator.py
            # PciResourceProvider, nova 34.0.0).
            key = (provider.pci_address or provider.name, device.resource_class)
            free[key] = device.free
            serves[key] |= {
                _kind(group)
                for group in facts.query.pci_groups
                if device.resource_class in group.resources and group.required <= provider.traits
            }
    for (name, resource_class), kinds in sorted(serves.items()):
        yield Pool(provider=name, free=free[name, resource_class], serves=frozenset(kinds))


def _pools_on_the_host(views: Sequence[tuple[Facts, Destination]]) -> Iterator[Pool]:
    """Return the free devices known only from the host's facts, those of one PF together."""
    known = views[0][1].knowledge.facts
    seen = [host_view(facts, destination) for facts, destination in views]
    fitting = frozenset().union(*(view.fitting for view in seen))
    serves: dict[PciAddress, set[str]] = collections.defaultdict(set)
    for wish in (wish for view in seen for wish in view.wishes):
        for address in wish.certain:
            serves[address].add(wish.name)
    family = relatives(known.devices if known else ())
    alike: collections.Counter[tuple[str, frozenset[str]]] = collections.Counter()
    for device in known.devices if known else ():
        # A PF goes with its VFs; where either would do, the plan counts on the VFs.
        is_torn = device.parent_address is None and family[device.address] & fitting
        if device.address in serves and not is_torn:
            parent = str(device.parent_address or device.address)
            alike[parent, frozenset(serves[device.address])] += 1
    for (parent, kinds), number in sorted(alike.items(), key=lambda item: item[0][0]):
        # Not all VFs of a PF need fit the same.
        is_alone = sum(each == parent for each, _ in alike) == 1
        name = parent if is_alone else f"{parent} for {', '.join(sorted(kinds))}"
        yield Pool(provider=name, free=number, serves=kinds)
