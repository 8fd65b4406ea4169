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

"""A PCI device of a host, as its hypervisor reports it to nova; not whether nova may use it."""

from __future__ import annotations

import dataclasses
import enum

from vfio_lm.pci.address import PciAddress


class DeviceKind(enum.Enum):
    """What a PCI function is with respect to SR-IOV, in nova's words.

    Source: ``nova/objects/fields.py`` ``PciDeviceType`` (nova 34.0.0).
    """

    PCI = "type-PCI"
    """A function without SR-IOV."""
    PF = "type-PF"
    """A physical function that can have virtual ones."""
    VF = "type-VF"
    """A virtual function."""
    VDPA = "vdpa"
    """A virtual function that is used through vDPA; no alias can ask for it."""

    @property
    def has_parent(self) -> bool:
        """Whether such a function belongs to a PF."""
        return self in (DeviceKind.VF, DeviceKind.VDPA)


@dataclasses.dataclass(frozen=True)
class Device:
    """One PCI function of a host."""

    address: PciAddress
    vendor_id: str
    """Four hexadecimal digits in lower case, as libvirt reports them."""
    product_id: str
    """Four hexadecimal digits in lower case."""
    kind: DeviceKind
    parent_address: PciAddress | None = None
    """The PF of a VF."""
    numa_node: int | None = None
    """None where the host does not report it."""
    card_serial_number: str | None = None
    """From the PCI VPD; nova uses a remotely managed device only if it has one."""
