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

"""What debugfs shows of a device on a VFIO driver, also while a server uses it; needs root.

Source: ``Documentation/ABI/testing/debugfs-vfio`` and ``drivers/vfio/debugfs.c``: ``migration`` is
there from Linux 6.8 on if the driver can migrate the device, its ``features`` from 6.18 on.
"""

from __future__ import annotations

import dataclasses

from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.migratability import MigrationFlags

_FOLDER = "sys/kernel/debug/vfio"


@dataclasses.dataclass(frozen=True)
class DebugAnswers:
    """What debugfs says of one device."""

    migration: MigrationFlags
    logs_dma: bool


def read_answers(sysfs: Sysfs, address: PciAddress) -> DebugAnswers:
    """Return what a device's driver can do for live migration.

    :raises NotKnownError: if debugfs does not tell
    """
    _refuse_absent(sysfs, address)
    if not sysfs.exists(_FOLDER, str(address), "migration"):
        return DebugAnswers(MigrationFlags(), logs_dma=False)
    if not sysfs.exists(_FOLDER, str(address), "migration", "features"):
        raise NotKnownError(
            f"debugfs says that the driver can migrate it, and from Linux 6.18 on also how: "
            f"this is {sysfs.release}"
        )
    words = sysfs.text(_FOLDER, str(address), "migration", "features").split()
    flags = MigrationFlags("stop-copy" in words, "p2p" in words, "pre-copy" in words)
    return DebugAnswers(flags, logs_dma="dirty-tracking" in words)


def read_state(sysfs: Sysfs, address: PciAddress) -> str:
    """Return the migration state of a device that is in use: RUNNING, STOP, ERROR and others.

    :raises NotKnownError: if debugfs does not tell
    """
    _refuse_absent(sysfs, address)
    if not sysfs.exists(_FOLDER, str(address), "migration"):
        raise NotKnownError("the driver cannot migrate the device, so it has no such state")
    return sysfs.text(_FOLDER, str(address), "migration", "state")


def _refuse_absent(sysfs: Sysfs, address: PciAddress) -> None:
    # The folder of debugfs itself is closed to all but root.
    if sysfs.names("sys/kernel/debug") and sysfs.exists(_FOLDER, str(address)):
        return
    raise NotKnownError(
        f"debugfs shows nothing of it below /{_FOLDER} (Linux 6.8 and later do, if built with "
        f"CONFIG_VFIO_DEBUGFS)"
    )
