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

"""The network interfaces of the fake guests: as they were defined, and when they are plugged.

nova's fixture forgets where a VF of an interface is as soon as it is attached to a guest that
runs, and gives XML that libvirt would not take (nova 34.0.0, nova.tests.fixtures.libvirt.Domain).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from nova.pci import utils as pci_utils
from nova.tests.fixtures import libvirt as fake_libvirt
from nova.virt.libvirt import vif

from tests.cloud.services import hosts

#: kinds of interfaces that are made of a VF
VF_KINDS = frozenset({"hostdev", "direct"})

_VF_NAME = "vf-{}"
_PF_NAME = "pf-{}"
_KEPT = ("source", "vlan", "driver")


def install() -> None:
    """Let guests remember their interfaces, and hosts what is plugged into their bridge."""
    domain: Any = fake_libvirt.Domain
    original_parse, original_attach = domain._parse_definition, domain.attachDevice
    original_description = domain.XMLDesc

    def parse_definition(self: Any, xml: Any) -> Any:
        definition = original_parse(self, xml)
        self._interfaces = {
            _mac(each): each for each in etree.fromstring(xml).iterfind("devices/interface")
        }
        return definition

    def attach_device(self: Any, xml: str) -> Any:
        if xml.startswith("<interface"):
            interface = etree.fromstring(xml)
            self._interfaces[_mac(interface)] = interface
        return original_attach(self, xml)

    def describe(self: Any, flags: int) -> str:
        text: str = original_description(self, flags)
        if not any(each.get("type") in VF_KINDS for each in self._interfaces.values()):
            return text
        tree = etree.fromstring(text)
        for number, interface in enumerate(tree.iterfind("devices/interface")):
            _complete(interface, self._interfaces.get(_mac(interface)), number)
        return str(etree.tostring(tree, encoding="unicode"))

    domain._parse_definition = parse_definition
    domain.attachDevice = attach_device
    domain.XMLDesc = describe
    _name_functions()
    _remember_plugging()


def of_guest(domain: Any) -> Iterator[dict[str, str | None]]:
    """Yield the interfaces of a guest that are made of a VF: its ``mac`` and its ``address``."""
    present = {nic["mac"] for nic in list(domain._def["devices"]["nics"])}
    for mac, interface in list(domain._interfaces.items()):
        if mac in present and interface.get("type") in VF_KINDS:
            yield {"mac": mac, "address": _address(interface)}


def _name_functions() -> None:
    """Give every function a network interface with a name of its own.

    The fixture has one name for all.
    """

    def name(address: str, pf_interface: bool = False, **_: Any) -> str:
        return (_PF_NAME if pf_interface else _VF_NAME).format(address)

    pci_utils.get_ifname_by_pci_address = name


def _remember_plugging() -> None:
    """Keep the addresses of what os-vif plugs, which is all that an agent has to see of it."""
    driver: Any = vif.LibvirtGenericVIFDriver

    def plug(self: Any, instance: Any, plugged: Any) -> None:
        hosts.current().connection.plugged.add(plugged.address)

    def unplug(self: Any, instance: Any, plugged: Any) -> None:
        hosts.current().connection.plugged.discard(plugged.address)

    driver._plug_os_vif = plug
    driver._unplug_os_vif = unplug


def _complete(interface: Any, defined: Any, number: int) -> None:
    """Put the definition of an interface that is made of a VF into its description.

    :param number: of the function that the guest sees
    """
    if defined is None or defined.get("type") not in VF_KINDS:
        return
    interface.attrib.update(defined.attrib)
    for old in [each for each in interface if each.tag in _KEPT]:
        interface.remove(old)
    interface.extend(copy.deepcopy(each) for each in defined if each.tag in _KEPT)
    if interface.find("address") is None:
        address = {"type": "pci", "domain": "0x0000", "bus": "0x00", "slot": "0x03"}
        etree.SubElement(interface, "address", address, function=f"0x{number:x}")


def _mac(interface: Any) -> str:
    return str(interface.find("mac").get("address"))


def _address(interface: Any) -> str | None:
    """Give the PCI address of an interface's VF, as neutron has it in a binding profile."""
    source = interface.find("source")
    parts = source.find("address")
    if parts is not None:
        numbers = (int(parts.get(name), 16) for name in ("domain", "bus", "slot", "function"))
        return "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)
    match = re.fullmatch(_VF_NAME.format("(.*)"), source.get("dev", ""))
    return match.group(1) if match else None
