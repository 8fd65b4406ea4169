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

"""What a VFIO driver can do with a device: from the driver itself, or from debugfs.

A device in use is never opened: libvirt's status files and ``/proc`` are read first, for it and for
the other devices of its IOMMU group. Only a device on a variant driver is opened at all, since
opening resets it and plain vfio-pci is known to migrate nothing.
"""

from __future__ import annotations

import dataclasses

from vfio_lm.compute.host import vfio_debugfs
from vfio_lm.compute.host.claims import Claims
from vfio_lm.compute.host.device_users import DeviceUsers
from vfio_lm.compute.host.pci_function import PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.host.variant_drivers import VfioDrivers
from vfio_lm.compute.host.vfio import DeviceAnswers, DeviceBusyError, VfioDevices
from vfio_lm.pci.device import DeviceKind
from vfio_lm.pci.host_facts import DeviceUser
from vfio_lm.pci.migratability import PLAIN_DRIVER, MigrationFlags

_DIRTY_TRACKING = "CONFIG_IOMMUFD_DRIVER"


@dataclasses.dataclass(frozen=True)
class Abilities:
    """What a driver can do with a device; state_size_bytes None: it does not say."""

    migration: MigrationFlags
    logs_dma: bool
    state_size_bytes: int | None = None


class DriverQuestions:
    """Asks what the drivers of a host can do with their devices.

    :param vfio: its VFIO devices; None: none may be opened, as with a support bundle
    """

    def __init__(
        self, sysfs: Sysfs, drivers: VfioDrivers, users: DeviceUsers, vfio: VfioDevices | None
    ) -> None:
        self._sysfs = sysfs
        self._drivers = drivers
        self._users = users
        self._vfio = vfio
        self._claims = Claims(sysfs.root)

    def abilities(
        self, function: PciFunction, user: DeviceUser | None, is_user_known: bool
    ) -> Abilities:
        """Find out what a driver can do, in the way that the device's use allows.

        :raises DeviceBusyError: if it is in use, and that showed only now
        :raises NotKnownError: if nothing shows
        """
        driver = function.driver
        if driver == PLAIN_DRIVER:
            # It has no migration operations: drivers/vfio/pci/vfio_pci.c.
            return Abilities(MigrationFlags(), logs_dma=False)
        if not self._drivers.is_vfio(function):
            bound = "no driver" if driver is None else f"{driver}, which is no VFIO driver"
            raise NotKnownError(f"it is bound to {bound}{self._advice(function)}")
        if self._vfio is not None and is_user_known and user is None:
            return self._checked(self._ask(self._vfio, function))
        return self._checked(self._debug_answers(function, user, is_user_known))

    def _advice(self, function: PciFunction) -> str:
        """Say how to find out what a VFIO driver could do; a PF has to keep its driver."""
        if function.kind is not DeviceKind.VF:
            return ""
        try:
            if module := self._drivers.offered(function):
                return f": bind it to {module} to see"
            if self._drivers.is_available(function):
                return ": bind it to its variant driver to see"
        except NotKnownError as exc:
            return f": bind it to its variant driver to see, if this kernel has one ({exc})"
        ids = f"{function.vendor_id}:{function.product_id}"
        return f", and this kernel ({self._sysfs.release}) has no variant driver for {ids}"

    def _ask(self, vfio: VfioDevices, function: PciFunction) -> DeviceAnswers:
        """Ask the driver of a free device.

        :raises DeviceBusyError: if it is in use, and that showed only now
        :raises NotKnownError: if it must not, or cannot, be opened
        """
        self._refuse_group_in_use(function)
        group = [function.address, *(member.address for member in function.group_members)]
        with self._claims.kept_off(group):
            if self._users.domains().keys() & set(group):
                # It has started since the users were looked for, and may not be quicker by much.
                raise DeviceBusyError(f"{function.address} has just been taken")
            return vfio.ask_device(function.address, function.iommu_group, function.vfio_node)

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
        """Make sure that the rest of a device's group, which is opened with it, is free."""
        if function.iommu_group is None:
            raise NotKnownError("it is in no IOMMU group, so VFIO cannot open it: is the IOMMU on?")
        for member in function.group_members:
            user = self._users.user_of(member)
            if user is not None:
                raise NotKnownError(
                    f"it shares IOMMU group {function.iommu_group} with {member.address}, which "
                    f"{user.name} uses, so it is not opened"
                )

    def _checked(self, answers: DeviceAnswers | vfio_debugfs.DebugAnswers) -> Abilities:
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
        return Abilities(answers.migration, answers.logs_dma and can_log, size)
