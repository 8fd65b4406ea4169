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

"""Hosts with their PCI devices, summed up; nothing is fetched."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import ComputeNode, ComputeService, Marking, Provider
from vfio_lm.inventory.device import PciDevice, pci_devices


class HostMarking(enum.Enum):
    """Whether the devices of a host are declared live migratable, taken together."""

    YES = "yes"
    """Every device is."""
    PARTLY = "partly"
    """Some are, and others are not, or that is not known."""
    NO = "no"
    """None is."""
    UNKNOWN = "unknown"
    """None is known to be, and of some it is not known; or placement did not answer."""
    NO_DEVICES = "no devices"
    """Placement counts no PCI device of this host."""


@dataclasses.dataclass(frozen=True)
class HostInventory:
    """A host that nova or placement knows."""

    name: str
    service: ComputeService | None
    """None where nova has no nova-compute of this host, or did not answer."""
    node: ComputeNode | None
    """None where nova has no hypervisor of this host, or did not answer."""
    devices: tuple[PciDevice, ...] | None
    """In the order of their addresses; None where placement did not answer."""

    @property
    def total(self) -> int:
        """Units of all devices that may be taken."""
        return sum(device.total for device in self.devices or ())

    @property
    def used(self) -> int:
        """Units that are taken."""
        return sum(device.used for device in self.devices or ())

    @property
    def free(self) -> int:
        """Units that are left."""
        return sum(device.free for device in self.devices or ())

    @property
    def is_contested(self) -> bool:
        """Whether another service claims a device that nova manages."""
        return any(device.is_contested for device in self.devices or ())

    @property
    def live_migratable(self) -> HostMarking:
        """What its devices declare."""
        if self.devices is None:
            return HostMarking.UNKNOWN
        found = {device.live_migratable for device in self.devices}
        if not found:
            return HostMarking.NO_DEVICES
        if Marking.MARKED in found:
            return HostMarking.YES if len(found) == 1 else HostMarking.PARTLY
        return HostMarking.UNKNOWN if Marking.UNKNOWN in found else HostMarking.NO


@dataclasses.dataclass(frozen=True)
class Totals:
    """All hosts together."""

    hosts: int
    hosts_with_devices: int
    devices: int
    units: int
    used: int
    free: int
    free_migratable: int
    """Free units of devices that are declared live migratable."""
    contested: int
    """Devices that another service claims."""


def hosts(
    services: Mapping[str, ComputeService],
    nodes: Mapping[str, ComputeNode],
    providers: Iterable[Provider] | None,
) -> tuple[HostInventory, ...]:
    """Bring together what nova and placement say, by the name of the host.

    :param services: nova-compute services by host
    :param nodes: hypervisors by host
    :param providers: every PCI provider with its inventories; None where placement did not answer
    """
    devices: collections.defaultdict[str, list[PciDevice]] = collections.defaultdict(list)
    if providers is not None:
        for device in pci_devices(providers, nodes.values()):
            devices[device.host].append(device)
    return tuple(
        HostInventory(
            name=name,
            service=services.get(name),
            node=nodes.get(name),
            devices=None
            if providers is None
            else tuple(sorted(devices[name], key=lambda device: device.address)),
        )
        for name in sorted(services.keys() | nodes.keys() | devices.keys())
    )


def totals(found: Iterable[HostInventory]) -> Totals:
    """Sum up hosts; what placement did not answer counts as nothing."""
    known = tuple(found)
    devices = [device for host in known for device in host.devices or ()]
    return Totals(
        hosts=len(known),
        hosts_with_devices=sum(bool(host.devices) for host in known),
        devices=len(devices),
        units=sum(device.total for device in devices),
        used=sum(device.used for device in devices),
        free=sum(device.free for device in devices),
        free_migratable=sum(
            device.free for device in devices if device.live_migratable is Marking.MARKED
        ),
        contested=sum(device.is_contested for device in devices),
    )
