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

"""Migration flags that follow from the driver and its kernel, where no driver could be asked.

A device in use is not opened, and only from Linux 6.18 on debugfs shows the flags of its driver.
Some drivers announce the same flags for each of their devices, though. Drivers that are in no
released kernel, such as ice's, are not here: which flags they have no release says.
"""

from __future__ import annotations

import dataclasses
import re

from vfio_lm.pci.host_facts import DeviceFacts, HostFacts
from vfio_lm.pci.migratability import MigrationFlags

_MLX5 = "mlx5_vfio_pci"
_Version = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class _Constant:
    """What a driver announces for each device, in the kernels that were looked at."""

    first: _Version
    last: _Version
    flags: MigrationFlags
    is_for_all: bool = True
    """Whether it does so for devices of which nothing shows that they can be migrated."""


_CONSTANTS = {
    # drivers/vfio/pci/pds/vfio_dev.c pds_vfio_init_device
    "pds_vfio_pci": _Constant((6, 6), (6, 18), MigrationFlags(stop_copy=True, p2p=True)),
    # drivers/vfio/pci/qat/main.c qat_vf_pci_init_dev
    "qat_vfio_pci": _Constant(
        (6, 10), (6, 18), MigrationFlags(stop_copy=True, p2p=True, pre_copy=True)
    ),
    # drivers/vfio/pci/xe/main.c xe_vfio_pci_migration_init; none where the PF does not support it
    "xe_vfio_pci": _Constant(
        (6, 19), (6, 19), MigrationFlags(stop_copy=True, p2p=True), is_for_all=False
    ),
}


def with_constant_flags(device: DeviceFacts, kernel: str | None) -> DeviceFacts:
    """Return a device with the flags that its driver always has, if its own are not known.

    :param kernel: the release of the kernel that the driver is from
    """
    constant = _CONSTANTS.get((device.driver or "").replace("-", "_"))
    version = re.match(r"(\d+)\.(\d+)", kernel or "")
    if constant is None or version is None or not _lacks_flags(device):
        return device
    if not constant.first <= (int(version[1]), int(version[2])) <= constant.last:
        return device
    is_known = constant.is_for_all or _can_migrate(device)
    return _with(device, constant.flags) if is_known else device


def with_flags_of_alike(device: DeviceFacts, kernel: str | None, other: HostFacts) -> DeviceFacts:
    """Return a device of a ConnectX card with the flags of those of another host, if all is alike.

    With one driver of one kernel they follow from the firmware of the card.

    Source: ``mlx5vf_cmd_set_migratable`` in ``drivers/vfio/pci/mlx5/cmd.c``.

    :param kernel: the release of its host's kernel
    """
    if device.driver != _MLX5 or not (_lacks_flags(device) and _can_migrate(device)):
        return device
    if None in (kernel, device.firmware) or kernel != other.kernel:
        return device
    flags = {each.migration for each in other.devices if _is_alike(device, each)} - {None}
    (only,) = flags if len(flags) == 1 else (None,)
    return device if only is None else _with(device, only)


def _is_alike(one: DeviceFacts, other: DeviceFacts) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("vendor_id", "product_id", "kind", "driver", "firmware")
    )


def _lacks_flags(device: DeviceFacts) -> bool:
    return device.migration is None and device.has_variant_driver is True


def _can_migrate(device: DeviceFacts) -> bool:
    """Whether the kernel shows that a device can be migrated: then it has a state for that."""
    return device.migration_state is not None


def _with(device: DeviceFacts, flags: MigrationFlags) -> DeviceFacts:
    unknown = {name: why for name, why in device.unknown.items() if name != "migration"}
    return dataclasses.replace(device, migration=flags, unknown=unknown)
