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

"""PCI devices as placement counts them, brought together with nova's hosts; nothing is fetched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import ComputeNode, Marking, Provider


@dataclasses.dataclass(frozen=True)
class PciDevice:
    """A PF or PCI device that nova manages, with the units that it offers.

    nova gives the provider of a device one resource class
    (``nova/compute/pci_placement_translator.py``, nova 34.0.0).
    """

    provider: Provider
    host: str
    is_left_behind: bool = False
    """Whether nova has no hypervisor of the provider's root: a host that was renamed or removed
    left it, and no server can get its devices."""

    @property
    def address(self) -> str:
        """The PCI address; empty where the provider's name has none."""
        return self.provider.pci_address or ""

    @property
    def resource_class(self) -> str:
        """The resource class; empty for a provider without inventory."""
        return min(self.provider.inventories, default="")

    @property
    def total(self) -> int:
        """Units that may be taken."""
        return sum(units.capacity for units in self.provider.inventories.values())

    @property
    def used(self) -> int:
        """Units that are taken."""
        return sum(units.used for units in self.provider.inventories.values())

    @property
    def free(self) -> int:
        """Units that are left for servers; never negative."""
        if self.is_left_behind:
            return 0
        return sum(units.free for units in self.provider.inventories.values())

    @property
    def is_contested(self) -> bool:
        """Whether another service says that it owns the provider, which nova manages."""
        return not self.provider.is_of_nova

    @property
    def live_migratable(self) -> Marking:
        """Whether it is declared live migratable."""
        return self.provider.marking


@dataclasses.dataclass(frozen=True)
class DeviceFilter:
    """Which devices are asked for; what is not set does not matter."""

    host: str | None = None
    resource_class: str | None = None
    is_free: bool = False
    live_migratable: Marking | None = None

    def accepts(self, device: PciDevice) -> bool:
        """Tell whether a device is among those that are asked for."""
        return (
            self.host in (None, device.host)
            and self.resource_class in (None, device.resource_class)
            and (device.free > 0 or not self.is_free)
            and self.live_migratable in (None, device.live_migratable)
        )


@dataclasses.dataclass(frozen=True)
class Holder:
    """A consumer that holds units of a device."""

    id: str
    name: str | None
    """The server's name; None for what is no server on the host, as a migration's claim."""
    units: int


def pci_devices(
    providers: Iterable[Provider], nodes: Iterable[ComputeNode]
) -> tuple[PciDevice, ...]:
    """Return the devices that PCI providers stand for.

    Nova knows the host by the root provider. A provider of a host that nova does not know (any
    more) has the hypervisor's name in its own.

    :param nodes: all hypervisors of nova's; none where nova did not answer
    """
    hosts = {node.uuid: node.host for node in nodes}
    return tuple(
        PciDevice(
            provider=provider,
            host=hosts.get(provider.root_uuid) or provider.root_name or provider.name,
            is_left_behind=bool(hosts) and provider.root_uuid not in hosts,
        )
        for provider in providers
    )


def holders(
    allocations: Mapping[str, Mapping[str, int]], names: Mapping[str, str]
) -> tuple[Holder, ...]:
    """Return who holds units of a device, servers first and by name.

    :param allocations: units by resource class, by consumer
    :param names: names of the host's servers by ID
    """
    found = (
        Holder(id=consumer, name=names.get(consumer), units=sum(resources.values()))
        for consumer, resources in allocations.items()
    )
    return tuple(sorted(found, key=lambda holder: (holder.name is None, holder.name, holder.id)))
