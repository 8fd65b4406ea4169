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

"""What keeps a device from being live migrated, by its driver and its firmware's settings.

The one place that says so: the preflight, the agent, the guard and the match ask here, and word
the answer for their readers. Whether a device is declared live migratable is not asked here.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vfio_lm.pci.device_spec import DeviceSpec

PLAIN_DRIVER = "vfio-pci"
"""The VFIO driver of the kernel that drives any device and cannot migrate one."""


@dataclasses.dataclass(frozen=True)
class MigrationFlags:
    """What a VFIO driver can do for live migration; no flag at all: it cannot migrate.

    Source: ``VFIO_MIGRATION_STOP_COPY``, ``_P2P`` and ``_PRE_COPY`` in ``linux/vfio.h``.
    """

    stop_copy: bool = False
    p2p: bool = False
    pre_copy: bool = False


class DriverState(Protocol):
    """What the rules look at; None means that it is not known."""

    @property
    def driver(self) -> str | None:
        """The kernel driver it is bound to; None: to none."""

    @property
    def has_variant_driver(self) -> bool | None:
        """Whether that is a VFIO variant driver."""

    @property
    def is_variant_driver_available(self) -> bool | None:
        """Whether the kernel of the host has a variant driver for the device."""

    @property
    def migration(self) -> MigrationFlags | None:
        """What the driver says that it can do."""

    @property
    def logs_dma(self) -> bool | None:
        """Whether the writes of the device to memory are tracked."""

    @property
    def is_devlink_migratable(self) -> bool | None:
        """The attribute ``migratable`` of its function in devlink."""

    @property
    def lacks_vgpu(self) -> bool:
        """Whether it is a VF for an NVIDIA vGPU without a type."""


class ObstacleKind(enum.Enum):
    """What is in the way; the values are stable identifiers."""

    PLAIN_DRIVER = "plain-driver"
    """Bound to :data:`PLAIN_DRIVER`, while the kernel may have a variant driver for it."""
    HOST_DRIVER = "host-driver"
    """Bound to a driver that does not give it to VFIO, and libvirt does not change that."""
    NO_DRIVER = "no-driver"
    """Bound to no driver, and libvirt does not change that."""
    NO_VARIANT_DRIVER = "no-variant-driver"
    """Bound to no variant driver, and the kernel has none for it."""
    NO_STOP_COPY = "no-stop-copy"
    """The driver cannot save and load the device's state."""
    NO_P2P = "no-p2p"
    """The driver cannot stop the device together with others."""
    NO_DMA_TRACKING = "no-dma-tracking"
    """The memory that the device writes is not tracked."""
    DEVLINK = "devlink"
    """Its function is not set migratable in devlink."""
    NO_VGPU = "no-vgpu"
    """It is a VF for an NVIDIA vGPU that has no type."""


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """One thing that keeps a device from being live migrated."""

    kind: ObstacleKind
    driver: str | None = None
    """The driver that the device is bound to."""

    def __str__(self) -> str:
        """Return the end of a sentence that begins with the device."""
        return _TEXTS[self.kind].format(driver=self.driver or "no driver")


_TEXTS = {
    ObstacleKind.PLAIN_DRIVER: "is bound to {driver}, which cannot migrate a device",
    ObstacleKind.HOST_DRIVER: "is bound to {driver}, and libvirt leaves it there (managed is no)",
    ObstacleKind.NO_DRIVER: "is bound to {driver}, and libvirt leaves it there (managed is no)",
    ObstacleKind.NO_VARIANT_DRIVER: (
        "is bound to {driver}, and this kernel has no variant driver for it"
    ),
    ObstacleKind.NO_STOP_COPY: "has driver {driver}, which cannot save its state (STOP_COPY)",
    ObstacleKind.NO_P2P: "has driver {driver}, which cannot stop several devices together (P2P)",
    ObstacleKind.NO_DMA_TRACKING: ("writes memory that neither the device nor the IOMMU tracks"),
    ObstacleKind.DEVLINK: "is not set migratable in devlink",
    ObstacleKind.NO_VGPU: "has no vGPU type",
}


def is_managed(spec: DeviceSpec | None) -> bool:
    """Whether libvirt binds the devices of a specification to a driver of its choice.

    Source: ``PciDevice.update_device`` and ``managed`` in ``nova/virt/libvirt/driver.py``: "yes"
    where the tag is missing (nova 31.0.0 to 34.0.0).
    """
    return spec is None or spec.tags.get("managed") != "false"


def obstacles(
    device: DriverState, *, is_managed: bool, count: int = 1, is_source: bool = False
) -> Iterator[Obstacle]:
    """Yield what keeps a device from being live migrated; nothing: nothing is known to.

    What is not known is no obstacle. A device without a VFIO driver gets the variant driver of
    the kernel from libvirt when a server gets the device (10.0.0 and later, which nova demands),
    unless the device is not managed. Libvirt leaves a device on the plain driver where it is.

    Source: ``vfio_migration_realize`` and ``vfio_multiple_devices_migration_is_supported`` in
    QEMU's ``hw/vfio/migration.c`` (8.2 to 10.1), ``linux/vfio.h`` for the flags, and
    ``virPCIDeviceBindToStub`` in libvirt's ``src/util/virpci.c``.

    :param is_managed: whether libvirt may bind it to another driver, see :func:`is_managed`
    :param count: how many devices the server has
    :param is_source: whether the server leaves this device; else it comes to it
    """
    binding = _binding(device, is_managed=is_managed)
    if binding is not None:
        yield Obstacle(binding, device.driver)
    elif device.migration is not None and not device.migration.stop_copy:
        yield Obstacle(ObstacleKind.NO_STOP_COPY, device.driver)
    elif device.migration is not None and count > 1 and not device.migration.p2p:
        yield Obstacle(ObstacleKind.NO_P2P, device.driver)
    if device.is_devlink_migratable is False:
        yield Obstacle(ObstacleKind.DEVLINK, device.driver)
    if device.lacks_vgpu:
        yield Obstacle(ObstacleKind.NO_VGPU, device.driver)
    if is_source and device.logs_dma is False:
        yield Obstacle(ObstacleKind.NO_DMA_TRACKING, device.driver)


def _binding(device: DriverState, *, is_managed: bool) -> ObstacleKind | None:
    """Return what is wrong with the driver that a device is bound to."""
    can_migrate = device.migration is not None and device.migration.stop_copy
    if device.has_variant_driver is not False or can_migrate:
        return None
    if device.is_variant_driver_available is False:
        return ObstacleKind.NO_VARIANT_DRIVER
    if device.driver == PLAIN_DRIVER:
        return ObstacleKind.PLAIN_DRIVER
    if is_managed:
        return None
    return ObstacleKind.NO_DRIVER if device.driver is None else ObstacleKind.HOST_DRIVER
