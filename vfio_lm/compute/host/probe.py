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

"""Puts together what a host's files and drivers tell; what a device's facts mean is not here."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence

from vfio_lm.compute.host import hypervisor, settings
from vfio_lm.compute.host.device_probe import DeviceProbe
from vfio_lm.compute.host.numa_nodes import host_numa_nodes
from vfio_lm.compute.host.pci_function import PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError, Unknowns
from vfio_lm.compute.host.vfio import VfioDevices
from vfio_lm.compute.layout.places import HostPlaces
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.device import DeviceKind
from vfio_lm.pci.driver_flags import with_constant_flags
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts
from vfio_lm.pci.nova_conf import NovaConf
from vfio_lm.text import counted

_ONLY_NAMED = "only the devices that were named were looked at"


@dataclasses.dataclass
class _Look:
    """What a look at functions brought."""

    devices: list[DeviceFacts] = dataclasses.field(default_factory=list)
    unreadable: dict[str, str] = dataclasses.field(default_factory=dict)
    """The reasons, by address."""


class HostProbe:
    """One look at a host.

    :param sysfs: its files
    :param conf: what its own nova.conf says; None: it has none that can be read
    :param vfio: its VFIO devices; None: none may be opened, as with a support bundle
    :param show_ports: prints devlink's ports as JSON; see :mod:`vfio_lm.compute.host.devlink`
    :param places: where libvirt's files are; where the table has them, if not given
    :param show_versions: prints libvirt's versions; see :mod:`vfio_lm.compute.host.hypervisor`
    :param show_capabilities: prints those of libvirt; see :mod:`vfio_lm.compute.host.numa_nodes`
    """

    def __init__(
        self,
        sysfs: Sysfs,
        *,
        conf: NovaConf | None = None,
        vfio: VfioDevices | None = None,
        show_ports: Callable[[], str] | None = None,
        places: HostPlaces | None = None,
        show_versions: Callable[[], str] | None = None,
        show_capabilities: Callable[[], str] | None = None,
    ) -> None:
        self._sysfs = sysfs
        self._conf = conf
        self._show_versions = show_versions
        self._show_capabilities = show_capabilities
        self._devices = DeviceProbe(sysfs, vfio, show_ports, places)

    def host(
        self,
        host: str | None,
        taken_at: datetime.datetime,
        addresses: Sequence[PciAddress] = (),
    ) -> HostFacts:
        """Return the facts of the host and of devices.

        :param host: the name by which nova knows it; None: from nova.conf, or its own
        :param addresses: of the devices; none: every PF, every VF, and each function on a VFIO
            driver
        :raises VfioLmError: if an address has no device, or the host has no name
        """
        unknowns = Unknowns()
        take = unknowns.take
        look = take("devices", lambda: self._look(addresses)) or _Look()
        if addresses:
            unknowns.unknown["devices"] = _ONLY_NAMED
        elif look.unreadable and not look.devices:
            unknowns.unknown["devices"] = self._none_readable(look.unreadable)
        kernel = take("kernel", lambda: self._sysfs.release)
        versions = take(
            "libvirt_version",
            lambda: hypervisor.hypervisor_versions(self._sysfs, self._show_versions),
        )
        if versions is None:
            unknowns.unknown["qemu_version"] = unknowns.unknown["libvirt_version"]
        return HostFacts(
            host=host or settings.host_name(self._sysfs, self._conf),
            taken_at=taken_at,
            kernel=kernel,
            is_iommu_on=take("is_iommu_on", lambda: self._sysfs.is_iommu_on),
            libvirt_version=versions.libvirt if versions else None,
            qemu_version=versions.qemu if versions else None,
            permits_post_copy=take(
                "permits_post_copy", lambda: settings.permits_post_copy(self._conf)
            ),
            downtime_ms=take("downtime_ms", lambda: settings.downtime_ms(self._conf)),
            timeout_action=take("timeout_action", lambda: settings.timeout_action(self._conf)),
            parallel_connections=take(
                "parallel_connections", lambda: settings.parallel_connections(self._conf)
            ),
            devices=tuple(with_constant_flags(each, kernel) for each in look.devices),
            numa_nodes=take(
                "numa_nodes", lambda: host_numa_nodes(self._sysfs, self._show_capabilities)
            ),
            unknown=unknowns.unknown,
            unreadable=look.unreadable,
            ignored_addresses=tuple(
                take("ignored_addresses", self._sysfs.addresses_beyond_nova) or ()
            ),
        )

    def _look(self, addresses: Sequence[PciAddress]) -> _Look:
        """Look at each function by itself: one that cannot be read does not hide the others.

        :raises NotKnownError: if it is unknown which functions there are
        """
        functions = (
            [PciFunction.at(self._sysfs, address) for address in sorted(set(addresses))]
            if addresses
            else [PciFunction(self._sysfs, each) for each in self._sysfs.addresses()]
        )
        look = _Look()
        for function in functions:
            try:
                function.refuse_unreadable()
                if addresses or self._is_relevant(function):
                    look.devices.append(self._devices.facts(function))
            except NotKnownError as exc:
                look.unreadable[str(function.address)] = str(exc)
        return look

    def _is_relevant(self, function: PciFunction) -> bool:
        return function.kind is not DeviceKind.PCI or self._devices.is_on_vfio(function)

    def _none_readable(self, unreadable: Mapping[str, str]) -> str:
        (address, why), *_ = unreadable.items()
        count = counted(len(unreadable), "PCI function")
        return f"{self._sysfs.root}: none of {count} can be read; {address}: {why}"
