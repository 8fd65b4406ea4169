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

"""Device specifications mean what they mean to nova."""

import copy
import json

import testtools
from hypothesis import example, given
from hypothesis import strategies as st
from nova import exception
from nova.pci import whitelist

from tests.unit import strategies
from tests.unit.nova_rules import configured, on_host, pci_device
from vfio_lm.pci import LiveMigratable, PciAddress, first_match, parse_device_specs
from vfio_lm.pci.device_spec import DeviceSpecError

_SAID = {"true": LiveMigratable.YES, "false": LiveMigratable.NO, None: LiveMigratable.UNSPECIFIED}
_INTERFACES = {"pf0": PciAddress(0, 0x0A, 0, 0), "vf0": PciAddress(0, 0x0A, 0, 1)}


class TestAgainstNova(testtools.TestCase):
    """The same values are given to nova 34's own parser."""

    @given(st.lists(strategies.DEVICE_SPEC_VALUES, max_size=3), st.booleans())
    @example(['{"vendor_id": " * "}'], False)
    @example(['{"product_id": " * "}'], False)
    @example(['{"vendor_id": " 8086 ", "product_id": " 1515 "}'], False)
    def test_nova_accepts_and_refuses_the_same_values(self, values, report_in_placement):
        with configured(report_in_placement=report_in_placement), on_host(interfaces=_INTERFACES):
            try:
                expected = whitelist.Whitelist(values).specs
            except exception.PciDeviceRemoteManagedNotPresent:
                return  # depends on the interfaces of the host
            except Exception:  # noqa: BLE001 - nova-compute stops with any of them
                expected = None
        try:
            specs = parse_device_specs(values, report_in_placement=report_in_placement)
        except DeviceSpecError:
            self.assertIsNone(expected)
            return
        self.assertEqual(
            [(each.vendor_id, each.product_id, each.get_tags()) for each in expected],
            [(each.vendor_id or "*", each.product_id or "*", dict(each.tags)) for each in specs],
        )
        self.assertEqual(
            [_SAID[each.get_tags().get("live_migratable")] for each in expected],
            [each.live_migratable for each in specs],
        )

    @given(
        st.lists(strategies.USABLE_DEVICE_SPECS, max_size=4)
        | st.lists(strategies.DEVICE_SPECS | strategies.USABLE_DEVICE_SPECS, max_size=4),
        strategies.HOSTS,
    )
    def test_nova_finds_the_same_specification_for_each_device(self, fields, devices):
        values = [json.dumps(each) for each in fields]
        try:
            specs = parse_device_specs(values, report_in_placement=True)
        except DeviceSpecError:
            return  # refused by nova as well, see above
        with configured(report_in_placement=True), on_host(devices, _INTERFACES):
            try:
                expected = whitelist.Whitelist(copy.copy(values))
            except (
                exception.PciDeviceNotFoundById,
                exception.PciDeviceRemoteManagedNotPresent,
            ):
                return  # a remotely managed PF: depends on what sysfs says of it
            for device in devices:
                spec = first_match(specs, device, interfaces=_INTERFACES)
                nova_spec = expected.get_devspec(pci_device(device))
                self.assertEqual(
                    expected.specs.index(nova_spec) if nova_spec else None,
                    specs.index(spec) if spec else None,
                )


class TestMessages(testtools.TestCase):
    """What an operator reads about a wrong specification names the value and the mistake."""

    def refusal(self, value, **kwargs):
        return str(self.assertRaises(DeviceSpecError, parse_device_specs, [value], **kwargs))

    def test_broken_json_is_shown(self):
        self.assertIn("{'vendor_id': 1}: not valid JSON", self.refusal("{'vendor_id': 1}"))

    def test_deep_json_is_refused_without_a_traceback(self):
        self.assertIn("too deeply nested", self.refusal("[" * 100_000))

    def test_a_number_for_an_id_is_named(self):
        self.assertIn("vendor_id is not a text", self.refusal('{"vendor_id": 8086}'))

    def test_a_live_migratable_that_is_no_boolean_is_refused(self):
        said = self.refusal('{"live_migratable": "maybe"}')
        self.assertIn("live_migratable: Unrecognized value 'maybe'", said)

    def test_one_time_use_needs_placement(self):
        value = '{"one_time_use": "yes"}'
        self.assertIn("needs [pci]report_in_placement", self.refusal(value))
        self.assertTrue(parse_device_specs([value], report_in_placement=True)[0].is_one_time_use)
