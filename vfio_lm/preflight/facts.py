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
from collections.abc import Mapping

from vfio_lm.nova_api import ComputeNode, ComputeService, Microversion, Server
from vfio_lm.pci import Alias, AliasRequest, LiveMigratable
from vfio_lm.placement import Candidate, CandidateQuery, Candidates, Marking, Provider, Tree


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceFact:
    """One PCI function of a host, as nova's configuration on that host declares it."""

    address: str
    live_migratable: LiveMigratable
    parent_address: str | None = None
    """The PF, where the device is a VF."""


@dataclasses.dataclass(frozen=True, slots=True)
class HostFacts:
    """What is known of a host beyond the APIs."""

    host: str
    devices: tuple[DeviceFact, ...] = ()


def marking(provider: Provider, host_facts: HostFacts | None) -> Marking:
    """Say what the host's own facts declare of a PCI provider's devices, or else its traits.

    Nova serves an alias from devices with the tag ``live_migratable``; the trait is only its
    shadow, and the tag ``traits`` casts the same shadow without it.
    """
    address = provider.pci_address
    declared = {
        device.live_migratable
        for device in (host_facts.devices if host_facts else ())
        if address in (device.address, device.parent_address)
    }
    if not declared:
        return provider.marking
    return Marking.MARKED if declared == {LiveMigratable.YES} else Marking.NOT_MARKED


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceSupply:
    """The units of one resource class on one PCI provider."""

    provider: Provider
    resource_class: str
    free: int
    capacity: int
    marking: Marking


@dataclasses.dataclass(frozen=True, slots=True)
class Destination:
    """A host that the server might go to."""

    service: ComputeService
    node: ComputeNode | None
    """None where nova lists no hypervisor for the service."""
    tree: Tree | None
    """None where placement has no free memory on the host."""
    candidates: tuple[Candidate, ...]
    host_facts: HostFacts | None = None

    @property
    def host(self) -> str:
        """The name of the host, as the compute service has it."""
        return self.service.host

    @property
    def devices(self) -> tuple[DeviceSupply, ...]:
        """What PCI devices placement knows there, in the order of their addresses."""
        return tuple(
            DeviceSupply(
                provider=provider,
                resource_class=resource_class,
                free=units.free,
                capacity=units.capacity,
                marking=marking(provider, self.host_facts),
            )
            for provider in (self.tree.pci_providers if self.tree else ())
            for resource_class, units in sorted(provider.inventories.items())
        )


@dataclasses.dataclass(frozen=True, slots=True)
class SourceDevice:
    """A PCI provider that the server holds units of."""

    provider: Provider
    resources: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """The host where the server is."""

    service: ComputeService | None
    node: ComputeNode | None
    resources: Mapping[str, int]
    """Units by resource class that the server holds, without its PCI devices."""
    devices: tuple[SourceDevice, ...]
    host_facts: HostFacts | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """Everything a check may look at."""

    server: Server
    source: Source
    destinations: tuple[Destination, ...]
    """The host that was asked for, or every other host with a compute service."""
    requested_host: str | None
    aliases: Mapping[str, Alias] | None
    """``[pci]alias`` by name; None where no nova.conf was given."""
    pci_in_placement: bool | None
    """``[filter_scheduler]pci_in_placement``; None where no nova.conf says it."""
    alias_requests: tuple[AliasRequest, ...]
    """What the server's flavor asks for."""
    query: CandidateQuery
    candidates: Candidates
    sriov_port_ids: tuple[str, ...] | None
    """Ports that nova serves with a PCI device; None where neutron did not tell."""
    user_is_admin: bool
    nova_microversion: Microversion
    """The highest microversion of the compute API."""

    @property
    def devices_in_placement(self) -> bool:
        """Whether placement can be asked for devices on behalf of this server."""
        return bool(self.source.devices) and self.pci_in_placement is not False
