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

"""Devices in a domain's XML change all at once, and nothing else does."""

import contextlib
import os
import sys

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from nova.virt.libvirt import migration

from tests.unit.compute import domains
from vfio_lm.compute.domain.devices import (
    LARGEST_BYTES,
    LARGEST_DEPTH,
    DomainXmlError,
    read_devices,
)
from vfio_lm.compute.domain.remap import (
    ArgumentDeviceError,
    NotInDomainError,
    RemapError,
    SharedDestinationError,
    UnmappedDeviceError,
    hostdev_addresses,
    remap,
)
from vfio_lm.compute.domain.schema import LIBVIRT_SCHEMA, DomainSchema
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.address import AddressError

A, B, C = "0000:81:00.1", "0000:81:00.2", "0000:81:01.7"
X, Y = "a297db4a-f4c2-11e6-90f6-d3b88d6c9525", "b297db4a-f4c2-11e6-90f6-d3b88d6c9525"


def texts(addresses):
    return [str(address) for address in addresses]


class TestRemap(testtools.TestCase):
    def test_two_devices_change_places(self):
        xml = domains.domain(A, B).xml()
        self.assertEqual([B, A], texts(hostdev_addresses(remap(xml, {A: B, B: A}))))

    def test_a_chain_moves_each_device_once(self):
        xml = domains.domain(A, B).xml()
        self.assertEqual([B, C], texts(hostdev_addresses(remap(xml, {A: B, B: C}))))

    def test_a_device_that_is_not_in_the_map_stays(self):
        xml = domains.domain(A, B).xml()
        self.assertEqual([C, B], texts(hostdev_addresses(remap(xml, {A: C}))))

    def test_a_network_interface_is_a_device_too(self):
        xml = domains.domain(A, kind="interface").xml()
        self.assertEqual([B], texts(hostdev_addresses(remap(xml, {A: B}))))

    def test_mediated_devices_change_places(self):
        xml = domains.domain(A, uuids=[X, Y]).xml()
        changed = remap(xml, {}, mdevs={X: Y, Y: X})
        self.assertEqual([Y, X], [each.uuid for each in read_devices(changed.encode()).mdevs])

    def test_numbers_are_read_as_libvirt_reads_them(self):
        xml = domains.domain(A).xml()
        xml = xml.replace(
            "domain='0x0000' bus='0x81' slot='0x00' function='0x1'/>\n      </source>",
            "bus='129' slot='00' function='01'/>\n      </source>",
        )
        self.assertEqual([A], texts(hostdev_addresses(xml)))
        changed = remap(xml, {A: "0001:81:00.2"})
        self.assertIn("<address domain='0x0001' bus='129' slot='00' function='0x2'/>", changed)

    def test_the_text_around_stays_as_it_is(self):
        xml = domains.domain(A, B, uuids=[X]).xml()
        self.assertEqual(xml, remap(xml, {A: A}, mdevs={X.upper(): X}))
        self.assertEqual("\ufeff" + xml, remap("\ufeff" + xml, {}))


class TestErrors(testtools.TestCase):
    def assert_error(self, kind, text, xml, mapping, **options):
        error = self.assertRaises(kind, remap, xml, mapping, **options)
        self.assertIsInstance(error, VfioLmError)
        self.assertIn(text, str(error))
        self.assertEqual(1, len(str(error).splitlines()))

    def test_an_address_that_the_domain_does_not_have(self):
        self.assert_error(
            NotInDomainError,
            f"PCI device {B} is in the map, but not in the domain XML, which has {A}",
            domains.domain(A).xml(),
            {B: C},
        )
        self.assert_error(NotInDomainError, X, domains.domain(A).xml(), {}, mdevs={X: Y})

    def test_two_devices_to_one_address(self):
        xml = domains.domain(A, B, uuids=[X, Y]).xml()
        self.assert_error(SharedDestinationError, f"PCI device {C}", xml, {A: C, B: C})
        self.assert_error(SharedDestinationError, f"PCI device {B}", xml, {A: B})
        self.assert_error(SharedDestinationError, X, xml, {}, mdevs={Y: X})

    def test_the_address_of_an_nvme_disk(self):
        disk = (
            "<disk type='nvme'><source type='pci'><address domain='0x0000' bus='0x81' "
            "slot='0x00' function='0x2'/></source></disk></devices>\n  <qemu"
        )
        xml = domains.domain(A).xml().replace("</devices>\n  <qemu", disk)
        self.assertEqual([A], texts(hostdev_addresses(xml)))
        self.assert_error(SharedDestinationError, f"PCI device {B}", xml, {A: B})

    def test_a_device_that_is_not_in_a_strict_map(self):
        xml = domains.domain(A, B, uuids=[X]).xml()
        self.assert_error(UnmappedDeviceError, f"PCI device {B}", xml, {A: C}, strict=True)
        self.assert_error(
            UnmappedDeviceError, f"mediated device {X}", xml, {A: C, B: B}, strict=True
        )

    def test_a_device_in_an_argument_cannot_be_mapped_and_is_refused_where_all_have_to_be(self):
        argument = f"<qemu:arg value='-device'/><qemu:arg value='vfio-pci,host={B}'/>"
        xml = domains.domain(A).xml().replace("<qemu:commandline>", f"<qemu:commandline>{argument}")
        said = f"passes {B} to QEMU as an argument (vfio-pci,host={B})"
        self.assert_error(ArgumentDeviceError, said, xml, {A: C}, strict=True)
        self.assert_error(ArgumentDeviceError, said, xml, {B: C})
        self.assert_error(SharedDestinationError, f"PCI device {B}", xml, {A: B})
        self.assertEqual([C], texts(hostdev_addresses(remap(xml, {A: C}))))

    def test_a_map_that_is_none(self):
        xml = domains.domain(A, uuids=[X]).xml()
        self.assert_error(AddressError, "PCI address '81:00'", xml, {A: "81:00"})
        self.assert_error(AddressError, "larger than 7", xml, {"0000:81:00.8": A})
        self.assert_error(
            RemapError, f"the map has the PCI device {A} twice", xml, {A: B, "0:81:0.1": C}
        )
        self.assert_error(RemapError, "'x' is not a UUID", xml, {}, mdevs={X: "x"})

    def test_a_domain_with_one_device_twice(self):
        xml = domains.domain(A, A).xml()
        self.assert_error(DomainXmlError, f"has the PCI device {A} twice", xml, {})

    def test_xml_that_libvirt_would_refuse(self):
        whole = domains.domain(A).xml()
        source = whole[whole.index("      <source>") : whole.index("      <alias")]
        for text, xml in (
            ("no element found", ""),
            ("the outermost element is network", "<network/>"),
            ("line 11, column 5: mismatched tag", whole.replace("</metadata>", "</x>", 1)),
            ("has 0 source elements", whole.replace(source, "")),
            ("has 2 source elements", whole.replace(source, source * 2)),
            ("bus '1ff' is larger than FF", whole.replace("bus='0x81' slot='0x00'", "bus='0x1ff'")),
            ("function '08' is not a number", whole.replace("function='0x1'", "function='08'")),
            ("none of Unicode's", "<domain>\ud800</domain>"),
        ):
            self.assert_error(DomainXmlError, text, xml, {})

    def test_xml_that_is_hostile(self):
        laughs = "<!DOCTYPE domain [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><domain>&b;</domain>"
        foreign = "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>"
        for xml in (laughs, foreign):
            self.assert_error(DomainXmlError, "has a document type declaration", xml, {})
        deep = LARGEST_DEPTH + 1
        self.assert_error(DomainXmlError, "nested deeper", "<domain>" * deep, {})
        self.assert_error(DomainXmlError, "is larger than 8 MiB", " " * (LARGEST_BYTES + 1), {})


class TestProperties(testtools.TestCase):
    @given(domains.DOMAINS, st.data())
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_any_injective_map_is_applied_at_once_and_its_inverse_restores(self, domain, data):
        there = data.draw(
            st.lists(
                st.sampled_from(domain.addresses) | domains.ADDRESSES
                if domain.addresses
                else domains.ADDRESSES,
                min_size=len(domain.addresses),
                max_size=len(domain.addresses),
                unique=True,
            )
        )
        uuids = data.draw(st.permutations(domain.uuids))
        mapping = dict(data.draw(st.permutations(list(zip(domain.addresses, there, strict=True)))))
        mdevs = dict(zip(domain.uuids, uuids, strict=True))
        changed = remap(domain.xml(), mapping, mdevs=mdevs, strict=True)
        self.assertEqual(domain.xml(there, uuids), changed)
        back = {to: source for source, to in mapping.items()}
        mdevs_back = {to: source for source, to in mdevs.items()}
        self.assertEqual(domain.xml(), remap(changed, back, mdevs=mdevs_back, strict=True))

    @given(domains.HOSTDEV_DOMAINS, st.data())
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_nova_does_the_same_where_addresses_do_not_overlap(self, domain, data):
        free = domains.ADDRESSES.filter(lambda address: address not in domain.addresses)
        there = data.draw(st.lists(free, max_size=len(domain.addresses), unique=True))
        mapping = dict(zip(texts(domain.addresses), texts(there), strict=False))
        ours = etree.fromstring(remap(domain.xml(), mapping).encode())
        novas = migration._update_pci_dev_xml(etree.fromstring(domain.xml().encode()), mapping)
        self.assertEqual(etree.tostring(novas), etree.tostring(ours))

    def test_nova_does_something_else_where_addresses_overlap(self):
        for mapping, right, wrong in (
            ({A: B, B: A}, [B, A], [A, B]),
            ({A: B, B: C}, [B, C], [C, B]),
        ):
            xml = domains.domain(A, B).xml()
            changed = migration._update_pci_dev_xml(etree.fromstring(xml.encode()), mapping)
            self.assertEqual(wrong, texts(hostdev_addresses(etree.tostring(changed).decode())))
            self.assertEqual(right, texts(hostdev_addresses(remap(xml, mapping))))

    @given(domains.DOMAINS, st.data())
    @settings(suppress_health_check=[HealthCheck.too_slow], max_examples=20)
    def test_the_result_follows_libvirts_schema_as_the_domain_does(self, domain, data):
        if not os.path.exists(LIBVIRT_SCHEMA):
            self.skipTest(f"libvirt's schema is not here: {LIBVIRT_SCHEMA}")
        schema = DomainSchema()
        there = data.draw(st.permutations(domain.addresses))
        changed = remap(domain.xml(), dict(zip(domain.addresses, there, strict=True)))
        self.assertIsNone(schema.mistake(domain.xml()))
        self.assertIsNone(schema.mistake(changed))


def look_at(content):
    """Change a domain that may be none; what is accepted has each device once."""
    with contextlib.suppress(VfioLmError):
        devices = read_devices(content)
        addresses = [source.address for source in devices.pci]
        there = [*addresses[1:], *addresses[:1]]
        changed = remap(content.decode(), dict(zip(addresses, there, strict=True)))
        accepted = read_devices(changed.encode()).addresses
        assert len(set(accepted)) == len(accepted), accepted
        assert [*accepted[: len(there)]] == there
        return True
    return False


class TestAnyInput(testtools.TestCase):
    """No traceback and no device twice, whatever the text holds."""

    @given(domains.BYTES)
    def test_bytes(self, content):
        look_at(content)

    @given(domains.BROKEN)
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_broken_domains(self, content):
        look_at(content)


def loop(name, contents, count, look):
    """Look at many more inputs than a test run has time for."""
    seen = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(contents)
    def each(content):
        seen.append((content, look(content)))

    each()
    different = len({content for content, _ in seen})
    accepted = sum(bool(result) for _, result in seen)
    print(f"{name}: {len(seen)} inputs, {different} different, {accepted} accepted, no traceback")


if __name__ == "__main__":  # python -m tests.unit.compute.domain.test_remap 50000
    loop("bytes", domains.BYTES, int(sys.argv[1]), look_at)
    loop("broken domains", domains.BROKEN, int(sys.argv[1]), look_at)
