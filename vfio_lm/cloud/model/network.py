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

"""Ports that nova serves with a PCI device, as plain data; how they are read is elsewhere."""

from __future__ import annotations

import dataclasses
import enum

#: Ports of these types are served with a PCI device: VNIC_TYPES_SRIOV and
#: VNIC_TYPES_ACCELERATOR in nova/network/model.py (nova 34.0.0).
PCI_VNIC_TYPES = frozenset(
    {
        "accelerator-direct",
        "accelerator-direct-physical",
        "direct",
        "direct-physical",
        "macvtap",
        "remote-managed",
        "vdpa",
        "virtio-forwarder",
    }
)


class PortKind(enum.Enum):
    """What nova does with a port when its server live migrates.

    Source: ``VNIC_TYPES_SRIOV`` and ``VNIC_TYPES_ACCELERATOR`` in ``nova/network/model.py``,
    ``block_port_accelerators`` in ``nova/compute/api.py`` (nova 34.0.0).
    """

    REPLUGGED = "replugged"
    """Detached from the guest before, and attached again with a device of the destination."""
    SPECIAL = "special"
    """vDPA and ports of a SmartNIC: by rules of their own, which are not looked into."""
    REFUSED = "refused"
    """Devices of cyborg's: the API refuses the live migration."""


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """A port of the server's that needs a PCI device of the host."""

    id: str
    vnic_type: str
    is_bound: bool = True
    """Whether nova has told neutron of the device, and with it of the network."""
    physical_network: str | None = None
    """As nova writes it into the port's binding profile; None for a network without one."""
    trusted: bool | None = None

    @property
    def kind(self) -> PortKind:
        """What nova does with it."""
        if self.vnic_type.startswith("accelerator-"):
            return PortKind.REFUSED
        if self.vnic_type in ("vdpa", "remote-managed"):
            return PortKind.SPECIAL
        return PortKind.REPLUGGED


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """The ports of one server, as far as neutron answers."""

    ports: tuple[Port, ...] | None = ()
    """Ports that nova serves with a PCI device; None where neutron did not answer."""
    ports_with_resources: tuple[str, ...] = ()
    """IDs of ports that ask placement for resources of their own."""
    has_port_bindings: bool | None = None
    """Whether neutron has the extension ``binding-extended``; None where it was not asked."""
