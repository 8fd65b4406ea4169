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

"""Devices that a starting server is about to get; the probe leaves them alone.

Opening a VFIO device to ask its driver keeps others from it for some tenths of a second, and a
server that starts in that time fails with "Device or resource busy". Libvirt's files show a
server only when it runs. So the guard, which libvirt calls before it starts a server, claims the
server's devices, and waits until a probe has closed them; the probe opens no device with a claim.

A claim is a file below ``/run/vfio-lm/claims``, named after the device. It is locked while a probe
has the device open, so that a killed probe leaves nothing behind, and counts for a minute.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator

from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.address import PciAddress

FOLDER = "run/vfio-lm/claims"
"""Below the root of the host's files. The kernel forgets it with a reboot."""

LIFETIME_SECONDS = 60
"""After that a server has its devices, or did not start."""

_LONGEST_WAIT_SECONDS = 5
"""More than a device takes for a reset when it is opened, and another when it is closed."""
_STEP_SECONDS = 0.02


class Claims:
    """The claims on the devices of a host.

    :param root: the folder that the host's files are under
    :param now: the time of day, as files have it
    """

    def __init__(self, root: str = "/", now: Callable[[], float] = time.time) -> None:
        self._folder = os.path.join(root, FOLDER)
        self._now = now

    def claim(self, addresses: Iterable[PciAddress]) -> None:
        """Claim devices, and wait some seconds for probes that have them open.

        :raises OSError: if a claim cannot be written
        """
        os.makedirs(self._folder, mode=0o755, exist_ok=True)
        end = time.monotonic() + _LONGEST_WAIT_SECONDS
        for address in addresses:
            with self._opened(address) as descriptor:
                # What a probe writes is empty.
                os.pwrite(descriptor, b"1", 0)
                os.utime(descriptor, (self._now(), self._now()))
                while not _try_lock(descriptor) and time.monotonic() < end:
                    time.sleep(_STEP_SECONDS)

    @contextlib.contextmanager
    def kept_off(self, addresses: Iterable[PciAddress]) -> Iterator[None]:
        """Let the servers that want devices wait while a probe has them open.

        :raises NotKnownError: if a server wants one already
        """
        with contextlib.ExitStack() as stack:
            try:
                os.makedirs(self._folder, mode=0o755, exist_ok=True)
                for address in sorted(set(addresses)):
                    descriptor = stack.enter_context(self._opened(address))
                    if not _try_lock(descriptor):
                        raise NotKnownError(f"another probe has {address} open")
                    if self._is_claim(os.fstat(descriptor)):
                        raise NotKnownError(
                            f"a server that gets {address} is starting, so it is not opened"
                        )
            except OSError as exc:
                raise NotKnownError(
                    f"it is not opened: {exc.filename or self._folder} cannot be written: "
                    f"{exc.strerror}"
                ) from None
            yield

    def _is_claim(self, status: os.stat_result) -> bool:
        # The clock may have been set back.
        age = abs(self._now() - status.st_mtime)
        return status.st_size > 0 and age < LIFETIME_SECONDS

    @contextlib.contextmanager
    def _opened(self, address: PciAddress) -> Iterator[int]:
        path = os.path.join(self._folder, str(address))
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
