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

"""What libvirt's hook script runs when a live migration arrives; the rules are in ``guard``.

Libvirt calls ``qemu DOMAIN migrate begin -`` on the destination, with the domain's XML on the
standard input. An exit status that is not 0 ends the migration before it has begun, and what is on
the standard error reaches the source. A text on the standard output replaces the XML; none leaves
it as it is. Libvirt waits meanwhile, so nothing heavy is imported here, and libvirt is not asked.

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
from vfio_lm.errors import VfioLmError

_OPERATION = ["migrate", "begin"]


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

    A domain without host devices is never refused, whatever goes wrong here.

    :param arguments: the domain's name, the operation, its step and one more
    :param root: the folder that the host's files are under
    :param owner: see :func:`vfio_lm.compute.guard.remap_spool.read_map`
    :returns: the exit status
    """
    if list(arguments[1:3]) != _OPERATION:
        return 0
    xml = stdin.read(LARGEST_BYTES + 1)
    try:
        devices = read_devices(xml)
        if not devices.pci and not devices.mdevs:
            return 0
        changed = checked(xml, devices, root, owner)
    except Exception as exc:  # noqa: BLE001 - whatever it is, libvirt gets one line
        if b"hostdev" not in xml:
            return 0
        reason = str(exc) if isinstance(exc, VfioLmError) else f"{type(exc).__name__}: {exc}"
        line = f"vfio-lm on {os.uname().nodename}: {arguments[0]} cannot come: {reason}"
        stderr.write(" ".join(line.split()).encode(errors="backslashreplace").decode() + "\n")
        return 1
    if changed != xml:
        stdout.write(changed)
        stdout.flush()
    return 0


def checked(xml: bytes, devices: DomainDevices, root: str = "/", owner: int = 0) -> bytes:
    """Return the XML with which a domain may come; mostly the one that was given.

    :raises RefusedError: if it must not come
    :raises VfioLmError: if that cannot be told
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
    return xml
