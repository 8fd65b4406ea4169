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

"""Ports, networks and neutron's agents, as plain data; how they are read is elsewhere."""

from __future__ import annotations

import dataclasses
import enum

from vfio_lm.cloud.model.candidate_query import RequestGroup

#: The guest loses ports of these types before it moves: VNIC_TYPES_DIRECT_PASSTHROUGH in
#: nova/network/model.py, which _detach_direct_passthrough_vifs in nova/virt/libvirt/driver.py goes
#: by (nova 34.0.0).
UNPLUGGED_VNIC_TYPES = frozenset({"direct", "direct-physical"})

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
    """Given a device of the destination, for which most are detached from the guest before."""
    SPECIAL = "special"
    """vDPA and ports of a SmartNIC: by rules of their own, which are not looked into."""
    REFUSED = "refused"
    """Devices of cyborg's: the API refuses the live migration."""


@dataclasses.dataclass(frozen=True)
class Segment:
    """One of the networks that carry a network of neutron's."""

    network_type: str
    """As neutron has it, for example ``vlan``."""
    physical_network: str | None = None


@dataclasses.dataclass(frozen=True)
class NetworkAgent:
    """An agent of neutron's on a host."""

    agent_type: str
    """As neutron has it, for example ``NIC Switch agent``."""
    is_alive: bool
    physical_networks: frozenset[str] = frozenset()
    """Those that it connects ports to."""
    tunnel_types: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class PortResources:
    """What a port asks placement for."""

    groups: tuple[RequestGroup, ...] = ()
    same_subtrees: tuple[tuple[str, ...], ...] = ()
    """Suffixes of groups that one provider, or its descendants, must serve together."""


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of a server."""

    id: str
    vnic_type: str
    name: str = ""
    network_id: str = ""
    mechanism: str | None = None
    """The driver of neutron's that has bound it, for example ``sriovnicswitch``; None where it is
    not bound, or the user may not see that."""
    is_bound: bool = True
    """Whether nova has written the device into the port, and with it the network."""
    physical_network: str | None = None
    """As nova writes it into the port's binding profile; None for a network without one."""
    trusted: bool | None = None

    @property
    def label(self) -> str:
        """What people know it by."""
        return f"{self.name} ({self.id})" if self.name else self.id

    @property
    def needs_device(self) -> bool:
        """Whether nova serves it with a PCI device of the host."""
        return self.vnic_type in PCI_VNIC_TYPES

    @property
    def is_unplugged(self) -> bool:
        """Whether the guest is without it while it moves."""
        return self.vnic_type in UNPLUGGED_VNIC_TYPES

    @property
    def kind(self) -> PortKind:
        """What nova does with it, if it needs a device."""
        if self.vnic_type.startswith("accelerator-"):
            return PortKind.REFUSED
        if self.vnic_type in ("vdpa", "remote-managed"):
            return PortKind.SPECIAL
        return PortKind.REPLUGGED


@dataclasses.dataclass(frozen=True)
class Network:
    """The ports of one server, as far as neutron answers."""

    ports: tuple[Port, ...] | None = ()
    """Ports that nova serves with a PCI device; None where neutron did not answer."""
    plain_ports: tuple[Port, ...] = ()
    """The other ports."""
    resources: PortResources = dataclasses.field(default_factory=PortResources)
    """What the ports ask placement for, besides the server."""
    has_port_bindings: bool | None = None
    """Whether neutron has the extension ``binding-extended``; None where it was not asked."""
