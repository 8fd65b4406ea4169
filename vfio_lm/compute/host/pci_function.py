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

"""What sysfs shows of one PCI function; which functions a host has is asked elsewhere."""

from __future__ import annotations

import os
import re

from vfio_lm.compute.host.sysfs import KEEP_LINKS, PCI_DEVICES, Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import AddressError, PciAddress
from vfio_lm.pci.device import DeviceKind

_BRIDGE_CLASS = "0x0604"
_ID = re.compile("0x([0-9a-f]{4})")
_GROUP = re.compile("[0-9]+")


class NoSuchDeviceError(VfioLmError):
    """A PCI address at which the host has no function."""

    def __init__(self, address: PciAddress, root: str) -> None:
        where = "this host" if root == "/" else root
        super().__init__(
            f"{address}: {where} has no such PCI device: vfio-lm-host probe without addresses "
            f"lists those that matter"
        )


class PciFunction:
    """What sysfs shows of one PCI function; each value is read when it is asked for."""

    def __init__(self, sysfs: Sysfs, address: PciAddress) -> None:
        self.sysfs = sysfs
        self.address = address
        self._folder = os.path.join(PCI_DEVICES, str(address))

    @classmethod
    def at(cls, sysfs: Sysfs, address: PciAddress) -> PciFunction:
        """Return the function at an address.

        :raises NoSuchDeviceError: if there is none
        """
        if not sysfs.exists(PCI_DEVICES, str(address)):
            raise NoSuchDeviceError(address, sysfs.root)
        return cls(sysfs, address)

    def refuse_unreadable(self) -> None:
        """Make sure that it is in sysfs at all.

        :raises NotKnownError: if it has vanished, or its link was copied without the folder
        """
        path = self.sysfs.path(self._folder)
        if not os.path.lexists(path):
            raise NotKnownError("it has vanished")
        if not os.path.islink(path):
            raise NotKnownError(f"its entry in {PCI_DEVICES} is no link: copy /sys {KEEP_LINKS}")
        if not os.path.isdir(path):
            copy = "" if self.sysfs.is_live else f": copy /sys/devices, too, {KEEP_LINKS}"
            raise NotKnownError(f"its link in {PCI_DEVICES} leads nowhere{copy}")

    def text(self, name: str) -> str:
        """Return the text of one of its files; see :meth:`Sysfs.text`."""
        return self.sysfs.text(self._folder, name)

    def has(self, name: str) -> bool:
        """Return whether it has such a file."""
        return self.sysfs.exists(self._folder, name)

    @property
    def vendor_id(self) -> str:
        """Four hexadecimal digits in lower case."""
        return self._id("vendor")

    @property
    def product_id(self) -> str:
        """Four hexadecimal digits in lower case."""
        return self._id("device")

    @property
    def kind(self) -> DeviceKind:
        """What it is with respect to SR-IOV.

        Source: ``nova/virt/libvirt/host.py`` ``_get_pcidev_info`` (nova 34.0.0): a VF has a PF, a
        PF can have VFs even if it has none now, and a VF with a vDPA device is used through it.

        :raises NotKnownError: if its files cannot be read
        """
        if self.has("physfn"):
            return DeviceKind.VDPA if self._has_vdpa_device else DeviceKind.VF
        if self.has("sriov_totalvfs"):
            return DeviceKind.PF if self._number("sriov_totalvfs") > 0 else DeviceKind.PCI
        if not self.has("vendor"):
            raise NotKnownError("it has vanished")
        return DeviceKind.PCI

    @property
    def parent_address(self) -> PciAddress | None:
        """The PF of a VF.

        :raises NotKnownError: if the link to it cannot be read
        """
        name = self.sysfs.link(self._folder, "physfn")
        return None if name is None else _address(name)

    @property
    def numa_node(self) -> int | None:
        """None where the firmware does not tell: the kernel has -1 for that.

        :raises NotKnownError: if the file cannot be read
        """
        if not self.has("numa_node"):
            # The kernel was built without NUMA.
            return None
        number = self._number("numa_node")
        return number if number >= 0 else None

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The names of its network interfaces."""
        return tuple(self.sysfs.names(self._folder, "net"))

    @property
    def driver(self) -> str | None:
        """The driver that it is bound to; None: to none."""
        return self.sysfs.link(self._folder, "driver")

    @property
    def module(self) -> str | None:
        """The module of that driver; None where it has none, or is built into the kernel."""
        driver = self.driver
        return driver and self.sysfs.link("sys/bus/pci/drivers", driver, "module")

    @property
    def vfio_node(self) -> str | None:
        """The name of its character device for iommufd, from Linux 6.1 on, while it has one.

        Source: ``drivers/vfio/vfio_main.c``: each driver that offers a device through VFIO makes
        such a device of the class ``vfio-dev``, also where ``/dev/vfio/devices`` is not built in.
        """
        return next(iter(self.sysfs.names(self._folder, "vfio-dev")), None)

    @property
    def iommu_group(self) -> int | None:
        """None: in no group, as where the IOMMU is off."""
        name = self.sysfs.link(self._folder, "iommu_group")
        if name is not None and not _GROUP.fullmatch(name):
            raise NotKnownError(f"IOMMU group {name!r} is not a number")
        return None if name is None else int(name)

    @property
    def is_bridge(self) -> bool:
        """Whether it is a PCI bridge, which VFIO leaves in a group without asking for it."""
        try:
            return self.text("class").startswith(_BRIDGE_CLASS)
        except NotKnownError:
            return False

    @property
    def group_members(self) -> list[PciFunction]:
        """The other functions of its IOMMU group, bridges not counted."""
        group = self.iommu_group
        if group is None:
            raise NotKnownError("it is in no IOMMU group: is the IOMMU on?")
        names = self.sysfs.names("sys/kernel/iommu_groups", str(group), "devices")
        if str(self.address) not in names:
            raise NotKnownError(f"IOMMU group {group} does not list the device itself")
        others = (PciFunction(self.sysfs, _address(name)) for name in names)
        return [each for each in others if each.address != self.address and not each.is_bridge]

    @property
    def vgpu_type(self) -> str | None:
        """The number of the NVIDIA vGPU type of a VF, "0" without one; None for other devices.

        Source: NVIDIA's vGPU documentation, ``current_vgpu_type``.
        """
        if not self.has("nvidia/current_vgpu_type"):
            return None
        return self.text("nvidia/current_vgpu_type")

    @property
    def vf_addresses(self) -> dict[int, PciAddress]:
        """The address of each VF of a PF, by its number."""
        names = self.sysfs.names(self._folder)
        numbers = [int(name[6:]) for name in names if re.fullmatch("virtfn[0-9]+", name)]
        links = {number: self.sysfs.link(self._folder, f"virtfn{number}") for number in numbers}
        return {number: _address(name) for number, name in links.items() if name}

    @property
    def _has_vdpa_device(self) -> bool:
        folder = "sys/bus/vdpa/devices"
        targets = (self.sysfs.target(folder, name) or "" for name in self.sysfs.names(folder))
        return any(str(self.address) in target.split("/") for target in targets)

    def _number(self, name: str) -> int:
        text = self.text(name)
        try:
            return int(text)
        except ValueError:
            raise NotKnownError(f"{name} {text!r} is no number") from None

    def _id(self, name: str) -> str:
        text = self.text(name)
        match = _ID.fullmatch(text)
        if match is None:
            raise NotKnownError(f"{name} {text!r} is no PCI ID")
        return match[1]


def _address(name: str) -> PciAddress:
    """Return the address that a name in sysfs is.

    :raises NotKnownError: if it is none
    """
    try:
        return PciAddress.parse(name)
    except AddressError as exc:
        raise NotKnownError(str(exc)) from None
