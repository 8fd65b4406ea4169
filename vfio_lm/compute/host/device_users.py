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

"""Who has a PCI device: libvirt's domains and other processes, as their files tell; none is asked.

Libvirt writes the devices of each running domain into a status file, and those of each defined one
into its definition, and both can be read without calling libvirt. A server that is shut off is a
domain that is only defined; nova keeps its devices for it. Any other user of a VFIO device has its
node open, which shows in ``/proc``.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

from vfio_lm.compute.domain.devices import DomainDevices, DomainXmlError, read_devices
from vfio_lm.compute.host.pci_function import PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.host.variant_drivers import VfioDrivers
from vfio_lm.compute.layout.places import HostPlaces
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.host_facts import DeviceUser

_NODES = "/dev/vfio/"


class DeviceUsers:
    """The users of devices at the time when each kind of them was first looked for.

    :param places: where libvirt's files are
    """

    def __init__(self, sysfs: Sysfs, drivers: VfioDrivers, places: HostPlaces) -> None:
        self._sysfs = sysfs
        self._drivers = drivers
        self._places = places

    def user_of(self, function: PciFunction) -> DeviceUser | None:
        """Return who has a device; None: it is free.

        A device on a driver of the host counts as free: nova takes it from that driver.

        :raises NotKnownError: if it is unknown
        """
        if user := self._domains.get(function.address):
            return user
        for name in function.interfaces:
            if name in self._lower_interfaces:
                return self._lower_interfaces[name]
        if not self._drivers.is_vfio(function):
            return None
        group = function.iommu_group
        names = {str(group), f"noiommu-{group}", f"devices/{function.vfio_node}"}
        return next((self._openers[name] for name in sorted(names & set(self._openers))), None)

    @functools.cached_property
    def _domains(self) -> dict[PciAddress, DeviceUser]:
        return self.domains()

    def domains(self) -> dict[PciAddress, DeviceUser]:
        """Return the domain that has each device, as libvirt's files tell it now.

        :raises NotKnownError: if they cannot be read
        """
        return {
            address: user for devices, user in self._in_files() for address in devices.addresses
        }

    @functools.cached_property
    def _lower_interfaces(self) -> dict[str, DeviceUser]:
        """The domain that sits on each network interface of the host."""
        return {
            name: user for devices, user in self._in_files() for name in devices.lower_interfaces
        }

    def _in_files(self) -> Iterator[tuple[DomainDevices, DeviceUser]]:
        """Yield the devices of each domain, and the domain."""
        # What runs has the last word: its devices need not be those of its definition.
        for folder in (*self._places.definitions(), *self._places.status()):
            yield from self._domains_in(folder)

    def _domains_in(self, folder: str) -> Iterator[tuple[DomainDevices, DeviceUser]]:
        for name in self._sysfs.names(folder):
            if name.endswith(".xml"):
                try:
                    devices = read_devices(self._sysfs.text(folder, name).encode())
                except DomainXmlError as exc:
                    path = os.path.join(self._sysfs.root, folder, name)
                    raise NotKnownError(f"{path}: {exc.reason}") from None
                yield devices, DeviceUser(devices.name, devices.uuid or None)

    @functools.cached_property
    def _openers(self) -> dict[str, DeviceUser]:
        """Who has a node of VFIO open, by the node's path below ``/dev/vfio``."""
        processes = [name for name in self._sysfs.names("proc") if name.isdecimal()]
        if not processes:
            raise NotKnownError(
                f"{self._sysfs.root} does not tell which processes have a device open"
            )
        if self._sysfs.is_live and os.geteuid() != 0:
            raise NotKnownError("only root sees who has a device open: run the probe as root")
        found = {}
        for process in processes:
            for target in self._open_files(process):
                if target.startswith(_NODES):
                    found[target.removeprefix(_NODES)] = self._process(process)
        return found

    def _open_files(self, process: str) -> list[str]:
        folder = os.path.join(self._sysfs.root, "proc", process, "fd")
        try:
            with os.scandir(folder) as entries:
                return [target for entry in entries if (target := _target(entry.path))]
        except (FileNotFoundError, ProcessLookupError):
            # It has just ended, or is a bundle's process without files.
            return []
        except OSError as exc:
            raise NotKnownError(f"{folder} cannot be read: {exc.strerror}") from None

    def _process(self, number: str) -> DeviceUser:
        try:
            return DeviceUser(f"{self._sysfs.text('proc', number, 'comm')} (process {number})")
        except NotKnownError:
            return DeviceUser(f"process {number}")


def _target(path: str) -> str | None:
    """Return what a file descriptor is open on; None: it has just been closed."""
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return None
