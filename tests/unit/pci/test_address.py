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

"""Addresses are read as nova reads them and written in one way."""

import string

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova import exception
from nova.pci import devspec

from tests.unit import strategies
from vfio_lm.pci import PciAddress
from vfio_lm.pci.address import AddressError

_ADDRESSES = st.one_of(
    strategies.GLOBS,
    st.builds(
        "{:04X}:{:x}:{:02x}.{:o}".format,
        st.integers(0, 0x10000),
        st.integers(0, 0x100),
        st.integers(0, 0x20),
        st.integers(0, 8),
    ),
)


class TestAgainstNova(testtools.TestCase):
    @given(_ADDRESSES)
    def test_nova_reads_the_same_address(self, text):
        try:
            expected = str(devspec.PhysicalPciAddress(text))
        except (exception.PciConfigInvalidSpec, exception.PciDeviceWrongAddressFormat):
            expected = ""
        # Nova's class lets wildcards and negative numbers through: those are no addresses.
        if expected and set(expected) <= set(string.hexdigits + ":."):
            self.assertEqual(expected, str(PciAddress.parse(text)))
        else:
            self.assertRaises(AddressError, PciAddress.parse, text)


class TestPciAddress(testtools.TestCase):
    def test_the_canonical_text_reads_back(self):
        address = PciAddress.parse("0:81:A.1")
        self.assertEqual("0000:81:0a.1", str(address))
        self.assertEqual(address, PciAddress.parse(str(address)))

    def test_addresses_sort_as_numbers(self):
        texts = ["0000:81:0a.1", "0000:0a:00.0", "0000:81:09.7"]
        ordered = sorted(PciAddress.parse(text) for text in texts)
        self.assertEqual(["0000:0a:00.0", "0000:81:09.7", "0000:81:0a.1"], [*map(str, ordered)])

    def test_a_refusal_names_the_field(self):
        said = str(self.assertRaises(AddressError, PciAddress.parse, "0000:81:20.0"))
        self.assertEqual("PCI address '0000:81:20.0': slot '20' is larger than 1F", said)
