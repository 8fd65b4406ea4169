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

import contextlib
import datetime
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import os_traits
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack import exceptions as sdk_exceptions

from vfio_lm.cloud import endpoints
from vfio_lm.cloud.model import (
    Aggregate,
    ComputeNode,
    ComputeService,
    Microversion,
    Move,
    Provider,
    Server,
    ServerGroup,
    Tree,
)
from vfio_lm.cloud.nova import SchedulingClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.text import no_such_host

if TYPE_CHECKING:
    from openstack.connection import Connection

# nova/conf/compute.py scheduler_instance_sync_interval is 120 s by default (nova 34.0.0), and the
# clocks of two machines differ.
_SCHEDULER_LEARNS_WITHIN = datetime.timedelta(minutes=3)


@contextlib.contextmanager
def errors_of_the_cloud() -> Iterator[None]:
    """Give what the libraries raise by themselves, at discovery for instance, our own form."""
    try:
        yield
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException) as exc:
        raise CloudError(f"the cloud cannot be reached: {exc}") from exc


class WholeCloud:
    """One cloud as it is now: each thing is asked for once, when it is first needed.

    :param connection: a connection with the admin role; nothing is changed with it
    :raises CloudError: if the cloud has no nova or placement for this user, or nova is too old
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        with errors_of_the_cloud():
            self.nova = SchedulingClient(endpoints.proxy(connection, "compute"))
            self.nova_microversion: Microversion = self.nova.max_microversion()
            self.placement = PlacementClient(endpoints.proxy(connection, "placement"))
        self._nodes: Mapping[str, ComputeNode] | None = None
        self._nodes_have_servers = False
        self._groups: dict[str, ServerGroup | None] = {}
        self._departures: Mapping[str, frozenset[str]] | None = None
        self._moves: dict[str, tuple[Move, ...]] = {}
        self._root_traits: dict[str, frozenset[str]] = {}

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

        :param with_servers: whether it has to be told which servers are on it
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
        """Return a PCI provider with the traits that tell whether it is live migratable.

        What :attr:`trees` knows is taken from there; two requests tell it of all full hosts.
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

    @functools.cached_property
    def user_is_admin(self) -> bool:
        """Whether the user has the role of that name, as far as the token tells."""
        session = self.connection.session
        if not isinstance(session.auth, BaseIdentityPlugin):
            return False
        return "admin" in (session.auth.get_access(session).role_names or ())
