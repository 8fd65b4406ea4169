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

"""VFIO devices in QEMU arguments of a domain, which libvirt passes on without a look at them.

Libvirt's elements are read in :mod:`vfio_lm.compute.domain.devices`. Light enough for a hook that
libvirt waits for.
"""

from __future__ import annotations

import dataclasses
import os
import re

from vfio_lm.pci.address import AddressError, PciAddress

NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"
PROPERTIES = ("host", "sysfsdev")
"""Those of QEMU's vfio-pci that name its device."""

_DRIVER = re.compile(r"(driver=)?vfio-pci(-nohotplug)?(,|$)")
# QEMU takes JSON with single quotes, too.
_JSON_DRIVER = re.compile(r"""["']driver["']\s*:\s*["']vfio-pci""")
_ASSIGNMENT = re.compile(
    r"(?:device\.[^.=]+|vfio-pci(?:-nohotplug)?)\.(host|sysfsdev)=(.*)", re.DOTALL
)


@dataclasses.dataclass(frozen=True)
class ArgumentDevice:
    """A VFIO device that QEMU gets outside of libvirt's elements."""

    text: str
    """The argument or property as it is written."""
    address: PciAddress | None
    """None: it names no PCI device, or not in a way that is understood."""

    def __str__(self) -> str:
        return str(self.address or self.text)


def device_of_argument(text: str) -> ArgumentDevice | None:
    """Return the VFIO device that the value of a ``<qemu:arg>`` asks for, or None.

    Source: QEMU's ``-device`` in ``qemu-options.hx``, with properties as ``name=value`` or, from
    6.2 on, as JSON; ``-set`` and ``-global`` there; ``host`` and ``sysfsdev`` in ``hw/vfio/pci.c``.
    """
    if assigned := _ASSIGNMENT.match(text):
        return _device(text, {assigned[1]: assigned[2]})
    if _DRIVER.match(text):
        pairs = (part.partition("=") for part in text.split(",")[1:])
        return _device(text, {name: value for name, _, value in pairs})
    if text.lstrip().startswith("{") and _JSON_DRIVER.search(text):
        return _device(text, _json(text))
    return None


def device_of_property(name: str, value: str) -> ArgumentDevice | None:
    """Return the device that a ``<qemu:property>`` gives to a hostdev in place of its own."""
    return _device(f"{name}={value}", {name: value}) if name in PROPERTIES else None


def _device(text: str, properties: dict[str, object]) -> ArgumentDevice:
    name = properties.get("sysfsdev") or properties.get("host") or ""
    # QEMU takes an address without its domain; a path ends with the address.
    address = os.path.basename(str(name).rstrip("/"))
    if address.count(":") == 1:
        address = f"0000:{address}"
    try:
        return ArgumentDevice(text, PciAddress.parse(address))
    except AddressError:
        return ArgumentDevice(text, None)


def _json(text: str) -> dict[str, object]:
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
