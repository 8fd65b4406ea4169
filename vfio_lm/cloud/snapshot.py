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

"""What belongs to the whole cloud, whichever servers are looked at; not what one server needs.

The number of requests does not depend on how many hosts and providers the cloud has (nova's
pages of hypervisors and servers, 1,000 on one by default, apart).
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import os_resource_classes
import os_traits

from vfio_lm.cloud.holdings import Allocation, Tell, allocations
from vfio_lm.cloud.http.catalogue import role_names
from vfio_lm.cloud.model import (
    Aggregate,
    CloudFlavor,
    ComputeNode,
    ComputeService,
    Microversion,
    Migration,
    Move,
    Network,
    NetworkAgent,
    Port,
    PortKind,
    Provider,
    Segment,
    Server,
    ServerGroup,
    ServerHistory,
    Tree,
)
from vfio_lm.cloud.network import NetworkClient
from vfio_lm.cloud.nova import DryRunClient, MigrationClient, SchedulingClient
from vfio_lm.cloud.parallel import in_parallel
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.volume import VolumeClient
from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.text import no_such_host

if TYPE_CHECKING:
    from openstack.connection import Connection

_LOG = logging.getLogger(__name__)

# nova/conf/compute.py scheduler_instance_sync_interval is 120 s by default (nova 34.0.0), and the
# clocks of two machines differ.
_SCHEDULER_LEARNS_WITHIN = datetime.timedelta(minutes=3)

# What a host may have left. One request for each shows all hosts that have any of it, and hardly
# a host has used up all three to the last unit.
_ROOM = (os_resource_classes.MEMORY_MB, os_resource_classes.VCPU, os_resource_classes.DISK_GB)


class WholeCloud:
    """One cloud as it is now: each thing is asked for once, when it is first needed.

    Every question raises :class:`~vfio_lm.errors.CloudError` if the service does not answer, or
    the roles of the user do not suffice.

    :param connection: a connection with the admin role; nothing is changed with it
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._networks: dict[str, Network] = {}
        self._segments: dict[str, tuple[Segment, ...]] = {}
        self._held: dict[str, Allocation] = {}
        self._nodes: Mapping[str, ComputeNode] | None = None
        self._nodes_have_servers = False
        self._groups: dict[str, ServerGroup | None] = {}
        self._departures: Mapping[str, frozenset[str]] | None = None
        self._moves: dict[str, tuple[Move, ...]] = {}
        self._root_traits: dict[str, frozenset[str]] = {}

    @functools.cached_property
    def nova(self) -> SchedulingClient:
        """Nova, which is of 2025.1 or later."""
        client = SchedulingClient.of(self._connection)
        client.max_microversion()  # one that is too old says so itself
        return client

    @functools.cached_property
    def nova_microversion(self) -> Microversion:
        """The highest microversion of nova's API."""
        return self.nova.max_microversion()

    @functools.cached_property
    def nova_itself(self) -> DryRunClient:
        """Nova, asked what it would do; few nova-apis answer that."""
        return DryRunClient.of(self._connection)

    @functools.cached_property
    def placement(self) -> PlacementClient:
        """Placement."""
        return PlacementClient.of(self._connection)

    @functools.cached_property
    def services(self) -> Mapping[str, ComputeService]:
        """Every nova-compute service by its host."""
        return self.nova.services()

    def service(self, host: str) -> ComputeService:
        """Return the nova-compute service of a host.

        :raises NotFoundError: if there is none
        """
        if host not in self.services:
            raise NotFoundError(no_such_host(host, self.services))
        return self.services[host]

    def nodes(self, *, with_servers: bool = False) -> Mapping[str, ComputeNode]:
        """Return the hypervisor of each host.

        :param with_servers: whether the servers on it matter
        """
        if self._nodes is None or (with_servers and not self._nodes_have_servers):
            self._nodes = self.nova.nodes(with_servers=with_servers)
            self._nodes_have_servers = with_servers
        return self._nodes

    @functools.cached_property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """All host aggregates."""
        return self.nova.aggregates()

    def group_of(self, server: Server) -> ServerGroup | None:
        """Return the server group that a server was made in; nova keeps it among the hints."""
        hint = server.scheduler_hints.get("group")
        group_id = hint[0] if isinstance(hint, list) and hint else hint
        if not isinstance(group_id, str):
            return None
        if group_id not in self._groups:
            self._groups[group_id] = self.nova.server_group(group_id)
        return self._groups[group_id]

    def departures(self, now: datetime.datetime) -> Mapping[str, frozenset[str]]:
        """Return by host the servers that left it so lately that the scheduler may not know.

        :param now: the time of the first question counts for all
        """
        if self._departures is None:
            self._departures = self.nova.departures(now - _SCHEDULER_LEARNS_WITHIN)
        return self._departures

    @functools.cached_property
    def servers(self) -> tuple[Server, ...]:
        """All servers of all projects."""
        return self.nova.servers()

    @functools.cached_property
    def evacuated(self) -> frozenset[str]:
        """The servers that still hold what they had on a host they left in need."""
        return self.nova.evacuated()

    @functools.cached_property
    def flavors(self) -> tuple[CloudFlavor, ...]:
        """All flavors, public or not, by name."""
        return self.nova.flavors()

    def last_live_migration(self, server_id: str) -> Migration | None:
        """Return the record of a server's last live migration; None if it never had one."""
        return MigrationClient.of(self._connection).newest_migration(server_id)

    @functools.cached_property
    def _resizes_given_up(self) -> frozenset[str]:
        return self.nova.resizes_given_up()

    def histories(self, server_ids: Collection[str]) -> Mapping[str, ServerHistory]:
        """Return what was done with servers; one light request for each."""
        actions = in_parallel(self.nova.action_names, server_ids) if server_ids else []
        return {
            server_id: ServerHistory(
                has_resize_given_up=server_id in self._resizes_given_up,
                has_port_added=names is not None and "attach_interface" in names,
                has_port_removed=names is not None and "detach_interface" in names,
                is_gone=names is None or ("delete" in names and self._is_gone(server_id)),
                has_live_migrated=names is not None and "live-migration" in names,
            )
            for server_id, names in zip(server_ids, actions)
        }

    def _is_gone(self, server_id: str) -> bool:
        """Whether a server that somebody once deleted is no longer there."""
        try:
            self.nova.server(server_id)
        except NotFoundError:
            return True
        return False

    def moves(self, server_id: str) -> tuple[Move, ...]:
        """Return the migrations, resizes and evacuations of a server that are not over."""
        if server_id not in self._moves:
            self._moves[server_id] = self.nova.moves(server_id)
        return self._moves[server_id]

    @functools.cached_property
    def pci_providers(self) -> Mapping[str, Provider]:
        """Every PCI provider by UUID: its name and its place, see the client for what not."""
        return self.placement.pci_providers()

    @functools.cached_property
    def trees(self) -> Mapping[str, Tree]:
        """The trees of all hosts with any memory left, by the UUID of the root."""
        return self.placement.trees_with_room(self.pci_providers)

    def with_units(
        self, pci_providers: Mapping[str, Provider], in_tree: str | None = None
    ) -> list[Provider]:
        """Return PCI providers with their traits and inventories, whole hosts at once.

        A host that has nothing left at all costs three requests for each of its providers.

        :param pci_providers: by UUID, of :attr:`pci_providers`
        :param in_tree: UUID of the root that all are below, to look at its tree only
        """
        seen: dict[str, Provider] = {}
        for resource_class in _ROOM:
            if pci_providers.keys() <= seen.keys():
                break
            if in_tree is None and resource_class == os_resource_classes.MEMORY_MB:
                trees = self.trees
            else:
                trees = self.placement.trees_with_room(pci_providers, resource_class, in_tree)
            for tree in trees.values():
                seen |= tree.providers
        rest = [provider for uuid, provider in pci_providers.items() if uuid not in seen]
        shown = [seen[uuid] for uuid in pci_providers if uuid in seen]
        return shown + in_parallel(self.placement.with_details, rest)

    def allocations(
        self, servers: Collection[Server], tell: Tell = lambda done, total: None
    ) -> Mapping[str, Allocation]:
        """Return what servers hold, by the server's ID.

        :param tell: told how many requests are answered, and how many there are
        """
        unknown = [server for server in servers if server.id not in self._held]
        self._held |= allocations(self, unknown, tell)
        return self._held

    def root_traits(self, uuid: str) -> frozenset[str]:
        """Return the traits of a host's root provider; one request for each full host."""
        tree = self.trees.get(uuid)
        if tree is not None and tree.root is not None:
            return tree.root.traits
        if uuid not in self._root_traits:
            self._root_traits[uuid] = self.placement.traits(uuid)
        return self._root_traits[uuid]

    @functools.cached_property
    def sharing_providers(self) -> frozenset[str]:
        """UUIDs of providers of which hosts of an aggregate take, a disk pool for instance."""
        return self.placement.uuids_with_trait(os_traits.MISC_SHARES_VIA_AGGREGATE)

    @functools.cached_property
    def requires_owner(self) -> bool:
        """Whether the scheduler insists on OWNER_NOVA: once every nova-compute is 34.0.0.

        Source: ``_should_filter_by_owner`` in ``nova/scheduler/request_filter.py`` (nova 34.0.0).
        No API shows the version of a service; its trait does.
        """
        roots = [
            tree.root
            for node in self.nodes().values()
            if (tree := self.trees.get(node.uuid)) is not None
        ]
        return bool(roots) and all(
            root is not None and os_traits.OWNER_NOVA in root.traits for root in roots
        )

    def with_traits(self, pci_provider: Provider) -> Provider:
        """Return a PCI provider with the traits that declare it live migratable.

        What :attr:`trees` knows is taken from there; two requests show it for all full hosts.
        """
        tree = self.trees.get(pci_provider.root_uuid)
        if tree is not None:
            return tree.providers.get(pci_provider.uuid, pci_provider)
        uuid, traits = pci_provider.uuid, set(pci_provider.traits)
        if uuid in self._live_migratable:
            traits.add(os_traits.HW_PCI_LIVE_MIGRATABLE)
        if uuid in self._owned_by_nova:
            traits.add(os_traits.OWNER_NOVA)
        return pci_provider.with_traits(traits)

    @functools.cached_property
    def _live_migratable(self) -> frozenset[str]:
        return self.placement.uuids_with_trait(os_traits.HW_PCI_LIVE_MIGRATABLE)

    @functools.cached_property
    def _owned_by_nova(self) -> frozenset[str]:
        return self.placement.uuids_with_trait(os_traits.OWNER_NOVA)

    def networks(self, server_ids: Collection[str]) -> dict[str, Network]:
        """Return the ports of servers that matter, by the server's ID.

        A cloud without neutron has none. Where neutron does not answer, none are known, and a
        warning is logged.
        """
        if unknown := [each for each in server_ids if each not in self._networks]:
            self._networks |= self._ask_for_networks(unknown)
        return {server_id: self._networks[server_id] for server_id in server_ids}

    def _ask_for_networks(self, server_ids: Collection[str]) -> dict[str, Network]:
        try:
            if self._neutron is None:
                return dict.fromkeys(server_ids, Network())
            return {
                server_id: dataclasses.replace(
                    network, has_port_bindings=self._neutron_has_port_bindings
                )
                if any(port.kind is PortKind.REPLUGGED for port in network.ports or ())
                else network
                for server_id, network in self._neutron.networks(server_ids).items()
            }
        except CloudError as exc:
            _LOG.warning("The ports of servers are not known: %s", exc)
            return dict.fromkeys(server_ids, Network(ports=None))

    def segments(self, network_ids: Collection[str]) -> Mapping[str, tuple[Segment, ...]] | None:
        """Return what carries each network, by its ID; None if neutron does not say."""
        if unknown := set(network_ids) - self._segments.keys():
            try:
                if self._neutron is not None:
                    self._segments |= self._neutron.segments(unknown)
            except CloudError as exc:
                _LOG.warning("What carries the networks is not known: %s", exc)
                return None
        return {each: self._segments[each] for each in network_ids if each in self._segments}

    @functools.cached_property
    def network_agents(self) -> Mapping[str, tuple[NetworkAgent, ...]] | None:
        """The agents of neutron by their host; None if neutron does not say."""
        try:
            return self._neutron.agents() if self._neutron is not None else {}
        except CloudError as exc:
            _LOG.warning("The agents of neutron are not known: %s", exc)
            return None

    @functools.cached_property
    def pci_ports(self) -> Mapping[str, tuple[Port, ...]]:
        """The ports of the whole cloud that nova serves with a PCI device, by server."""
        return self._neutron.pci_ports() if self._neutron is not None else {}

    @functools.cached_property
    def _neutron(self) -> NetworkClient | None:
        return NetworkClient.of(self._connection)

    @functools.cached_property
    def _neutron_has_port_bindings(self) -> bool:
        return self._neutron is not None and self._neutron.has_port_bindings()

    def image_properties(self, servers: Collection[Server]) -> dict[str, Mapping[str, str] | None]:
        """Return the properties of the image that each server boots from, by the server's ID.

        Nova keeps them with the server, but does not show those of a volume; cinder does.

        :returns: None for a server that boots from a volume, where there is no cinder or it does
            not answer; then a warning is logged
        """
        known = {server.id: server.image_properties for server in servers}
        if of_volumes := [server for server in servers if server.image_properties is None]:
            try:
                cinder = VolumeClient.of(self._connection)
                volumes = cinder.root_volumes(of_volumes) if cinder is not None else {}
                for server_id, volume in volumes.items():
                    known[server_id] = volume.image_properties if volume is not None else None
            except CloudError as exc:
                _LOG.warning("The images of boot volumes are not known: %s", exc)
        return known

    @functools.cached_property
    def user_is_admin(self) -> bool:
        """Whether the user has the role of that name, as far as the token shows."""
        return "admin" in role_names(self._connection)
