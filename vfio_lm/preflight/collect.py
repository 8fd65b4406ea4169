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

"""Collecting the facts for one server: the cloud is asked here, and in the modules beside.

The number of requests does not depend on how many hosts and providers the cloud has (nova's
pages of hypervisors and servers, 1,000 on one by default, apart).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import os_traits
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack import exceptions as sdk_exceptions

from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.nova_api import (
    Aggregate,
    ComputeNode,
    ComputeService,
    SchedulingClient,
    Server,
    ServerGroup,
)
from vfio_lm.pci import AliasRequest, parse_alias_requests
from vfio_lm.placement import PlacementClient, Provider, Tree
from vfio_lm.placement.candidate_query import nova_query
from vfio_lm.preflight.collect_beside import image_properties, network
from vfio_lm.preflight.collect_occupants import occupants
from vfio_lm.preflight.endpoints import has_endpoint
from vfio_lm.preflight.facts import Destination, Facts, Network, Occupants, Source, SourceDevice
from vfio_lm.preflight.knowledge import HostKnowledge, Inputs
from vfio_lm.preflight.request import device_groups, plain_resources

if TYPE_CHECKING:
    from openstack.connection import Connection


@contextlib.contextmanager
def _errors_of_the_cloud() -> Iterator[None]:
    """Give what the libraries raise by themselves, at discovery for instance, our own form."""
    try:
        yield
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException) as exc:
        raise CloudError(f"the cloud cannot be reached: {exc}") from exc


@_errors_of_the_cloud()
def collect(
    connection: Connection, server_id: str, inputs: Inputs, *, host: str | None = None
) -> Facts:
    """Ask nova, placement, neutron and cinder all that the checks need.

    Parameters are those of :func:`vfio_lm.preflight.check_server`.

    :raises CloudError: if nova or placement does not answer, the server or host does not exist,
        or the user's roles do not suffice
    """
    for service in ("compute", "placement"):
        if not has_endpoint(connection, service):
            raise CloudError(f"the catalogue has no {service} endpoint for this user and region")
    nova = SchedulingClient(connection.compute)
    microversion = nova.max_microversion()
    server = nova.server(server_id)
    services = nova.services()
    if host is not None and host not in services:
        raise NotFoundError(f"no host '{host}' has a nova-compute service; {_named(services)}")
    group = _group(nova, server)
    nodes = nova.nodes(with_servers=group is not None)
    aggregates = nova.aggregates()

    placement = PlacementClient(connection.placement)
    allocations = placement.allocations(server.id)
    pci_providers = placement.pci_providers()
    target = nodes.get(host) if host is not None else None
    trees = placement.trees_with_room(pci_providers)
    source = _source(
        server,
        services,
        nodes,
        allocations,
        inputs.of_host(server.host),
        placement,
        trees,
        pci_providers,
    )
    requests = parse_alias_requests(server.flavor.extra_specs)
    in_placement = bool(source.devices) and inputs.pci_in_placement is not False
    query = nova_query(
        server.flavor.extra_specs,
        source.resources or plain_resources(server.flavor),
        device_groups(requests, inputs.aliases, source.devices) if in_placement else (),
        requires_owner=_all_have_owner(trees, nodes.values()),
        in_tree=target.uuid if target else None,
        member_of=_zone_members(aggregates, server.pinned_availability_zone),
    )
    started = time.monotonic()
    candidates = placement.candidates(query)
    seconds = time.monotonic() - started
    known_network = network(connection, server.id)
    wanted = [host] if host is not None else sorted(services.keys() - {server.host})
    on_hosts = _occupants(nova, server, requests, known_network, inputs, wanted, in_placement)
    return Facts(
        server=server,
        source=source,
        destinations=tuple(
            Destination(
                service=services[name],
                node=nodes.get(name),
                tree=trees.get(nodes[name].uuid) if name in nodes else None,
                candidates=candidates.in_tree(nodes[name].uuid) if name in nodes else (),
                knowledge=inputs.of_host(name),
                occupants=on_hosts.get(name),
            )
            for name in wanted
        ),
        requested_host=host,
        inputs=inputs,
        alias_requests=requests,
        query=query,
        candidates=candidates,
        network=known_network,
        user_is_admin="admin" in _role_names(connection),
        nova_microversion=microversion,
        candidates_seconds=seconds,
        pci_provider_count=len(pci_providers),
        aggregates=aggregates,
        group=group,
        image_properties=image_properties(connection, server),
    )


def _named(hosts: Iterable[str], most: int = 10) -> str:
    """List hosts in a message, but not a whole cloud of them."""
    names = sorted(hosts)
    shown = ", ".join(names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"the hosts are: {shown}{more}"


def _group(nova: SchedulingClient, server: Server) -> ServerGroup | None:
    """Return the server group that the server was made in; nova keeps it among the hints."""
    hint = server.scheduler_hints.get("group")
    group_id = hint[0] if isinstance(hint, list) and hint else hint
    return nova.server_group(group_id) if isinstance(group_id, str) else None


def _zone_members(aggregates: Iterable[Aggregate], zone: str | None) -> frozenset[str]:
    """Return the aggregates that a pinned zone limits the scheduler to.

    A zone that no aggregate makes, nova's default for instance, does not limit it.

    Source: ``map_az_to_placement_aggregate`` in ``nova/scheduler/request_filter.py`` (nova 34.0.0).
    """
    return frozenset(a.uuid for a in aggregates if zone is not None and a.zone == zone)


def _occupants(
    nova: SchedulingClient,
    server: Server,
    requests: tuple[AliasRequest, ...],
    known: Network,
    inputs: Inputs,
    wanted: Iterable[str],
    in_placement: bool,
) -> Mapping[str, Occupants]:
    """Ask for the servers of hosts whose devices only their facts tell."""
    if not (known.ports or (requests and not in_placement)):
        return {}
    hosts = [
        name
        for name in wanted
        if inputs.facts_of(name) is not None and inputs.of_host(name).conf is not None
    ]
    if not hosts:
        return {}
    return occupants(nova, hosts, besides=server.id, with_ports=bool(known.ports))


def _source(
    server: Server,
    services: Mapping[str, ComputeService],
    nodes: Mapping[str, ComputeNode],
    allocations: Mapping[str, Mapping[str, int]],
    knowledge: HostKnowledge,
    placement: PlacementClient,
    trees: Mapping[str, Tree],
    pci_providers: Mapping[str, Provider],
) -> Source:
    """Sort what the server holds into PCI devices and the rest."""
    plain: dict[str, int] = {}
    for uuid in allocations.keys() - pci_providers.keys():
        for resource_class, amount in allocations[uuid].items():
            plain[resource_class] = plain.get(resource_class, 0) + amount
    held = {uuid: pci_providers[uuid] for uuid in allocations.keys() & pci_providers.keys()}
    devices = [
        SourceDevice(provider=provider, resources=allocations[provider.uuid])
        for provider in sorted(
            _with_known_traits(held, trees, placement), key=lambda provider: provider.name
        )
    ]
    return Source(
        service=services.get(server.host),
        node=nodes.get(server.host),
        resources=plain,
        devices=tuple(devices),
        knowledge=knowledge,
        traits=_root_traits(trees, nodes.get(server.host)),
    )


def _with_known_traits(
    held: Mapping[str, Provider], trees: Mapping[str, Tree], placement: PlacementClient
) -> list[Provider]:
    """Return providers with their traits, asking placement only where the host is full."""
    found = []
    for root_uuid in {provider.root_uuid for provider in held.values()}:
        of_root = {u: p for u, p in held.items() if p.root_uuid == root_uuid}
        tree = trees.get(root_uuid)
        if tree is None:
            tree = _full_tree(Tree(root_uuid, of_root), placement)
        found += [tree.providers.get(uuid, provider) for uuid, provider in of_root.items()]
    return found


def _full_tree(tree: Tree, placement: PlacementClient) -> Tree:
    """Add the traits that matter; who owns a provider only does where the other is missing."""
    tree = placement.with_trait(tree, os_traits.HW_PCI_LIVE_MIGRATABLE)
    if all(provider.is_marked_live_migratable for provider in tree.providers.values()):
        return tree
    return placement.with_trait(tree, os_traits.OWNER_NOVA)


def _all_have_owner(trees: Mapping[str, Tree], nodes: Iterable[ComputeNode]) -> bool:
    """Tell whether the scheduler insists on OWNER_NOVA: once every nova-compute is 34.0.0.

    Source: ``_should_filter_by_owner`` in ``nova/scheduler/request_filter.py`` (nova 34.0.0).
    No API shows the version of a service; its trait does.
    """
    roots = [tree.root for node in nodes if (tree := trees.get(node.uuid)) is not None]
    return bool(roots) and all(
        root is not None and os_traits.OWNER_NOVA in root.traits for root in roots
    )


def _root_traits(trees: Mapping[str, Tree], node: ComputeNode | None) -> frozenset[str]:
    tree = trees.get(node.uuid) if node else None
    return tree.root.traits if tree and tree.root else frozenset()


def _role_names(connection: Connection) -> tuple[str, ...]:
    """Return the names of the user's roles, as far as the token tells them."""
    auth = connection.session.auth
    if not isinstance(auth, BaseIdentityPlugin):
        return ()
    return tuple(auth.get_access(connection.session).role_names or ())
