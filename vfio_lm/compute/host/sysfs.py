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

"""Reads what the kernel's files tell of PCI functions, below any root; never writes, no ioctl."""

from __future__ import annotations

import functools
import itertools
import os
import re

from vfio_lm.compute.host.findings import NotKnownError
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import AddressError, PciAddress
from vfio_lm.pci.device import DeviceKind

_DEVICES = "sys/bus/pci/devices"
# Some files of /proc make the kernel allocate as much memory as is asked for, or refuse.
_CHUNK = 64 * 1024
_MOST_CHUNKS = 256
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


class Sysfs:
    """The files of a kernel.

    :param root: the folder that holds ``sys``, ``proc`` and ``lib/modules``: ``/`` for the running
        kernel, else a support bundle
    """

    def __init__(self, root: str | os.PathLike[str] = "/") -> None:
        self.root = os.fspath(root)
        self._real_root = os.path.realpath(self.root)

    @property
    def is_live(self) -> bool:
        """Whether these are the files of the running kernel."""
        return self._real_root == "/"

    def path(self, *parts: str) -> str:
        """Return the path of a file below the root.

        :raises NotKnownError: if links lead out of a bundle: that would be another machine's file
        """
        path = os.path.join(self.root, *parts)
        if not self.is_live:
            real = os.path.realpath(path)
            if os.path.commonpath([real, self._real_root]) != self._real_root:
                raise NotKnownError(f"{path} leads out of {self.root}")
        return path

    def text(self, *parts: str) -> str:
        """Return the text of a file, without blanks at its ends.

        :raises NotKnownError: if there is none, or it cannot be read
        """
        path = self.path(*parts)
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                chunks = iter(lambda: file.read(_CHUNK), "")
                return "".join(itertools.islice(chunks, _MOST_CHUNKS)).strip()
        except OSError as exc:
            raise NotKnownError(f"{path} cannot be read: {exc.strerror}") from None

    def names(self, *parts: str) -> list[str]:
        """Return the sorted names in a folder; none if there is no such folder.

        :raises NotKnownError: if there is one, but it cannot be read
        """
        path = self.path(*parts)
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise NotKnownError(f"{path} cannot be read: {exc.strerror}") from None

    def exists(self, *parts: str) -> bool:
        """Return whether there is such a file or folder; a link need not lead anywhere."""
        return os.path.lexists(os.path.join(self.root, *parts))

    def link(self, *parts: str) -> str | None:
        """Return the last part of where a link leads; None if there is no such link.

        :raises NotKnownError: if it is no link, as in a bundle that was made without links
        """
        path = os.path.join(self.root, *parts)
        try:
            return os.path.basename(os.readlink(path))
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise NotKnownError(f"{path} cannot be read as a link: {exc.strerror}") from None

    @functools.cached_property
    def release(self) -> str:
        """The kernel's release, as ``uname -r`` prints it.

        :raises NotKnownError: if the root does not tell
        """
        return self.text("proc/sys/kernel/osrelease")

    def is_built_with(self, option: str) -> bool:
        """Return whether the kernel has a ``CONFIG_…`` option, built in or as a module.

        :raises NotKnownError: if its configuration is in none of the places where distributions
            put it
        """
        places = (f"boot/config-{self.release}", f"lib/modules/{self.release}/config")
        place = next((each for each in places if self.exists(each)), None)
        if place is None:
            raise NotKnownError(f"/{places[0]} and /{places[1]} are absent")
        return bool({f"{option}=y", f"{option}=m"} & set(self.text(place).splitlines()))

    def addresses(self) -> list[PciAddress]:
        """Return where there are functions, in order; nova takes none beyond its limits.

        :raises VfioLmError: if the root holds no ``sys/bus/pci/devices``
        """
        if not self.exists(_DEVICES):
            raise VfioLmError(
                f"{os.path.join(self.root, _DEVICES)}: there is no such folder, so the host has "
                f"no PCI bus or {self.root} holds no copy of its /sys"
            )
        found = []
        for name in self.names(_DEVICES):
            try:
                found.append(PciAddress.parse(name))
            except AddressError:
                # For example Intel's VMD, whose domains have more than four digits.
                continue
        return sorted(found)

    def function(self, address: PciAddress) -> PciFunction:
        """Return the function at an address.

        :raises NoSuchDeviceError: if there is none
        """
        if not self.exists(_DEVICES, str(address)):
            raise NoSuchDeviceError(address, self.root)
        return PciFunction(self, address)


class PciFunction:
    """What sysfs tells of one PCI function; each value is read when it is asked for."""

    def __init__(self, sysfs: Sysfs, address: PciAddress) -> None:
        self.sysfs = sysfs
        self.address = address
        self._folder = os.path.join(_DEVICES, str(address))

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
        """
        if self.has("physfn"):
            return DeviceKind.VDPA if self._has_vdpa_device else DeviceKind.VF
        try:
            return DeviceKind.PF if int(self.text("sriov_totalvfs")) > 0 else DeviceKind.PCI
        except (NotKnownError, ValueError):
            return DeviceKind.PCI

    @property
    def parent_address(self) -> PciAddress | None:
        """The PF of a VF."""
        name = self.sysfs.link(self._folder, "physfn")
        return None if name is None else PciAddress.parse(name)

    @property
    def numa_node(self) -> int | None:
        """None where the firmware does not tell: the kernel has -1 for that."""
        try:
            number = int(self.text("numa_node"))
        except (NotKnownError, ValueError):
            return None
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
        others = (PciFunction.named(self.sysfs, name) for name in names)
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
        return {number: PciAddress.parse(name) for number, name in links.items() if name}

    @classmethod
    def named(cls, sysfs: Sysfs, name: str) -> PciFunction:
        """Return the function with a name as sysfs has it."""
        try:
            return cls(sysfs, PciAddress.parse(name))
        except AddressError as exc:
            raise NotKnownError(str(exc)) from None

    @property
    def _has_vdpa_device(self) -> bool:
        folder = "sys/bus/vdpa/devices"
        for name in self.sysfs.names(folder):
            target = os.readlink(self.sysfs.path(folder, name))
            if str(self.address) in target.split("/"):
                return True
        return False

    def _id(self, name: str) -> str:
        text = self.text(name)
        match = _ID.fullmatch(text)
        if match is None:
            raise NotKnownError(f"{self.address}: {name} {text!r} is no PCI ID")
        return match[1]
