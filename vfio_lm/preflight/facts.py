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

"""All that the preflight knows, as frozen data; where it comes from is the collector's business."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from vfio_lm.cloud.model import (
    Aggregate,
    Candidate,
    CandidateQuery,
    Candidates,
    ComputeNode,
    ComputeService,
    Marking,
    Microversion,
    Migration,
    Move,
    Network,
    NetworkAgent,
    Port,
    Provider,
    Segment,
    Server,
    ServerGroup,
    ServerHistory,
    ServerTopology,
    Tree,
)
from vfio_lm.pci import Alias, AliasRequest
from vfio_lm.pci.hosts import NOTHING_KNOWN, Host
from vfio_lm.preflight.inputs import Inputs
from vfio_lm.preflight.marking import marking
from vfio_lm.preflight.memo import Memo
from vfio_lm.preflight.nova_says import NOT_ASKED, NovaSays


@dataclasses.dataclass(frozen=True)
class DeviceSupply:
    """The units of one resource class on one PCI provider."""

    provider: Provider
    resource_class: str
    free: int
    capacity: int
    marking: Marking


@dataclasses.dataclass(frozen=True)
class Occupants:
    """The servers that nova has on a host, and what may change about them right now."""

    devices_by_server: Mapping[str, int]
    """How many devices each server has by aliases of its flavor, by the server's ID."""
    moves: tuple[Move, ...] = ()
    """Migrations and resizes from or to the host that are not over."""


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A server that has its share of a host's NUMA nodes."""

    server: Server
    topology: ServerTopology | None
    """None if it was gone when nova was asked for it."""


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
    """The servers on a host as far as its NUMA nodes go."""

    servers: tuple[Neighbour, ...]
    unlisted: frozenset[str] = frozenset()
    """IDs of servers that nova counts on the host and does not list: those deleted for a time."""
    moves: tuple[Move, ...] = ()
    """Of any server from or to the host, that are not over."""


@dataclasses.dataclass(frozen=True, eq=False)
class Destination:
    """A host that the server might go to; like :class:`Facts`, equal to itself alone."""

    service: ComputeService
    node: ComputeNode | None
    """None where nova lists no hypervisor for the service, or several."""
    tree: Tree | None
    """None where placement has no free memory on the host."""
    candidates: tuple[Candidate, ...]
    knowledge: Host = NOTHING_KNOWN
    occupants: Occupants | None = None
    """None where nova was not asked, because the host's facts or nova.conf are missing."""
    neighbourhood: Neighbourhood | None = None
    """None likewise, and where the server has no NUMA topology."""

    @property
    def host(self) -> str:
        """The name of the host, as the compute service has it."""
        return self.service.host

    @functools.cached_property
    def devices(self) -> tuple[DeviceSupply, ...]:
        """What PCI devices placement knows there, in the order of their addresses."""
        return tuple(
            DeviceSupply(
                provider=provider,
                resource_class=resource_class,
                free=units.free,
                capacity=units.capacity,
                marking=marking(provider, self.knowledge),
            )
            for provider in (self.tree.pci_providers if self.tree else ())
            for resource_class, units in sorted(provider.inventories.items())
        )


@dataclasses.dataclass(frozen=True)
class SourceDevice:
    """A PCI provider that the server holds units of."""

    provider: Provider
    resources: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Source:
    """The host where the server is."""

    service: ComputeService | None
    node: ComputeNode | None
    resources: Mapping[str, int]
    """Units by resource class that the server holds, without its PCI devices."""
    devices: tuple[SourceDevice, ...]
    knowledge: Host = NOTHING_KNOWN
    traits: frozenset[str] = frozenset()
    """Of the host's root provider."""
    nested_classes: frozenset[str] = frozenset()
    """Custom resource classes that the server holds of a provider below the root, no PCI device's:
    a kind of mediated device, for instance."""
    left_behind: frozenset[str] = frozenset()
    """UUIDs of root providers of other hosts that it holds something of, which is not counted."""


@dataclasses.dataclass(frozen=True, eq=False)
class Facts:
    """Everything a check may look at; equal to itself alone."""

    server: Server
    source: Source
    destinations: tuple[Destination, ...]
    """The host that was asked for, or every other host with a compute service."""
    requested_host: str | None
    inputs: Inputs
    alias_requests: tuple[AliasRequest, ...]
    """What the server's flavor asks for."""
    query: CandidateQuery
    candidates: Candidates
    network: Network
    user_is_admin: bool
    nova_microversion: Microversion
    """The highest microversion of the compute API."""
    candidates_seconds: float = 0.0
    """How long placement took to answer the query."""
    pci_provider_count: int = 0
    """PCI providers in the whole cloud."""
    aggregates: tuple[Aggregate, ...] = ()
    group: ServerGroup | None = None
    """The server group that the server was made in."""
    departures: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    """By host, the servers that left it by a live migration so lately that the scheduler may not
    know; only asked for servers in a group that keeps its members apart."""
    moving_members: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    """By host, the other members of a group that keeps its servers apart whose moves from or to
    it are not over."""
    history: ServerHistory = dataclasses.field(default_factory=ServerHistory)
    share_ids: tuple[str, ...] = ()
    """Shares of the file share service that are attached to the server."""
    network_agents: Mapping[str, tuple[NetworkAgent, ...]] | None = None
    """The agents of neutron by their host; None where neutron does not show them."""
    segments: Mapping[str, tuple[Segment, ...]] | None = None
    """What carries the networks of the ports, by the network's ID; None likewise."""
    image_properties: Mapping[str, str] | None = None
    """Of the image, or of the volume that the server boots from; None where not available."""
    last_live_migration: Migration | None = None
    """The record of the server's last one; only asked for where the server is in ERROR."""
    topology: ServerTopology | None = None
    """Where on its host the server is; only asked for where it can have a NUMA topology."""
    nova: NovaSays = NOT_ASKED
    """Nova's own word about the server."""
    memo: Memo = dataclasses.field(default_factory=Memo, repr=False)
    """What rules have worked out in this survey."""

    @property
    def aliases(self) -> Mapping[str, Alias] | None:
        """``[pci]alias`` by name; None where no nova.conf was given."""
        return self.inputs.aliases

    @property
    def pci_in_placement(self) -> bool | None:
        """``[filter_scheduler]pci_in_placement``; None where no nova.conf says it."""
        return self.inputs.pci_in_placement

    @property
    def devices_in_placement(self) -> bool:
        """Whether placement can be asked for devices on behalf of this server."""
        return bool(self.source.devices) and self.pci_in_placement is not False

    @property
    def scheduler_ignores_placement(self) -> bool:
        """Whether the scheduler goes by the resource trackers of the hosts alone.

        Nova's default; and with the option on it would find no host for any alias in a cloud
        where no host reports devices.
        """
        if self.pci_in_placement is None:
            return self.aliases is not None and self.pci_provider_count == 0
        return not self.pci_in_placement

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports that nova serves with a PCI device, as far as they are known."""
        return self.network.ports or ()

    @property
    def holds_devices(self) -> bool:
        """Whether the server has PCI devices, by an alias or by a port."""
        return bool(self.alias_requests or self.ports)
