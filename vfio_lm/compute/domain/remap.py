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

"""Other host devices in a domain's XML, all at once; which devices they are is said elsewhere.

The text is not rewritten: only the values of the addresses that change are replaced in it, so
that everything else stays as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from vfio_lm.compute.domain.devices import (
    DomainDevices,
    DomainXmlError,
    canonical_uuid,
    read_devices,
)
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import FIELDS, PciAddress

Key = TypeVar("Key", PciAddress, str)

_TAG_NAME = re.compile(rb"<[^\s/>]+")
# The parser has found the text well-formed, so this is all there can be.
_ATTRIBUTE = re.compile(rb"\s+([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")

_Edit = tuple[int, int, bytes]
"""First byte, byte behind the last, and what stands there instead."""


class RemapError(VfioLmError):
    """A map of devices that does not fit the domain's XML."""


class NotInDomainError(RemapError):
    """The map names a source device that the domain does not have."""


class SharedDestinationError(RemapError):
    """Two devices would become the same one."""


class ArgumentDeviceError(RemapError):
    """QEMU gets a device by an argument, of which libvirt knows nothing."""


class UnmappedDeviceError(RemapError):
    """A device of the domain is not in the map, and it was said that all have to be."""


def remap(
    xml: str,
    mapping: Mapping[PciAddress, PciAddress] | Mapping[str, str],
    *,
    mdevs: Mapping[str, str] | None = None,
    strict: bool = False,
) -> str:
    """Give the devices of a domain other addresses on the host, all of them at once.

    It is about each ``<hostdev mode='subsystem' type='pci'>`` and each
    ``<interface type='hostdev'>``, which is how libvirt writes a VF as a network interface. The
    address that the guest sees is never touched. A number that stays the same keeps the form in
    which it was written; others are written as libvirt writes them.

    :param mapping: the address on the destination for each address on the source
    :param mdevs: the same for mediated devices, by UUID
    :param strict: whether a device that is in neither map is an error, and so is one that QEMU
        gets by an argument, which is not changed; else they stay
    :raises AddressError: if a text in the map is no PCI address
    :raises NotInDomainError: if a source device in a map is not in the XML
    :raises SharedDestinationError: if two devices would get the same address
    :raises UnmappedDeviceError: see ``strict``
    :raises ArgumentDeviceError: if a device in a map, or with ``strict`` any, is in an argument
    :raises RemapError: if a UUID in the map is none
    :raises DomainXmlError: if the XML is none that libvirt would take
    """
    text = _encoded(xml)
    devices = read_devices(text)
    addresses = pci_map(mapping)
    uuids = mdev_map(mdevs or {})
    refuse_arguments(devices, addresses, strict=strict)
    pci_sources = [source.address for source in devices.pci]
    pci = _destinations("PCI device", pci_sources, addresses, strict)
    passed = [each.address for each in devices.in_arguments if each.address is not None]
    _refuse_shared("PCI device", [*pci, *devices.otherwise_used, *passed])
    mdev_sources = [source.uuid for source in devices.mdevs]
    mediated = _destinations("mediated device", mdev_sources, uuids, strict)
    _refuse_shared("mediated device", mediated)
    return _spliced(text, sorted(_edits(text, devices, pci, mediated))).decode()


def hostdev_addresses(xml: str) -> tuple[PciAddress, ...]:
    """Return the addresses that :func:`remap` is about, in the order of the text.

    :raises DomainXmlError: if the XML is none that libvirt would take
    """
    return tuple(source.address for source in read_devices(_encoded(xml)).pci)


def _encoded(xml: str) -> bytes:
    try:
        return xml.encode()
    except UnicodeEncodeError:
        raise DomainXmlError("has a character that is none of Unicode's") from None


def pci_map(
    mapping: Mapping[PciAddress, PciAddress] | Mapping[str, str],
) -> dict[PciAddress, PciAddress]:
    """Return a map of PCI devices, which any domain may be meant by.

    :raises AddressError: if a text is no PCI address
    :raises RemapError: if a device is there twice, on one side
    """
    result: dict[PciAddress, PciAddress] = {}
    for written, destination in mapping.items():
        source = PciAddress.parse(str(written))
        if source in result:
            raise RemapError(f"the map has the PCI device {source} twice: leave one of them out")
        result[source] = PciAddress.parse(str(destination))
    _refuse_shared("PCI device", list(result.values()))
    return result


def mdev_map(mapping: Mapping[str, str]) -> dict[str, str]:
    """Return a map of mediated devices, which any domain may be meant by.

    :raises RemapError: if a text is no UUID, or a device is there twice, on one side
    """
    result: dict[str, str] = {}
    for written, destination in mapping.items():
        try:
            source, there = canonical_uuid(written), canonical_uuid(destination)
        except ValueError as exc:
            raise RemapError(f"the map of mediated devices: {exc}") from None
        if source in result:
            raise RemapError(f"the map has the mediated device {source} twice")
        result[source] = there
    _refuse_shared("mediated device", list(result.values()))
    return result


def refuse_arguments(
    devices: DomainDevices, mapping: Mapping[PciAddress, PciAddress], *, strict: bool
) -> None:
    """Make sure that no device which should get another address is in an argument of QEMU's.

    :param strict: whether any device in an argument should
    :raises ArgumentDeviceError: if there is one
    """
    for device in devices.in_arguments:
        if strict or device.address in mapping:
            raise ArgumentDeviceError(
                f"the domain passes {device} to QEMU as an argument ({device.text}), which keeps "
                f"the address of the source: make it a hostdev element, or detach it"
            )


def _destinations(
    kind: str, sources: list[Key], mapping: Mapping[Key, Key], strict: bool
) -> list[Key]:
    """Return where each source goes; a device that is not in the map stays."""
    if name := first_repeated(sources):
        raise DomainXmlError(f"has the {kind} {name} twice, and a device can be given only once")
    for source in mapping:
        if source not in sources:
            has = ", ".join(map(str, sources)) or "none"
            raise NotInDomainError(
                f"{kind} {source} is in the map, but not in the domain XML, which has {has}: "
                "take it out of the map, or correct it"
            )
    for source in sources:
        if strict and source not in mapping:
            raise UnmappedDeviceError(
                f"{kind} {source} of the domain is not in the map: say where it goes, even if it "
                "keeps its name"
            )
    return [mapping.get(source, source) for source in sources]


def first_repeated(names: Sequence[Key]) -> Key | None:
    """Return the first name that is there more than once, or None."""
    seen: set[Key] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _refuse_shared(kind: str, names: Sequence[Key]) -> None:
    if name := first_repeated(names):
        raise SharedDestinationError(
            f"two devices of the domain would become the {kind} {name}: give each one of its own"
        )


def _edits(
    text: bytes, devices: DomainDevices, pci: list[PciAddress], mediated: list[str]
) -> Iterator[_Edit]:
    for source, address in zip(devices.pci, pci):
        pairs = zip(FIELDS, source.address.fields, address.fields)
        changed = {name: f"0x{new}" for name, old, new in pairs if old != new}
        yield from _edits_of_tag(text, source.offset, changed)
    for mdev, uuid in zip(devices.mdevs, mediated):
        if mdev.uuid != uuid:
            yield from _edits_of_tag(text, mdev.offset, {"uuid": uuid})


def _edits_of_tag(text: bytes, offset: int, changed: Mapping[str, str]) -> Iterator[_Edit]:
    """Yield what to replace in a start tag for some of its attributes to have other values."""
    name = _TAG_NAME.match(text, offset)
    assert name is not None  # noqa: S101 - the parser has found a start tag here
    missing = dict(changed)
    position = name.end()
    while attribute := _ATTRIBUTE.match(text, position):
        position = attribute.end()
        value = missing.pop(attribute[1].decode(), None)
        if value is not None:
            yield (*attribute.span(2 if attribute[2] is not None else 3), value.encode())
    # An attribute that is not there counts as zero.
    added = "".join(f" {key}='{value}'" for key, value in missing.items())
    yield (name.end(), name.end(), added.encode())


def _spliced(text: bytes, edits: list[_Edit]) -> bytes:
    parts = []
    position = 0
    for start, end, value in edits:
        parts += [text[position:start], value]
        position = end
    return b"".join([*parts, text[position:]])
