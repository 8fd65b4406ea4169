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

"""The address of a device specification means what it means to nova."""

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova.pci import devspec

from tests.unit import strategies
from tests.unit.nova_rules import on_host
from vfio_lm.pci import Device, DeviceKind, PciAddress
from vfio_lm.pci.address import FIELDS, AddressError
from vfio_lm.pci.address_pattern import parse_address_pattern

_PLACES = st.builds(
    PciAddress,
    domain=st.sampled_from([0, 1]),
    bus=st.sampled_from([0x0A, 0x81]),
    slot=st.sampled_from([0, 1]),
    function=st.integers(0, 7),
)

_EXACT = st.builds(
    lambda place, is_regex: (
        dict(zip(FIELDS, place.fields, strict=True)) if is_regex else str(place)
    ),
    _PLACES,
    st.booleans(),
)


class TestAgainstNova(testtools.TestCase):
    @given(_EXACT | strategies.ADDRESS_VALUES, _PLACES, st.none() | _PLACES)
    def test_nova_matches_the_same_addresses(self, value, address, parent):
        functions = []
        if parent is not None:
            functions.append(Device(parent, "8086", "1515", DeviceKind.PF))
        with on_host(functions):
            try:
                spec = devspec.WhitelistPciAddress(value, False)
            except Exception:  # noqa: BLE001 - nova stops with any of them
                self.assertRaises(AddressError, parse_address_pattern, value)
                return
            expected = spec.match(str(address), str(parent) if parent else None)
        pattern = parse_address_pattern(value)
        self.assertEqual(expected, pattern.matches(address, parent))
        self.assertEqual(
            tuple(
                getattr(spec.pci_address_spec, name) for name in ("domain", "bus", "slot", "func")
            ),
            pattern.fields,
        )

    def test_nova_takes_the_address_of_a_pf_for_its_vfs(self):
        pf, vf = PciAddress(0, 0x81, 0, 0), PciAddress(0, 0x81, 2, 1)
        for value in ("0000:81:00.0", dict(zip(FIELDS, pf.fields, strict=True))):
            with on_host([Device(pf, "8086", "1515", DeviceKind.PF)]):
                self.assertTrue(devspec.WhitelistPciAddress(value, False).match(str(vf), str(pf)))
            self.assertTrue(parse_address_pattern(value).matches(vf, pf))
            self.assertFalse(parse_address_pattern(value).matches(vf))


class TestMessages(testtools.TestCase):
    def refusal(self, value):
        return str(self.assertRaises(AddressError, parse_address_pattern, value))

    def test_a_field_beyond_the_limit_is_named(self):
        self.assertIn("domain '10000' is larger than FFFF", self.refusal("10000:81:00.0"))

    def test_a_broken_regular_expression_is_named(self):
        said = self.refusal({"bus": "0[1-"})
        self.assertIn("bus '0[1-' is not a regular expression: unterminated character set", said)

    def test_a_number_is_no_address(self):
        self.assertIn("neither a text nor an object", self.refusal(81))
