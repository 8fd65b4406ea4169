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

"""Which devices of its host a domain's XML names, and where in the text; it changes nothing.

Only what libvirt itself takes for a device counts: an address in the metadata, in a comment or on
the guest's side is none. The text is taken as hostile: no document type, no entities, limits on
size and depth. The module is light enough for a hook that libvirt waits for.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.parsers import expat

from vfio_lm.compute.domain.qemu_arguments import (
    NAMESPACE,
    ArgumentDevice,
    device_of_argument,
    device_of_property,
)
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import FIELDS, AddressError, PciAddress

LARGEST_BYTES = 8 * 1024 * 1024
"""Of a domain's XML. A large server's is some hundred KiB."""
LARGEST_DEPTH = 256
"""Of nested elements, as libxml2, and so libvirt, has it."""

# libvirt reads the number with strtoul(…, 0): src/conf/device_conf.c virPCIDeviceAddressParseXML.
_NUMBER = re.compile("0[xX][0-9a-fA-F]{1,16}|0[0-7]{0,16}|[1-9][0-9]{0,16}")
_HEXADECIMAL_DIGITS = re.compile("[0-9a-f]{32}")
_DEVICES = ("hostdev", "interface", "disk")
_SOURCES = (("source",), ("actual", "source"))
_TEXTS = (("name",), ("uuid",))
_ARGUMENT = (f"{NAMESPACE} commandline", f"{NAMESPACE} arg")
_PROPERTY = tuple(f"{NAMESPACE} {name}" for name in ("override", "device", "frontend", "property"))
_IN_STATUS = ("domstatus",)


class DomainXmlError(VfioLmError):
    """A text that is no domain XML, that libvirt would refuse, or that is not to be trusted."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"domain XML: {reason}")
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class PciSource:
    """A ``<hostdev type='pci'>`` or ``<interface type='hostdev'>`` and its source address."""

    address: PciAddress
    is_managed: bool
    """Whether libvirt binds the device to a VFIO driver itself: ``managed='yes'``."""
    offset: int
    """Of the start tag of the source's address element, in bytes of the UTF-8 text."""


@dataclasses.dataclass(frozen=True)
class MdevSource:
    """A ``<hostdev type='mdev'>`` and its mediated device."""

    uuid: str
    offset: int
    """As of :class:`PciSource`."""


@dataclasses.dataclass(frozen=True)
class DomainDevices:
    """What a domain's XML says of the devices of its host, in the order of the text."""

    name: str
    uuid: str
    """In its canonical form; empty where the XML has none."""
    pci: tuple[PciSource, ...]
    mdevs: tuple[MdevSource, ...]
    otherwise_used: tuple[PciAddress, ...]
    """PCI devices that the server uses without a VFIO migration: NVMe disks, and the VFs that
    libvirt took from a network's pool."""
    in_arguments: tuple[ArgumentDevice, ...] = ()
    """VFIO devices that QEMU gets by arguments, of which libvirt knows nothing."""
    lower_interfaces: tuple[str, ...] = ()
    """Network interfaces of the host that a macvtap interface of the domain sits on: a VF's, for a
    port of neutron's of the type ``macvtap``."""

    @property
    def addresses(self) -> tuple[PciAddress, ...]:
        """Every PCI device of the host that the domain uses."""
        passed = (each.address for each in self.in_arguments if each.address is not None)
        return (*(source.address for source in self.pci), *self.otherwise_used, *passed)


def read_devices(xml: bytes) -> DomainDevices:
    """Read the XML of a domain, or the status file that libvirt keeps of a running one.

    :param xml: UTF-8, as libvirt writes it, whatever the XML declaration says
    :raises DomainXmlError: if the text is no such XML, or names a device in a way that
        libvirt would refuse
    """
    if len(xml) > LARGEST_BYTES:
        raise DomainXmlError(f"is larger than {LARGEST_BYTES >> 20} MiB, and no domain's is")
    reader = _DeviceReader()
    try:
        reader.parse(xml)
    except expat.ExpatError as exc:
        text = expat.errors.messages.get(exc.code, str(exc))
        raise DomainXmlError(f"line {exc.lineno}, column {exc.offset + 1}: {text}") from None
    return reader.devices()


def canonical_uuid(text: str) -> str:
    """Return a UUID in lower case with its hyphens; libvirt takes it without them, too.

    :raises ValueError: if the text is no UUID
    """
    digits = text.strip().replace("-", "").lower()
    if not _HEXADECIMAL_DIGITS.fullmatch(digits):
        raise ValueError(f"'{text}' is not a UUID")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@dataclasses.dataclass
class _Element:
    """A device while it is read."""

    name: str
    attributes: Mapping[str, str]
    line: int
    source_interface: str = ""
    """The network interface of the host that the innermost source names."""
    actual: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of an interface from a network's pool, in a status file."""
    sources: int = 0
    addresses: list[tuple[Mapping[str, str], int]] = dataclasses.field(default_factory=list)

    @property
    def source_address(self) -> tuple[Mapping[str, str], int]:
        """The attributes and the offset of the one address."""
        if self.sources != 1 or len(self.addresses) != 1:
            raise self.error(
                f"has {self.sources} source elements with {len(self.addresses)} addresses, and "
                "needs one with one address"
            )
        return self.addresses[0]

    @property
    def pci_address(self) -> PciAddress:
        attributes, _ = self.source_address
        try:
            numbers = [_number(field, attributes.get(field, "0")) for field in FIELDS]
            return PciAddress.parse("{:x}:{:x}:{:x}.{:x}".format(*numbers))
        except (ValueError, AddressError) as exc:
            raise self.error(f"has a wrong source address: {exc}") from None

    @property
    def mdev_uuid(self) -> str:
        attributes, _ = self.source_address
        try:
            return canonical_uuid(attributes.get("uuid", ""))
        except ValueError as exc:
            raise self.error(f"has a wrong source address: uuid {exc}") from None

    @property
    def is_managed(self) -> bool:
        return self.attributes.get("managed") == "yes"

    def error(self, reason: str) -> DomainXmlError:
        return DomainXmlError(f"the {self.name} in line {self.line} {reason}")


class _DeviceReader:
    """Walks through the text once, and keeps the devices."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._path: list[str] = []
        self._element: _Element | None = None
        self._text: list[str] | None = None
        self._texts = {"name": "", "uuid": ""}
        self._pci: list[PciSource] = []
        self._mdevs: list[MdevSource] = []
        self._otherwise_used: list[PciAddress] = []
        self._in_arguments: list[ArgumentDevice] = []
        self._lower_interfaces: list[str] = []

    def parse(self, xml: bytes) -> None:
        self._parser.Parse(xml, True)

    def devices(self) -> DomainDevices:
        uuid = self._texts["uuid"].strip()
        try:
            uuid = uuid and canonical_uuid(uuid)
        except ValueError as exc:
            raise DomainXmlError(f"uuid {exc}") from None
        return DomainDevices(
            name=self._texts["name"],
            uuid=uuid,
            pci=tuple(self._pci),
            mdevs=tuple(self._mdevs),
            otherwise_used=tuple(self._otherwise_used),
            in_arguments=tuple(self._in_arguments),
            lower_interfaces=tuple(self._lower_interfaces),
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > LARGEST_DEPTH:
            raise DomainXmlError(f"has elements nested deeper than {LARGEST_DEPTH}")
        path = self._path_in_domain()
        if path[:1] == ("devices",):
            if len(path) == 2 and path[1] in _DEVICES:
                self._element = _Element(path[1], attributes, self._parser.CurrentLineNumber)
            elif self._element is not None:
                self._start_in(self._element, path[2:], attributes)
        elif path in _TEXTS:
            self._text = []
            self._parser.CharacterDataHandler = self._text.append
        elif path == _ARGUMENT:
            self._note(device_of_argument(attributes.get("value", "")))
        elif path == _PROPERTY:
            self._note(device_of_property(attributes.get("name", ""), attributes.get("value", "")))

    def _start_in(
        self, element: _Element, inner: tuple[str, ...], attributes: Mapping[str, str]
    ) -> None:
        if inner == ("actual",):
            element.actual = attributes
        elif inner in _SOURCES:
            element.sources += 1
            element.source_interface = attributes.get("dev", "")
        elif inner[-1:] == ("address",) and inner[:-1] in _SOURCES:
            element.addresses.append((attributes, self._parser.CurrentByteIndex))

    def _note(self, device: ArgumentDevice | None) -> None:
        if device is not None:
            self._in_arguments.append(device)

    def _end(self, name: str) -> None:
        path = self._path_in_domain()
        if path[:1] == ("devices",) and len(path) == 2 and self._element is not None:
            self._finish(self._element)
            self._element = None
        elif path in _TEXTS and self._text is not None:
            self._texts[path[0]] = "".join(self._text)
            self._text = self._parser.CharacterDataHandler = None
        self._path.pop()

    def _path_in_domain(self) -> tuple[str, ...]:
        """Where the parser is below the domain element; empty if it is not."""
        path = tuple(self._path[:8])
        if path[0] not in ("domain", *_IN_STATUS):
            raise DomainXmlError(f"the outermost element is {path[0]}, and not domain")
        path = path[1:] if path[:1] == _IN_STATUS else path
        return path[1:] if path[:1] == ("domain",) else ()

    def _finish(self, element: _Element) -> None:
        take = _takers.get((element.name, _type_of(element)))
        if take is not None:
            take(self, element)

    def _take_pci(self, element: _Element) -> None:
        _, offset = element.source_address
        self._pci.append(PciSource(element.pci_address, element.is_managed, offset))

    def _take_mdev(self, element: _Element) -> None:
        _, offset = element.source_address
        self._mdevs.append(MdevSource(element.mdev_uuid, offset))

    def _take_other(self, element: _Element) -> None:
        # What libvirt took from the pool is in the inner source, and the outer one has the pool.
        element.sources = len(element.addresses)
        self._otherwise_used.append(element.pci_address)

    def _take_lower_interface(self, element: _Element) -> None:
        if element.source_interface:
            self._lower_interfaces.append(element.source_interface)


_takers: Mapping[tuple[str, str], Callable[[_DeviceReader, _Element], None]] = {
    ("hostdev", "pci"): _DeviceReader._take_pci,
    ("hostdev", "mdev"): _DeviceReader._take_mdev,
    ("interface", "hostdev"): _DeviceReader._take_pci,
    ("interface", "actual hostdev"): _DeviceReader._take_other,
    ("interface", "direct"): _DeviceReader._take_lower_interface,
    ("interface", "actual direct"): _DeviceReader._take_lower_interface,
    ("disk", "nvme"): _DeviceReader._take_other,
}


def _type_of(element: _Element) -> str:
    kind = element.attributes.get("type", "")
    if element.name == "hostdev" and element.attributes.get("mode", "subsystem") != "subsystem":
        return ""
    if element.name == "interface":
        if element.actual.get("type") in ("hostdev", "direct"):
            kind = f"actual {element.actual['type']}"
        # The source of an interface may be a USB device, too.
        if any(address.get("type", "pci") != "pci" for address, _ in element.addresses):
            return ""
    return kind


def _number(field: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{field} '{text}' is not a number as libvirt reads it")
    if text[:1] == "0" and text[1:2] not in ("x", "X"):
        return int(text, 8)
    return int(text, 0)


def _refuse_doctype(*_: Any) -> None:
    raise DomainXmlError("has a document type declaration, and libvirt writes none")
