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

"""What libvirt's hook script runs for a server with devices; the rules are in ``refusal``.

Libvirt calls ``qemu DOMAIN migrate begin -`` on the destination, with the domain's XML on the
standard input. An exit status that is not 0 ends the migration before it has begun, and what is on
the standard error reaches the source. A text on the standard output replaces the XML; none leaves
it as it is. Libvirt waits meanwhile, so nothing heavy is imported here, and libvirt is not asked.

Before a server starts, here or at its arrival, libvirt calls the hook with ``prepare begin`` and
``start begin``; then its devices are claimed (:mod:`vfio_lm.compute.host.claims`).

Source: https://libvirt.org/hooks.html, measured with libvirt 9.0 and 11.3.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import BinaryIO, TextIO

from vfio_lm.compute.domain.devices import LARGEST_BYTES, DomainDevices, read_devices
from vfio_lm.compute.domain.remap import remap
from vfio_lm.compute.guard.device_state import GuardView
from vfio_lm.compute.guard.refusal import refusals
from vfio_lm.compute.guard.remap_spool import SpoolError, read_map
from vfio_lm.compute.host.claims import Claims
from vfio_lm.errors import VfioLmError

PASSED, REFUSED = 10, 11
"""Exit statuses of this part of the hook. The script turns them into those of libvirt, and takes
any other for an interpreter that does not work."""

_ARRIVALS = (["migrate", "begin"],)
_STARTS = (["prepare", "begin"], ["start", "begin"])
_WORDS = (b"hostdev", b"vfio-pci")
"""One of them is in the XML of each domain that has a device."""
_LONGEST_MESSAGE = 2000


class RefusedError(VfioLmError):
    """A domain that must not come with these devices."""


def main() -> int:
    """Run the hook with the arguments and the streams that libvirt gives it."""
    return answer(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer, sys.stderr)


def answer(
    arguments: Sequence[str],
    stdin: BinaryIO,
    stdout: BinaryIO,
    stderr: TextIO,
    *,
    root: str = "/",
    owner: int = 0,
) -> int:
    """Answer libvirt.

    A domain without host devices is never refused, whatever goes wrong here; nor is one that only
    starts.

    :param arguments: the domain's name, the operation, its step and one more
    :param root: the folder that the host's files are under
    :param owner: see :func:`vfio_lm.compute.guard.remap_spool.read_map`
    :returns: :data:`PASSED` or :data:`REFUSED`
    """
    operation = list(arguments[1:3])
    if operation not in (*_ARRIVALS, *_STARTS):
        return PASSED
    xml = stdin.read(LARGEST_BYTES + 1)
    changed = xml
    try:
        devices = read_devices(xml)
        if _has_devices(devices):
            if operation in _ARRIVALS:
                changed, devices = checked(xml, devices, root, owner)
            _claim(devices, root)
    except Exception as exc:  # noqa: BLE001 - whatever it is, libvirt gets one line
        if operation in _STARTS or not _may_have_devices(xml):
            return PASSED
        reason = str(exc) if isinstance(exc, VfioLmError) else f"{type(exc).__name__}: {exc}"
        stderr.write(_line(arguments[0], reason) + "\n")
        return REFUSED
    if changed != xml:
        stdout.write(changed)
        stdout.flush()
    return PASSED


def checked(
    xml: bytes, devices: DomainDevices, root: str = "/", owner: int = 0
) -> tuple[bytes, DomainDevices]:
    """Return the XML with which a domain may come, mostly the given one, and its devices.

    :raises RefusedError: if it must not come
    :raises VfioLmError: if that is unknown
    """
    spooled = read_map(devices.uuid, root, owner) if devices.uuid else None
    if spooled is not None:
        try:
            xml = remap(xml.decode(), spooled.pci, mdevs=spooled.mdevs).encode()
        except VfioLmError as exc:
            raise SpoolError(spooled.path, f"{exc}; remove the file if it is an old one") from None
        devices = read_devices(xml)
    view = GuardView(root)
    found = list(refusals(devices, lambda address: view.look(address, devices.uuid)))
    if found:
        raise RefusedError("; ".join(found))
    return xml, devices


def _has_devices(devices: DomainDevices) -> bool:
    return bool(devices.pci or devices.mdevs or devices.in_arguments)


def _may_have_devices(xml: bytes) -> bool:
    return len(xml) > LARGEST_BYTES or any(word in xml for word in _WORDS)


def _claim(devices: DomainDevices, root: str) -> None:
    try:
        Claims(root).claim(devices.addresses)
    except OSError:
        # Without claims a probe may be in the way, as it is without the guard.
        return


def _line(name: str, reason: str) -> str:
    """Return the line that the source shows, without what a terminal would take for commands."""
    text = f"vfio-lm on {os.uname().nodename}: incoming migration of {name} refused: {reason}"
    plain = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(plain.split())[:_LONGEST_MESSAGE].encode(errors="backslashreplace").decode()
