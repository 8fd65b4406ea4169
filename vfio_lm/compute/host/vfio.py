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

"""Asks a free device's VFIO driver what it can do for live migration; whether it is free is known.

Opening a VFIO device resets it if it can be reset, so it may not be in use, nor any other device
of its IOMMU group: whoever calls :func:`ask_device` has made sure. Should somebody be quicker, the
kernel answers EBUSY, and nothing has happened. A device is never bound, unbound or reset here.

Numbers are those of ``linux/vfio.h``; a test holds them against the header.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import errno
import os
import struct
from collections.abc import Callable, Iterator

from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.migratability import MigrationFlags

VFIO_BASE = ord(";") << 8 | 100
VFIO_GET_API_VERSION = VFIO_BASE + 0
VFIO_SET_IOMMU = VFIO_BASE + 2
VFIO_GROUP_GET_STATUS = VFIO_BASE + 3
VFIO_GROUP_SET_CONTAINER = VFIO_BASE + 4
VFIO_GROUP_GET_DEVICE_FD = VFIO_BASE + 6
VFIO_DEVICE_FEATURE = VFIO_BASE + 17
VFIO_DEVICE_BIND_IOMMUFD = VFIO_BASE + 18

VFIO_API_VERSION = 0
VFIO_TYPE1v2_IOMMU = 3
VFIO_GROUP_FLAGS_VIABLE = 1 << 0

VFIO_DEVICE_FEATURE_GET = 1 << 16
VFIO_DEVICE_FEATURE_SET = 1 << 17
VFIO_DEVICE_FEATURE_PROBE = 1 << 18
VFIO_DEVICE_FEATURE_MIGRATION = 1
VFIO_DEVICE_FEATURE_DMA_LOGGING_START = 6
VFIO_DEVICE_FEATURE_MIG_DATA_SIZE = 9

VFIO_MIGRATION_STOP_COPY = 1 << 0
VFIO_MIGRATION_P2P = 1 << 1
VFIO_MIGRATION_PRE_COPY = 1 << 2

_GROUP_STATUS = struct.Struct("=II")
_FEATURE = struct.Struct("=II")
_FEATURE_NUMBER = struct.Struct("=Q")
_BIND_IOMMUFD = struct.Struct("=IIiI")

Ioctl = Callable[[int, int, "int | bytearray"], int]
"""Called with a file descriptor, a request and its argument, which may be changed; returns the
kernel's number.

:raises OSError: if the kernel refuses
"""


class DeviceBusyError(VfioLmError):
    """Somebody has the device, or its IOMMU group, open."""


@dataclasses.dataclass(frozen=True)
class DeviceAnswers:
    """What a VFIO driver says of one device."""

    migration: MigrationFlags
    logs_dma: bool
    state_size_bytes: int | None
    """None: the driver has no estimate."""


def kernel_ioctl(descriptor: int, request: int, argument: int | bytearray) -> int:
    """Call the kernel; ``fcntl.ioctl`` would not do, as it hides the number that it returns."""
    # A fixed buffer may be changed in place.
    passed: object = ctypes.c_long(argument) if isinstance(argument, int) else (
        (ctypes.c_char * len(argument)).from_buffer(argument)
    )  # fmt: skip
    result: int = _LIBC.ioctl(descriptor, ctypes.c_ulong(request), passed)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass(frozen=True)
class VfioDevices:
    """The device nodes of VFIO.

    :param folder: ``/dev``
    :param open_node: opens a node for reading and writing, and returns its file descriptor
    """

    folder: str = "/dev"
    ioctl: Ioctl = kernel_ioctl
    open_node: Callable[[str], int] = lambda path: os.open(path, os.O_RDWR | os.O_CLOEXEC)
    close: Callable[[int], None] = os.close

    def ask_device(self, address: PciAddress, group: int | None, node: str | None) -> DeviceAnswers:
        """Ask a free device, through its group if the kernel has groups, else through iommufd.

        :param group: its IOMMU group
        :param node: the name of its node below ``vfio/devices``
        :raises DeviceBusyError: if somebody uses it after all
        :raises NotKnownError: if it cannot be opened
        """
        try:
            with contextlib.ExitStack() as stack:
                return self._answers(self._open_device(stack, address, group, node))
        except OSError as exc:
            if exc.errno == errno.EBUSY:
                raise DeviceBusyError(f"{exc.filename or address} is in use") from None
            raise NotKnownError(_reason(exc, address)) from None

    def _open_device(
        self, stack: contextlib.ExitStack, address: PciAddress, group: int | None, node: str | None
    ) -> int:
        if group is not None and os.path.exists(self._path("vfio", str(group))):
            return self._open_through_group(stack, address, group)
        if node is not None and os.path.exists(self._path("vfio", "devices", node)):
            return self._open_through_iommufd(stack, node)
        raise NotKnownError(
            f"{self._path('vfio')} has no node for it: neither for IOMMU group "
            f"{'(none)' if group is None else group} nor for the device"
        )

    def _open_through_group(
        self, stack: contextlib.ExitStack, address: PciAddress, group: int
    ) -> int:
        """Source: ``Documentation/driver-api/vfio.rst``, "VFIO Usage Example"."""
        # The group first: it is the one that says EBUSY, and then nothing has been touched.
        group_fd = stack.enter_context(self._opened("vfio", str(group)))
        status = bytearray(_GROUP_STATUS.pack(_GROUP_STATUS.size, 0))
        self.ioctl(group_fd, VFIO_GROUP_GET_STATUS, status)
        if not _GROUP_STATUS.unpack(status)[1] & VFIO_GROUP_FLAGS_VIABLE:
            raise NotKnownError(
                f"IOMMU group {group} cannot be used: another device of it is bound to a driver "
                f"that is not VFIO's"
            )
        container_fd = stack.enter_context(self._opened("vfio", "vfio"))
        version = self.ioctl(container_fd, VFIO_GET_API_VERSION, 0)
        if version != VFIO_API_VERSION:
            raise NotKnownError(f"the kernel speaks version {version} of VFIO, and not 0")
        self.ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, bytearray(struct.pack("=i", container_fd)))
        self.ioctl(container_fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)
        name = bytearray(f"{address}\0".encode())
        device_fd = self.ioctl(group_fd, VFIO_GROUP_GET_DEVICE_FD, name)
        stack.callback(self.close, device_fd)
        return device_fd

    def _open_through_iommufd(self, stack: contextlib.ExitStack, node: str) -> int:
        """Source: ``Documentation/driver-api/vfio.rst``, "VFIO Device cdev Example"."""
        device_fd = stack.enter_context(self._opened("vfio", "devices", node))
        iommu_fd = stack.enter_context(self._opened("iommu"))
        argument = bytearray(_BIND_IOMMUFD.pack(_BIND_IOMMUFD.size, 0, iommu_fd, 0))
        self.ioctl(device_fd, VFIO_DEVICE_BIND_IOMMUFD, argument)
        return device_fd

    def _answers(self, device_fd: int) -> DeviceAnswers:
        flags = self._get_number(device_fd, VFIO_DEVICE_FEATURE_MIGRATION) or 0
        return DeviceAnswers(
            migration=MigrationFlags(
                stop_copy=bool(flags & VFIO_MIGRATION_STOP_COPY),
                p2p=bool(flags & VFIO_MIGRATION_P2P),
                pre_copy=bool(flags & VFIO_MIGRATION_PRE_COPY),
            ),
            logs_dma=self._has_feature(
                device_fd, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START
            ),
            state_size_bytes=self._get_number(device_fd, VFIO_DEVICE_FEATURE_MIG_DATA_SIZE),
        )

    def _has_feature(self, device_fd: int, feature: int) -> bool:
        argument = bytearray(_FEATURE.pack(_FEATURE.size, VFIO_DEVICE_FEATURE_PROBE | feature))
        return self._feature(device_fd, argument)

    def _get_number(self, device_fd: int, feature: int) -> int | None:
        """Return the 64 bits that a feature consists of; None if the driver has it not."""
        size = _FEATURE.size + _FEATURE_NUMBER.size
        argument = bytearray(_FEATURE.pack(size, VFIO_DEVICE_FEATURE_GET | feature) + bytes(8))
        if not self._feature(device_fd, argument):
            return None
        number: int = _FEATURE_NUMBER.unpack_from(argument, _FEATURE.size)[0]
        return number

    def _feature(self, device_fd: int, argument: bytearray) -> bool:
        try:
            self.ioctl(device_fd, VFIO_DEVICE_FEATURE, argument)
        except OSError as exc:
            # For a feature that the driver has not, and for one that the kernel knows not.
            if exc.errno == errno.ENOTTY:
                return False
            raise
        return True

    @contextlib.contextmanager
    def _opened(self, *parts: str) -> Iterator[int]:
        path = self._path(*parts)
        try:
            descriptor = self.open_node(path)
        except OSError as exc:
            exc.filename = path
            raise
        try:
            yield descriptor
        finally:
            self.close(descriptor)

    def _path(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)


def _reason(error: OSError, address: PciAddress) -> str:
    what = error.filename or f"device {address}"
    reason = f"{what} cannot be opened: {error.strerror}"
    if error.errno in (errno.EACCES, errno.EPERM) and os.geteuid() != 0:
        return f"{reason}; run the probe as root"
    return reason
