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

"""What is known of one PCI device of a host, each value by itself; what it means is not here."""

from __future__ import annotations

import functools
from collections.abc import Callable

from vfio_lm.compute.host import devlink, vfio_debugfs
from vfio_lm.compute.host.abilities import Abilities, DriverQuestions
from vfio_lm.compute.host.device_users import DeviceUsers
from vfio_lm.compute.host.pci_function import PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError, Unknowns
from vfio_lm.compute.host.variant_drivers import VfioDrivers
from vfio_lm.compute.host.vfio import DeviceBusyError, VfioDevices
from vfio_lm.compute.layout.places import HostPlaces
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.host_facts import DeviceFacts, DeviceUser
from vfio_lm.pci.migratability import PLAIN_DRIVER, MigrationFlags

_MLX5 = "mlx5_core"
_RDMA_DEVICES = "sys/class/infiniband"
_UNSEEN_USER = DeviceUser("a process that cannot be seen from here")


class DeviceProbe:
    """Looks at the devices of a host.

    :param vfio: see :class:`vfio_lm.compute.host.abilities.DriverQuestions`
    :param show_ports: prints devlink's ports as JSON; see :mod:`vfio_lm.compute.host.devlink`
    :param places: where libvirt's files are; where the table has them, if not given
    """

    def __init__(
        self,
        sysfs: Sysfs,
        vfio: VfioDevices | None = None,
        show_ports: Callable[[], str] | None = None,
        places: HostPlaces | None = None,
    ) -> None:
        self._sysfs = sysfs
        self._show_ports = show_ports
        self._drivers = VfioDrivers(sysfs)
        self._users = DeviceUsers(
            sysfs, self._drivers, places or HostPlaces(sysfs.root, is_live=sysfs.is_live)
        )
        self._questions = DriverQuestions(sysfs, self._drivers, self._users, vfio)

    def facts(self, function: PciFunction) -> DeviceFacts:
        """Return the facts of one device.

        :raises NotKnownError: if it has no readable IDs, or it is unknown of which kind it is
        """
        ids, kind = (function.vendor_id, function.product_id), function.kind
        unknowns = Unknowns()
        take = unknowns.take
        # Busy may turn out only when the device is opened, so abilities are asked for before.
        user = take("user", lambda: self._users.user_of(function))
        is_user_known = "user" not in unknowns.unknown
        try:
            abilities = take(
                "migration", lambda: self._questions.abilities(function, user, is_user_known)
            )
        except DeviceBusyError:
            user = self._users.domains().get(function.address, _UNSEEN_USER)
            abilities = take(
                "migration", lambda: self._questions.abilities(function, user, is_user_known)
            )
        self._note_abilities(unknowns, abilities)
        return DeviceFacts(
            address=function.address,
            vendor_id=ids[0],
            product_id=ids[1],
            kind=kind,
            parent_address=take("parent_address", lambda: function.parent_address),
            numa_node=take("numa_node", lambda: function.numa_node),
            iommu_group=take("iommu_group", lambda: function.iommu_group),
            shares_iommu_group=take("shares_iommu_group", lambda: bool(function.group_members)),
            interfaces=take("interfaces", lambda: function.interfaces) or (),
            driver=take("driver", lambda: function.driver),
            has_variant_driver=take(
                "has_variant_driver", lambda: self._drivers.is_variant(function)
            ),
            is_variant_driver_available=take(
                "is_variant_driver_available", lambda: self._drivers.is_available(function)
            ),
            firmware=take("firmware", lambda: self._firmware(function)),
            vgpu_type=take("vgpu_type", lambda: function.vgpu_type),
            is_devlink_migratable=take(
                "is_devlink_migratable", lambda: self._is_devlink_migratable(function)
            ),
            user=user,
            migration=abilities.migration if abilities else None,
            migration_state=take("migration_state", lambda: self._state(function, user)),
            logs_dma=abilities.logs_dma if abilities else None,
            state_size_bytes=abilities.state_size_bytes if abilities else None,
            unknown=unknowns.unknown,
        )

    def is_on_vfio(self, function: PciFunction) -> bool:
        """Whether a function is known to be bound to a VFIO driver."""
        try:
            return self._drivers.is_vfio(function)
        except NotKnownError:
            return False

    def _note_abilities(self, unknowns: Unknowns, abilities: Abilities | None) -> None:
        unknown = unknowns.unknown
        if abilities is None:
            unknown["logs_dma"] = unknown["state_size_bytes"] = unknown["migration"]
        elif abilities.migration == MigrationFlags():
            unknown["state_size_bytes"] = "the driver cannot migrate the device"
        elif abilities.state_size_bytes is None:
            unknown["state_size_bytes"] = (
                "only the driver of a free device says it, and not every driver does"
            )

    def _state(self, function: PciFunction, user: DeviceUser | None) -> str | None:
        if user is None or not self.is_on_vfio(function) or function.driver == PLAIN_DRIVER:
            return None
        return vfio_debugfs.read_state(self._sysfs, function.address)

    def _firmware(self, function: PciFunction) -> str:
        for address in (function.address, function.parent_address):
            if name := self._rdma_devices.get(str(address)):
                return self._sysfs.text(_RDMA_DEVICES, name, "fw_ver")
        raise NotKnownError("sysfs shows it only for devices that offer RDMA, or whose PF does")

    @functools.cached_property
    def _rdma_devices(self) -> dict[str | None, str]:
        """The RDMA device of each device, by the name of the latter, which need not be on PCI."""
        return {
            self._sysfs.link(_RDMA_DEVICES, name, "device"): name
            for name in self._sysfs.names(_RDMA_DEVICES)
            if self._sysfs.exists(_RDMA_DEVICES, name, "fw_ver")
        }

    def _is_devlink_migratable(self, function: PciFunction) -> bool | None:
        pf = function.parent_address
        if pf is None:
            return None
        parent = PciFunction(self._sysfs, pf)
        parent.refuse_unreadable()
        if parent.driver != _MLX5:
            # Of the kernel's drivers, only this one has the attribute.
            return None
        if function.address not in self._migratable_vfs:
            raise NotKnownError(f"devlink shows no port of it: is its PF {pf} in switchdev mode?")
        value = self._migratable_vfs[function.address]
        if value is None:
            raise NotKnownError("devlink shows several ports of it, which disagree")
        return value

    @functools.cached_property
    def _migratable_vfs(self) -> dict[PciAddress, bool | None]:
        return devlink.migratable_vfs(self._sysfs, self._show_ports)
