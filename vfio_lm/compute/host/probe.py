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

"""Puts together what a host's files and VFIO drivers tell; what a device's facts mean is not here.

A device in use is never opened: libvirt's status files and ``/proc`` are read first, for it and for
the other devices of its IOMMU group. Only a device on a variant driver is opened at all, since
opening resets it and plain vfio-pci is known to migrate nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable, Sequence

from vfio_lm.compute.host import devlink, vfio_debugfs
from vfio_lm.compute.host import state as host_state
from vfio_lm.compute.host.device_users import DeviceUsers
from vfio_lm.compute.host.findings import Findings, NotKnownError
from vfio_lm.compute.host.sysfs import PciFunction, Sysfs
from vfio_lm.compute.host.variant_drivers import VfioDrivers
from vfio_lm.compute.host.vfio import DeviceAnswers, DeviceBusyError, VfioDevices
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.device import DeviceKind
from vfio_lm.pci.host_facts import DeviceFacts, DeviceUser, HostFacts
from vfio_lm.pci.migratability import PLAIN_DRIVER, MigrationFlags
from vfio_lm.pci.nova_conf import NovaConf

_MLX5 = "mlx5_core"
_NVIDIA = "10de"
_DIRTY_TRACKING = "CONFIG_IOMMUFD_DRIVER"
_UNSEEN_USER = DeviceUser("a process that cannot be seen from here")


@dataclasses.dataclass(frozen=True, slots=True)
class _Abilities:
    """What a driver can do with a device; state_size_bytes None: it does not say."""

    migration: MigrationFlags
    logs_dma: bool
    state_size_bytes: int | None = None


class HostProbe:
    """One look at a host.

    :param sysfs: its files
    :param conf: what its own nova.conf says; None: it has none that can be read
    :param vfio: its VFIO devices; None: none may be opened, as with a support bundle
    :param show_ports: prints devlink's ports as JSON; see :mod:`vfio_lm.compute.host.devlink`
    :param run_virsh: prints libvirt's versions; see :mod:`vfio_lm.compute.host.state`
    """

    def __init__(
        self,
        sysfs: Sysfs,
        *,
        conf: NovaConf | None = None,
        vfio: VfioDevices | None = None,
        show_ports: Callable[[], str] | None = None,
        run_virsh: Callable[[], str] | None = None,
    ) -> None:
        self._sysfs = sysfs
        self._conf = conf
        self._vfio = vfio
        self._show_ports = show_ports
        self._run_virsh = run_virsh
        self._drivers = VfioDrivers(sysfs)
        self._users = DeviceUsers(sysfs, self._drivers)

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
        :raises VfioLmError: if an address has no device, or the files are no host's
        """
        devices = (
            [self._sysfs.function(address) for address in sorted(set(addresses))]
            if addresses
            else self._relevant()
        )
        findings = Findings()
        take = findings.take
        versions = take("libvirt_version", self._versions)
        if versions is None:
            findings.unknown["qemu_version"] = findings.unknown["libvirt_version"]
        return HostFacts(
            host=host or host_state.host_name(self._sysfs, self._conf),
            taken_at=taken_at,
            kernel=take("kernel", lambda: self._sysfs.release),
            is_iommu_on=take("is_iommu_on", lambda: host_state.is_iommu_on(self._sysfs)),
            libvirt_version=versions.libvirt if versions else None,
            qemu_version=versions.qemu if versions else None,
            permits_post_copy=take(
                "permits_post_copy", lambda: host_state.permits_post_copy(self._conf)
            ),
            downtime_ms=take("downtime_ms", lambda: host_state.downtime_ms(self._conf)),
            devices=tuple(self.device(function) for function in devices),
            unknown=findings.unknown,
        )

    def device(self, function: PciFunction) -> DeviceFacts:
        """Return the facts of one device.

        :raises VfioLmError: if it has no readable IDs
        """
        findings = Findings()
        take = findings.take
        # Busy may turn out only when the device is opened, so abilities are asked for before.
        user = take("user", lambda: self._users.user_of(function))
        is_user_known = "user" not in findings.unknown
        try:
            abilities = take("migration", lambda: self._abilities(function, user, is_user_known))
        except DeviceBusyError:
            user = self._users.domains().get(function.address, _UNSEEN_USER)
            abilities = take("migration", lambda: self._abilities(function, user, is_user_known))
        self._note_abilities(findings, abilities)
        return DeviceFacts(
            address=function.address,
            vendor_id=function.vendor_id,
            product_id=function.product_id,
            kind=function.kind,
            parent_address=function.parent_address,
            numa_node=function.numa_node,
            iommu_group=take("iommu_group", lambda: function.iommu_group),
            shares_iommu_group=take("shares_iommu_group", lambda: bool(function.group_members)),
            interfaces=function.interfaces,
            driver=take("driver", lambda: function.driver),
            has_variant_driver=take(
                "has_variant_driver", lambda: self._drivers.is_variant(function)
            ),
            is_variant_driver_available=take(
                "is_variant_driver_available", lambda: self._is_variant_driver_available(function)
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
            unknown=findings.unknown,
        )

    def _relevant(self) -> list[PciFunction]:
        functions = map(self._sysfs.function, self._sysfs.addresses())
        return [
            each for each in functions if each.kind is not DeviceKind.PCI or self._is_vfio(each)
        ]

    def _is_vfio(self, function: PciFunction) -> bool:
        try:
            return self._drivers.is_vfio(function)
        except NotKnownError:
            return False

    def _abilities(
        self, function: PciFunction, user: DeviceUser | None, is_user_known: bool
    ) -> _Abilities:
        """Find out what a driver can do, in the way that the device's use allows.

        :raises DeviceBusyError: if it is in use, and that showed only now
        :raises NotKnownError: if nothing tells
        """
        driver = function.driver
        if driver == PLAIN_DRIVER:
            # It has no migration operations: drivers/vfio/pci/vfio_pci.c.
            return _Abilities(MigrationFlags(), logs_dma=False)
        if not self._drivers.is_vfio(function):
            bound = "no driver" if driver is None else f"{driver}, which is no VFIO driver"
            # A PF has to keep its driver: the VFs are that driver's.
            advice = ": bind it to its VFIO driver to see" if function.kind is DeviceKind.VF else ""
            raise NotKnownError(f"it is bound to {bound}{advice}")
        if self._vfio is not None and is_user_known and user is None:
            self._refuse_group_in_use(function)
            if function.address in self._users.domains():
                # It has started since the users were looked for, and may not be quicker by much.
                raise DeviceBusyError(f"{function.address} has just been taken")
            answers = self._vfio.ask_device(
                function.address, function.iommu_group, function.vfio_node
            )
            return self._checked(answers)
        return self._checked(self._debug_answers(function, user, is_user_known))

    def _debug_answers(
        self, function: PciFunction, user: DeviceUser | None, is_user_known: bool
    ) -> vfio_debugfs.DebugAnswers:
        try:
            return vfio_debugfs.read_answers(self._sysfs, function.address)
        except NotKnownError as exc:
            if user is not None:
                why = "it is in use, so it is not opened"
            elif not is_user_known:
                why = "it may be in use, so it is not opened"
            else:
                why = "a device of a support bundle cannot be opened"
            raise NotKnownError(f"{why}, and {exc}") from None

    def _refuse_group_in_use(self, function: PciFunction) -> None:
        """Make sure that nobody uses the rest of a device's group, which is opened with it."""
        if function.iommu_group is None:
            raise NotKnownError("it is in no IOMMU group, so VFIO cannot open it: is the IOMMU on?")
        for member in function.group_members:
            user = self._users.user_of(member)
            if user is not None:
                raise NotKnownError(
                    f"it shares IOMMU group {function.iommu_group} with {member.address}, which "
                    f"{user.name} uses, so it is not opened"
                )

    def _checked(self, answers: DeviceAnswers | vfio_debugfs.DebugAnswers) -> _Abilities:
        """Correct what a driver says by what its kernel was built with.

        A driver may offer DMA logging that the kernel cannot do: without iommufd's drivers' part,
        which holds the bitmaps, logging fails when it starts. Drivers of the kernel itself select
        that part, so an unreadable configuration is no reason to doubt them.
        """
        size = answers.state_size_bytes if isinstance(answers, DeviceAnswers) else None
        try:
            can_log = self._sysfs.is_built_with(_DIRTY_TRACKING)
        except NotKnownError:
            can_log = True
        return _Abilities(answers.migration, answers.logs_dma and can_log, size)

    def _note_abilities(self, findings: Findings, abilities: _Abilities | None) -> None:
        unknown = findings.unknown
        if abilities is None:
            unknown["logs_dma"] = unknown["state_size_bytes"] = unknown["migration"]
        elif abilities.migration == MigrationFlags():
            unknown["state_size_bytes"] = "the driver cannot migrate the device"
        elif abilities.state_size_bytes is None:
            unknown["state_size_bytes"] = (
                "only the driver of a free device says it, and not every driver does"
            )

    def _state(self, function: PciFunction, user: DeviceUser | None) -> str | None:
        if user is None or not self._is_vfio(function) or function.driver == PLAIN_DRIVER:
            return None
        return vfio_debugfs.read_state(self._sysfs, function.address)

    def _is_variant_driver_available(self, function: PciFunction) -> bool | None:
        """Return whether the kernel has a variant driver for a function.

        NVIDIA's driver for vGPUs does not announce itself, so that nothing is known of its devices.
        """
        if self._drivers.is_variant(function) or self._drivers.offered(function) is not None:
            return True
        if function.vendor_id == _NVIDIA:
            raise NotKnownError("NVIDIA's driver for vGPUs does not announce its devices")
        return False

    def _firmware(self, function: PciFunction) -> str:
        for address in (function.address, function.parent_address):
            if address in self._firmwares:
                return self._firmwares[address]
        raise NotKnownError("sysfs tells it only for devices that offer RDMA, or whose PF does")

    @functools.cached_property
    def _firmwares(self) -> dict[PciAddress | None, str]:
        folder = "sys/class/infiniband"
        return {
            PciAddress.parse(address): self._sysfs.text(folder, name, "fw_ver")
            for name in self._sysfs.names(folder)
            if (address := self._sysfs.link(folder, name, "device"))
            and self._sysfs.exists(folder, name, "fw_ver")
        }

    def _is_devlink_migratable(self, function: PciFunction) -> bool | None:
        pf = function.parent_address
        if pf is None or self._sysfs.function(pf).driver != _MLX5:
            # Of the kernel's drivers, only this one has the attribute.
            return None
        value = self._migratable_vfs.get(function.address)
        if value is None:
            raise NotKnownError(f"devlink shows no port of it: is its PF {pf} in switchdev mode?")
        return value

    @functools.cached_property
    def _migratable_vfs(self) -> dict[PciAddress, bool]:
        return devlink.migratable_vfs(self._sysfs, self._show_ports)

    def _versions(self) -> host_state.HypervisorVersions:
        return host_state.hypervisor_versions(self._sysfs, self._run_virsh)
