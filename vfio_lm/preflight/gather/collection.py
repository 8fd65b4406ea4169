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

"""Collecting the facts of servers: what is one server's own, held against the whole cloud.

What belongs to the cloud is asked for in :mod:`vfio_lm.cloud.snapshot`, once for all
servers; one server is just the case of one.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypedDict

import os_resource_classes
import os_traits

from vfio_lm.cloud.holdings import Allocation, Tell
from vfio_lm.cloud.model import (
    Aggregate,
    CandidateQuery,
    Candidates,
    ComputeNode,
    Network,
    NetworkAgent,
    Segment,
    Server,
    ServerGroup,
)
from vfio_lm.cloud.model.candidate_query import NOVA_LIMIT, nova_query
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.pci import AliasRequest, parse_alias_requests
from vfio_lm.preflight.facts import Destination, Facts, Occupants, Source, SourceDevice
from vfio_lm.preflight.gather.history import departures, goes_by_servers, histories, moving_members
from vfio_lm.preflight.gather.neighbours import with_neighbourhoods
from vfio_lm.preflight.gather.nova_words import AT_ONCE, NovaWords
from vfio_lm.preflight.gather.residents import Residents
from vfio_lm.preflight.inputs import Inputs
from vfio_lm.preflight.memo import Memo
from vfio_lm.preflight.rules.demanded_traits import demanded_traits
from vfio_lm.preflight.rules.request import device_groups, flavor_resources


@dataclasses.dataclass(frozen=True)
class CheckedServer:
    """A server that is looked at, and what it asks for by itself."""

    server: Server
    requests: tuple[AliasRequest, ...]
    network: Network


@dataclasses.dataclass(frozen=True)
class _Case:
    """A subject, and what nova would ask placement for on its behalf."""

    subject: CheckedServer
    group: ServerGroup | None
    source: Source
    query: CandidateQuery
    image_properties: Mapping[str, str] | None

    @property
    def id(self) -> str:
        return self.subject.server.id


@dataclasses.dataclass(frozen=True)
class _Answer:
    """What placement says to one query, of all servers that share it."""

    candidates: Candidates
    seconds: float
    destinations: tuple[Destination, ...]


def find_subject(cloud: WholeCloud, server_id: str) -> CheckedServer:
    """Return one server as a subject.

    :param server_id: its ID, or its exact name
    :raises NotFoundError: if there is none, or more than one of that name
    :raises vfio_lm.pci.alias.AliasError: if its flavor has a malformed alias extra spec
    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    server = cloud.nova.server(server_id)
    return CheckedServer(
        server=server,
        requests=parse_alias_requests(server.flavor.extra_specs),
        network=cloud.networks([server.id])[server.id],
    )


def collect(
    cloud: WholeCloud,
    subjects: Iterable[CheckedServer],
    inputs: Inputs,
    *,
    host: str | None = None,
    tell: Tell = lambda done, total: None,
) -> Iterator[Facts]:
    """Yield all that the checks need, of each server; those that share a query follow each other.

    :param host: only this destination
    :param tell: told how much is known of what the servers hold
    :raises NotFoundError: if no nova-compute has the host
    :raises CloudError: if nova or placement does not answer, or the user's roles do not suffice
    """
    if host is not None:
        cloud.service(host)
    words = NovaWords(cloud, inputs)
    groups = [(subject, cloud.group_of(subject.server)) for subject in subjects]
    nodes = cloud.nodes(
        with_servers=any(
            group is not None or goes_by_servers(subject.server, inputs)
            for subject, group in groups
        )
    )
    target = nodes.get(host) if host is not None else None
    servers = [subject.server for subject, _ in groups]
    held = cloud.allocations(servers, tell)
    images = cloud.image_properties(servers)
    past = histories(cloud, servers)
    wiring = _wiring(cloud, (subject.network for subject, _ in groups))
    cases = [
        _Case(
            subject=subject,
            group=group,
            source=(source := _source(cloud, subject.server, held[subject.server.id], inputs)),
            query=_query(
                cloud,
                subject,
                source,
                inputs,
                images[subject.server.id],
                target.uuid if target else None,
            ),
            image_properties=images[subject.server.id],
        )
        for subject, group in groups
    ]
    residents, memo = Residents(cloud), Memo()
    for alike in _by_query(cases):
        answer = _ask(cloud, alike[0].query, inputs, host)
        for start in range(0, len(alike), AT_ONCE):
            some = alike[start : start + AT_ONCE]
            said = words.about([case.subject.server for case in some], host)
            for case in some:
                facts, key = _facts(cloud, case, answer, inputs, host, residents, memo), case.id
                facts = dataclasses.replace(facts, nova=said[key], history=past[key], **wiring)
                yield with_neighbourhoods(cloud, residents, facts)


class _Wiring(TypedDict):
    """What neutron shows of how ports are connected, in the names of :class:`Facts`."""

    network_agents: Mapping[str, tuple[NetworkAgent, ...]] | None
    segments: Mapping[str, tuple[Segment, ...]] | None


def _wiring(cloud: WholeCloud, networks: Iterable[Network]) -> _Wiring:
    """Ask how the ports of servers are connected, for all servers at once."""
    wanted = {
        port.network_id for each in networks for port in (*(each.ports or ()), *each.plain_ports)
    }
    if not wanted:
        return {"network_agents": {}, "segments": {}}
    return {"network_agents": cloud.network_agents, "segments": cloud.segments(wanted)}


def _query(
    cloud: WholeCloud,
    subject: CheckedServer,
    source: Source,
    inputs: Inputs,
    image_properties: Mapping[str, str] | None,
    in_tree: str | None,
) -> CandidateQuery:
    server = subject.server
    demanded = demanded_traits(server.flavor.extra_specs, image_properties)
    return nova_query(
        server.flavor.extra_specs,
        source.resources or flavor_resources(server.flavor),
        device_groups(subject.requests, inputs.aliases, source.devices)
        if _asks_placement(source, inputs)
        else (),
        requires_owner=cloud.requires_owner,
        limit=inputs.scheduler.max_placement_results or NOVA_LIMIT,
        port_groups=subject.network.resources.groups,
        same_subtrees=subject.network.resources.same_subtrees,
        in_tree=in_tree,
        member_of=_zone_members(cloud.aggregates, server.pinned_availability_zone),
        required=demanded.of_host,
        root_required=demanded.of_root,
    )


def _asks_placement(source: Source, inputs: Inputs) -> bool:
    """Whether placement can be asked for the devices of a server."""
    return bool(source.devices) and inputs.pci_in_placement is not False


def _by_query(cases: Iterable[_Case]) -> Iterable[Sequence[_Case]]:
    """Put servers together for which placement is asked the same."""
    found: dict[object, list[_Case]] = {}
    for case in cases:
        found.setdefault(tuple(case.query.to_params()), []).append(case)
    return found.values()


def _ask(cloud: WholeCloud, query: CandidateQuery, inputs: Inputs, host: str | None) -> _Answer:
    """Ask placement, and sort its answer by destination: the host asked for, or all."""
    started = time.monotonic()
    candidates = cloud.placement.candidates(query)
    seconds = time.monotonic() - started
    by_tree = candidates.by_tree()
    nodes, trees = cloud.nodes(), cloud.trees

    def destination(name: str, node: ComputeNode | None) -> Destination:
        return Destination(
            service=cloud.services[name],
            node=node,
            tree=trees.get(node.uuid) if node else None,
            candidates=by_tree.get(node.uuid, ()) if node else (),
            knowledge=inputs.of_host(name),
        )

    names = [host] if host is not None else sorted(cloud.services)
    return _Answer(
        candidates=candidates,
        seconds=seconds,
        destinations=tuple(destination(name, nodes.get(name)) for name in names),
    )


def _facts(
    cloud: WholeCloud,
    case: _Case,
    answer: _Answer,
    inputs: Inputs,
    host: str | None,
    residents: Residents,
    memo: Memo,
) -> Facts:
    subject = case.subject
    server = subject.server
    destinations = tuple(
        each for each in answer.destinations if host is not None or each.host != server.host
    )
    if on_hosts := _occupants(residents, case, inputs, destinations):
        destinations = tuple(
            dataclasses.replace(each, occupants=on_hosts.get(each.host)) for each in destinations
        )
    return Facts(
        server=server,
        source=case.source,
        destinations=destinations,
        requested_host=host,
        inputs=inputs,
        alias_requests=subject.requests,
        query=case.query,
        candidates=answer.candidates,
        network=subject.network,
        user_is_admin=cloud.user_is_admin,
        nova_microversion=cloud.nova_microversion,
        candidates_seconds=answer.seconds,
        pci_provider_count=len(cloud.pci_providers),
        aggregates=cloud.aggregates,
        group=case.group,
        departures=departures(cloud, server, case.group, inputs),
        moving_members=moving_members(cloud, server, case.group),
        share_ids=_shares(cloud, server, case.source),
        image_properties=case.image_properties,
        last_live_migration=(
            cloud.last_live_migration(server.id) if server.vm_state == "error" else None
        ),
        memo=memo,
    )


def _shares(cloud: WholeCloud, server: Server, source: Source) -> tuple[str, ...]:
    """Ask which file shares a server has, where nova attaches any.

    Source: ``check_shares_supported`` in ``nova/virt/hardware.py`` (nova 34.0.0).
    """
    has_memory_for_it = (
        os_traits.COMPUTE_MEM_BACKING_FILE in source.traits
        or "hw:mem_page_size" in server.flavor.extra_specs
    )
    if os_traits.COMPUTE_STORAGE_VIRTIO_FS not in source.traits or not has_memory_for_it:
        return ()
    return cloud.nova.shares(server.id)


def _zone_members(aggregates: Iterable[Aggregate], zone: str | None) -> frozenset[str]:
    """Return the aggregates that a pinned zone limits the scheduler to.

    A zone that no aggregate makes, nova's default for instance, does not limit it.

    Source: ``map_az_to_placement_aggregate`` in ``nova/scheduler/request_filter.py`` (nova 34.0.0).
    """
    return frozenset(a.uuid for a in aggregates if zone is not None and a.zone == zone)


def _occupants(
    residents: Residents, case: _Case, inputs: Inputs, destinations: Iterable[Destination]
) -> Mapping[str, Occupants]:
    """Return the servers of hosts whose devices only the host facts show."""
    subject = case.subject
    has_ports = bool(subject.network.ports)
    if not (has_ports or (subject.requests and not _asks_placement(case.source, inputs))):
        return {}
    hosts = [
        each.host
        for each in destinations
        if inputs.facts_of(each.host) is not None and each.knowledge.conf is not None
    ]
    if not hosts:
        return {}
    return residents.on(hosts, besides=subject.server.id, with_ports=has_ports)


def _source(
    cloud: WholeCloud,
    server: Server,
    allocation: Allocation,
    inputs: Inputs,
) -> Source:
    """Sort what the server holds into PCI devices and the rest, and what was left elsewhere."""
    node = cloud.nodes().get(server.host)
    left = _left_behind(cloud, server, allocation, node)
    plain: dict[str, int] = {}
    for uuid in allocation.keys() - cloud.pci_providers.keys() - left:
        for resource_class, amount in allocation[uuid].items():
            plain[resource_class] = plain.get(resource_class, 0) + amount
    held = (
        cloud.with_traits(cloud.pci_providers[uuid])
        for uuid in allocation.keys() & cloud.pci_providers.keys()
    )
    return Source(
        service=cloud.services.get(server.host),
        node=node,
        resources=plain,
        devices=tuple(
            SourceDevice(provider=provider, resources=allocation[provider.uuid])
            for provider in sorted(held, key=lambda provider: provider.name)
        ),
        knowledge=inputs.of_host(server.host),
        traits=cloud.root_traits(node.uuid) if node else frozenset(),
        nested_classes=_nested_classes(cloud, allocation, node),
        left_behind=left,
    )


def _left_behind(
    cloud: WholeCloud, server: Server, allocation: Allocation, node: ComputeNode | None
) -> frozenset[str]:
    """Return the root providers of other hosts that a server holds something of.

    While it moves, that is as it should be. Nova asks for what the flavor says, whatever is left.
    """
    if node is None or node.uuid not in allocation or not server.is_settled:
        return frozenset()
    roots = {each.uuid for each in cloud.nodes().values()}
    return frozenset(allocation.keys() & roots - {node.uuid})


def _nested_classes(
    cloud: WholeCloud, allocation: Allocation, node: ComputeNode | None
) -> frozenset[str]:
    """Return the custom classes that are held of neither a root, a PCI nor a sharing provider."""
    below = {
        uuid: custom
        for uuid in allocation.keys() - cloud.pci_providers.keys()
        if (node is None or uuid != node.uuid)
        and (
            custom := {
                name
                for name in allocation[uuid]
                if name.startswith(os_resource_classes.CUSTOM_NAMESPACE)
            }
        )
    }
    # Hardly a server has any, and who shares is one request more.
    shared = cloud.sharing_providers if below else frozenset()
    return frozenset().union(*(below[uuid] for uuid in below.keys() - shared))
