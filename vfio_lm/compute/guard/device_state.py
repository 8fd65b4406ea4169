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

"""The PCI devices of this host as the guard looks at them, in a few files; it judges nothing.

It must not call libvirt, which waits for the guard, and it has to be quick: only what is asked
for is read.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TypeVar

from vfio_lm.compute.domain.devices import LARGEST_BYTES, DomainXmlError, read_devices
from vfio_lm.compute.host.pci_function import NoSuchDeviceError, PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.host.variant_drivers import VfioDrivers
from vfio_lm.compute.layout.folders import AS_PACKAGED, IN_SNAP
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.input_file import InputFileError, open_regular
from vfio_lm.pci.migratability import MigrationFlags

_DEBUG = "sys/kernel/debug/vfio"
_STATUS = tuple(each.status.lstrip("/") for each in (AS_PACKAGED, IN_SNAP))
"""A libvirt has one of them from its start on."""
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class DeviceState:
    """A PCI device as the destination has it before the migration.

    Has what :class:`vfio_lm.pci.migratability.DriverState` asks for.
    """

    exists: bool
    driver: str | None = None
    has_variant_driver: bool = False
    is_variant_driver_available: bool | None = None
    """Whether the kernel has a variant driver for the device; None: it does not tell."""
    offered_driver: str | None = None
    """That driver, where the device is bound to another."""
    migration: MigrationFlags | None = None
    """No flag: the kernel says that the driver cannot migrate it; None: it says nothing."""
    lacks_vgpu: bool = False
    """Whether it is a VF for an NVIDIA vGPU, and has none."""
    user: str | None = None
    """Another domain that has the device."""
    logs_dma: bool | None = None
    """Only the source needs it."""
    is_devlink_migratable: bool | None = None
    """Only known to the driver of the PF, which is not asked."""


class GuardView:
    """The files of a host.

    :param root: the folder that they are under
    """

    def __init__(self, root: str = "/") -> None:
        self._sysfs = Sysfs(root)
        self._drivers = VfioDrivers(self._sysfs)

    def look(self, address: PciAddress, domain_uuid: str) -> DeviceState:
        """Return the state of a device.

        :param domain_uuid: of the domain that wants it
        :raises NotKnownError: if something is unknown that the guard decides by
        """
        try:
            function = PciFunction.at(self._sysfs, address)
        except NoSuchDeviceError:
            return DeviceState(exists=False)
        is_variant = self._drivers.is_variant(function)
        return DeviceState(
            exists=True,
            driver=function.driver,
            has_variant_driver=is_variant,
            is_variant_driver_available=is_variant
            or _if_told(self._drivers.is_available, function),
            offered_driver=None if is_variant else _if_told(self._drivers.offered, function),
            migration=MigrationFlags() if self._lacks_migration(address) else None,
            lacks_vgpu=function.vgpu_type == "0",
            user=self._user(address, domain_uuid),
        )

    def _lacks_migration(self, address: PciAddress) -> bool:
        # Linux 6.8 and later, drivers/vfio/debugfs.c vfio_device_debugfs_init: the inner folder
        # is only made for a device that can be migrated.
        folder = (_DEBUG, str(address))
        return self._sysfs.exists(*folder) and not self._sysfs.exists(*folder, "migration")

    def _user(self, address: PciAddress, domain_uuid: str) -> str | None:
        """Return the name of another domain that runs here and has the device."""
        _, bus, slot, function = address.fields
        # How libvirt and QEMU's arguments write it. The guest's side has such addresses, too, so
        # this only spares reading most files properly.
        words = (
            f"bus='0x{bus}' slot='0x{slot}' function='0x{function}'".encode(),
            f"{bus}:{slot}.{function}".encode(),
        )
        for path, content in self._status_files:
            if not any(each in content for each in words):
                continue
            try:
                devices = read_devices(content)
            except DomainXmlError as exc:
                raise NotKnownError(
                    f"cannot tell whether PCI device {address} is free: {path}: {exc.reason}"
                ) from None
            if address in devices.addresses and devices.uuid != domain_uuid:
                return devices.name
        return None

    @functools.cached_property
    def _status_files(self) -> list[tuple[str, bytes]]:
        """What libvirt keeps of each domain that runs, with the path."""
        folders = [each for each in _STATUS if self._sysfs.exists(each)]
        if not folders:
            where = self._sysfs.path(_STATUS[0])
            raise NotKnownError(f"cannot tell which devices are free: {where} does not exist")
        names = [(folder, name) for folder in folders for name in self._sysfs.names(folder)]
        found = []
        for folder, name in names:
            if not name.endswith(".xml"):
                continue
            path = self._sysfs.path(folder, name)
            try:
                with open_regular(path) as file:
                    found.append((path, file.read(LARGEST_BYTES + 1)))
            except FileNotFoundError:  # the domain has just ended
                continue
            except InputFileError as exc:
                raise NotKnownError(str(exc)) from None
            except OSError as exc:
                raise NotKnownError(f"{path} cannot be read: {exc.strerror}") from None
        return found


def _if_told(ask: Callable[[PciFunction], _T], function: PciFunction) -> _T | None:
    """Return what the kernel says about a device; None: nothing."""
    try:
        return ask(function)
    except NotKnownError:
        return None
