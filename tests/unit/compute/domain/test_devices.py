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

"""Of a domain's XML, only what libvirt and QEMU take for a device of the host counts."""

from __future__ import annotations

import pathlib

import testtools

from tests.unit.compute import domains
from vfio_lm.compute.domain.devices import DomainXmlError, canonical_uuid, read_devices

_CASES = pathlib.Path(__file__).parents[1] / "cases"
A, B = "0000:81:00.1", "0000:81:00.2"
_PCI = "<address domain='0x0000' bus='0x81' slot='0x00' function='0x{}'/>"


def read(devices: str = "", *, rest: str = "", uuid: str = domains.UUID) -> object:
    namespace = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
    head = f"<name>g1</name><uuid>{uuid}</uuid>"
    text = f"<domain {namespace}>{head}<devices>{devices}</devices>{rest}</domain>"
    return read_devices(text.encode())


class TestDevices(testtools.TestCase):
    def assert_addresses(self, expected: list[str], found: object) -> None:
        self.assertEqual(expected, [str(each) for each in getattr(found, "addresses", ())])

    def test_each_element_that_has_a_device(self) -> None:
        source = f"<source>{_PCI.format(1)}</source>"
        for element in (
            f"<hostdev mode='subsystem' type='pci'>{source}</hostdev>",
            f"<hostdev type='pci'>{source}</hostdev>",
            f"<interface type='hostdev'>{source}</interface>",
            f"<interface type='network'><source network='n'/><actual type='hostdev'>{source}"
            "</actual></interface>",
            f"<disk type='nvme'><source type='pci'>{_PCI.format(1)}</source></disk>",
        ):
            self.assert_addresses([A], read(element))

    def test_interfaces_of_the_host_below_a_macvtap(self) -> None:
        source = "<source dev='ens1f0v2' mode='passthrough'/>"
        for element in (
            f"<interface type='direct'>{source}</interface>",
            f"<interface type='network'><source network='n'/><actual type='direct'>{source}"
            "</actual></interface>",
        ):
            found = read(element)
            self.assertEqual(("ens1f0v2",), found.lower_interfaces)
            self.assert_addresses([], found)
        bridged = "<interface type='bridge'><source bridge='br-int'/></interface>"
        self.assertEqual((), read(bridged).lower_interfaces)

    def test_what_is_none(self) -> None:
        source = f"<source>{_PCI.format(1)}</source>"
        for element in (
            f"<hostdev mode='capabilities' type='pci'>{source}</hostdev>",
            "<hostdev type='usb'><source><address bus='1' device='2'/></source></hostdev>",
            f"<interface type='network'>{_PCI.format(1)}</interface>",
            "<interface type='hostdev'><source><address type='usb' bus='1'/></source></interface>",
            f"<!-- <hostdev type='pci'>{source}</hostdev> -->",
            f"<video><hostdev type='pci'>{source}</hostdev></video>",
        ):
            self.assert_addresses([], read(element))
        self.assert_addresses([], read(rest=f"<hostdev type='pci'>{source}</hostdev>"))

    def test_a_status_file_is_read_as_the_domain_in_it(self) -> None:
        source = f"<source>{_PCI.format(1)}</source>"
        text = (
            "<domstatus><devices><device alias='hostdev0'/></devices><domain><name>g1</name>"
            f"<devices><hostdev type='pci' managed='yes'>{source}</hostdev></devices></domain>"
            "</domstatus>"
        )
        found = read_devices(text.encode())
        self.assertEqual(("g1", "", True), (found.name, found.uuid, found.pci[0].is_managed))

    def test_a_uuid_is_canonical_before_anybody_makes_a_path_of_it(self) -> None:
        for written in (domains.UUID.upper(), f" {domains.UUID}\n", domains.UUID.replace("-", "")):
            self.assertEqual(domains.UUID, getattr(read(uuid=written), "uuid", None))
        for wrong in ("../../etc/passwd", "g1", domains.UUID[:-1]):
            error = self.assertRaises(DomainXmlError, read, uuid=wrong)
            self.assertIn("is not a UUID", str(error))
        self.assertRaises(ValueError, canonical_uuid, "")


class TestArguments(testtools.TestCase):
    def found(self, rest: str) -> list[str]:
        return [str(each) for each in getattr(read(rest=rest), "in_arguments", ())]

    def test_arguments_and_overrides_of_qemu(self) -> None:
        arguments = f"<qemu:arg value='-device'/><qemu:arg value='vfio-pci,host={A}'/>"
        self.assertEqual([A], self.found(f"<qemu:commandline>{arguments}</qemu:commandline>"))
        override = (
            "<qemu:override><qemu:device alias='hostdev0'><qemu:frontend>"
            f"<qemu:property name='x-no-mmap' type='bool' value='true'/>"
            f"<qemu:property name='host' type='string' value='{B}'/>"
            "</qemu:frontend></qemu:device></qemu:override>"
        )
        self.assertEqual([B], self.found(override))

    def test_what_is_not_passed_to_qemu(self) -> None:
        argument = f"<qemu:arg value='vfio-pci,host={A}'/>"
        for rest in (
            argument,
            f"<metadata><qemu:commandline>{argument}</qemu:commandline></metadata>",
            f"<commandline><arg value='vfio-pci,host={A}'/></commandline>",
            "<qemu:commandline><qemu:arg/></qemu:commandline>",
        ):
            self.assertEqual([], self.found(rest))

    def test_the_case_of_a_graphics_card_with_two_vfs(self) -> None:
        found = read_devices((_CASES / "qemu-arg.xml").read_bytes())
        self.assertEqual(["0000:00:02.1", "0000:00:02.2"], [str(each) for each in found.addresses])
        self.assertEqual(["0000:00:02.1"], [str(each.address) for each in found.pci])
