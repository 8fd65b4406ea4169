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

"""Domain XML for tests: whole ones, random ones, and ones that somebody broke."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hypothesis import strategies as st

from vfio_lm.pci import PciAddress

UUID = "c7a5fdbd-edaf-9455-926a-d65c16db1809"

ADDRESSES = st.builds(
    PciAddress,
    st.sampled_from([0, 1, 0xFFFF]),
    st.sampled_from([0, 0x81, 0x82, 0xFF]),
    st.sampled_from([0, 1, 0x1F]),
    st.integers(0, 7),
)
UUIDS = st.uuids().map(str)

_HOSTDEV = """\
    <hostdev mode='subsystem' type='pci' managed='no'>
      <driver name='vfio'/><!-- <address domain='0x0000'/> -->
      <source>
        <address domain='0x{0}' bus='0x{1}' slot='0x{2}' function='0x{3}'/>
      </source>
      <alias name='hostdev{number}'/>
      <address type='pci' domain='0x0000' bus='0x81' slot='0x00' function='0x1'/>
    </hostdev>
"""
_INTERFACE = """\
    <interface type="hostdev" managed='no'>\r
      <mac address='52:54:00:6d:90:02'/>
      <source>
        <address type="pci"
           function="0x{3}" slot = "0x{2}"\tbus="0x{1}" domain="0x{0}" ></address>
      </source>
      <address type='pci' domain='0x0000' bus='0x81' slot='0x00' function='0x1'/>
    </interface>
"""
_MDEV = """\
    <hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'>
      <source><address uuid='{uuid}'/></source>
    </hostdev>
"""
_OTHERS = (
    "    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source>"
    "</hostdev>\n",
    "    <interface type='network'><source network='default'/></interface>\n",
    "    <disk type='file'><source file='/é&amp;&#x10d;'/><target dev='vda'/></disk>\n",
)
_DOMAIN = """\
<?xml version='1.0' encoding='utf-8'?>
<!-- <hostdev type='pci'/> -->
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>guest</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>65536</memory>
  <metadata>
    <a:a xmlns:a='urn:a'><devices><hostdev type='pci'><source>
      <address domain='0x0000' bus='0x81' slot='0x00' function='0x1'/>
    </source></hostdev></devices></a:a><b xmlns='urn:b'><![CDATA[<hostdev type='pci'>]]></b>
  </metadata>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
{devices}  </devices>
  <qemu:commandline><qemu:arg value='-device "vfio-pci,host=0000:81:00.1"'/></qemu:commandline>
</domain>
"""


@dataclasses.dataclass(frozen=True)
class Domain:
    """A domain whose XML can be written for any devices of its host."""

    kinds: tuple[str, ...]
    """For each device "hostdev", "interface" or "mdev", or the number of some other element."""
    addresses: tuple[PciAddress, ...]
    uuids: tuple[str, ...]

    def xml(
        self,
        addresses: Sequence[PciAddress] | None = None,
        uuids: Sequence[str] | None = None,
    ) -> str:
        left, mdevs = list(addresses or self.addresses), list(uuids or self.uuids)
        parts = []
        for number, kind in enumerate(self.kinds):
            if kind == "mdev":
                parts.append(_MDEV.format(uuid=mdevs.pop(0)))
            elif kind in ("hostdev", "interface"):
                template = _HOSTDEV if kind == "hostdev" else _INTERFACE
                parts.append(template.format(*left.pop(0).fields, number=number))
            else:
                parts.append(_OTHERS[int(kind)])
        return _DOMAIN.format(uuid=UUID, devices="".join(parts))


def domain(*addresses: str, uuids: Sequence[str] = (), kind: str = "hostdev") -> Domain:
    """Return a domain with some PCI devices, and then some mediated ones."""
    kinds = (*(kind for _ in addresses), *("mdev" for _ in uuids))
    return Domain(kinds, tuple(map(PciAddress.parse, addresses)), tuple(uuids))


@st.composite
def _domains(draw: st.DrawFn, kinds: Sequence[str]) -> Domain:
    chosen = tuple(draw(st.lists(st.sampled_from(kinds), max_size=7)))
    pci = sum(kind in ("hostdev", "interface") for kind in chosen)
    mediated = chosen.count("mdev")
    return Domain(
        chosen,
        tuple(draw(st.lists(ADDRESSES, min_size=pci, max_size=pci, unique=True))),
        tuple(draw(st.lists(UUIDS, min_size=mediated, max_size=mediated, unique=True))),
    )


DOMAINS = _domains(["hostdev", "hostdev", "interface", "mdev", "0", "1", "2"])
#: with only what nova's own function is about
HOSTDEV_DOMAINS = _domains(["hostdev", "0", "1", "2"])

_PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [
            b"<hostdev type='pci'>",
            b"</hostdev>",
            b"<hostdev type='pci'><source><address bus='0x81' function='1'/></source></hostdev>",
            b"<hostdev type='mdev'><source><address uuid='x'/></source></hostdev>",
            b"<disk type='nvme'><source><address bus='129' function='01'/></source></disk>",
            b"<source>",
            b"</source>",
            b"<address bus='0xfff'/>",
            b"&x;",
            b"&#0;",
            b"<!DOCTYPE domain [<!ENTITY x 'y'>]>",
            b"<!--",
            b"<![CDATA[",
            b"xmlns='urn:x' ",
            b" bus='0x81'",
            b"\xff\xfe",
            b"'",
            b"<domain>",
            b"</devices><devices>",
        ]
    ),
)


@st.composite
def _broken(draw: st.DrawFn) -> bytes:
    content = draw(DOMAINS).xml().encode()
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.integers(0, 40))
        content = content[:start] + draw(_PIECES) + content[end:]
    return content


BYTES = st.binary(max_size=200)
BROKEN = _broken()
