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

"""One finding for each line, and no correction that nova would refuse in its place."""

import json

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit import strategies
from tests.unit.pci.lint.test_linter import nova_starts, service
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC
from vfio_lm.pci.lint.linter import Severity, lint

_VF = {"name": "vf", "vendor_id": "15b3", "product_id": "101e"}


def size(findings):
    return sum(len(each.why) + len(each.corrected) + len(each.value) for each in findings)


class TestOneLine(testtools.TestCase):
    def spec(self, number):
        address = f"0000:5e:{number >> 3:02x}.{number & 7}"
        return {
            "vendor_id": "19ee",
            "product_id": "6003",
            "dev_type": "type-VF",
            "address": address,
        }

    def test_a_list_has_one_finding_with_the_number_of_entries(self):
        value = json.dumps([self.spec(number) for number in range(59)])
        (found,) = lint([service(specs=[value])])
        self.assertTrue(found.why.startswith("59 entries of this line: nova gives the key"))
        corrected = json.loads(found.replacement.value)
        self.assertEqual(59, len(corrected))
        self.assertFalse(any("dev_type" in each for each in corrected))

    def test_the_output_grows_with_the_input_and_not_with_its_square(self):
        sizes = [
            size(lint([service(specs=[json.dumps([self.spec(n) for n in range(count)])])]))
            for count in (50, 200)
        ]
        self.assertLess(sizes[1], 5 * sizes[0])

    def test_different_reasons_are_named_and_counted(self):
        value = json.dumps([{"vendor_id": n} for n in range(10_000, 10_009)])
        found = next(f for f in lint([service(specs=[value])]) if f.rule == "spec-refused")
        self.assertLess(len(found.why), 500)

    def test_a_wide_entry_does_not_keep_the_others_from_being_corrected(self):
        alias = json.dumps(_VF | {"live_migratable": "yes", "device_type": "type-VF"})
        narrow = {"vendor_id": "15b3", "product_id": "101e"}
        value = json.dumps([{"vendor_id": "15b3"}, narrow])
        findings = lint([service([alias], [value])])
        found = next(f for f in findings if f.rule == "alias-without-device")
        self.assertEqual(
            [{"vendor_id": "15b3"}, narrow | {"live_migratable": "yes"}],
            json.loads(found.replacement.value),
        )
        self.assertIn("name them by product_id or address", found.why)


class TestInPlace(testtools.TestCase):
    def corrected(self, *aliases, **options):
        return [f.corrected for f in lint([service(aliases, **options)]) if f.corrected]

    def test_an_alias_that_nova_would_still_refuse_is_not_proposed(self):
        self.assertEqual([], self.corrected('{"name": "gpu", "address": "0000:81:00.0"}'))

    def test_two_mistakes_of_one_line_are_corrected_together(self):
        wrong = {"name": "vf", "vendor_id": "0x15b3", "product_id": "101e", "devtype": "type-VF"}
        right = _VF | {"device_type": "type-VF"}
        for line in self.corrected(json.dumps(wrong)):
            self.assertEqual(right, json.loads(line.partition(" = ")[2]))

    def test_tags_are_not_given_to_devices_of_another_kind(self):
        specs = [
            '{"vendor_id": "15b3", "address": "0000:81:00.1", "resource_class": "CUSTOM_NIC"}',
            '{"vendor_id": "15b3", "product_id": "101e", "address": "0000:81:00.*"}',
        ]
        found = [f for f in lint([service(specs=specs, reports=True)]) if "disagree" in f.rule]
        self.assertEqual([""], [each.corrected for each in found])

    @given(
        st.lists(strategies.ALIAS_VALUES, max_size=2),
        st.lists(strategies.DEVICE_SPEC_VALUES, max_size=2),
        st.booleans(),
    )
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_nova_takes_each_corrected_line(self, aliases, specs, reports):
        if any("devname" in value for value in specs):
            return  # depends on the interfaces of the host
        for found in lint([service(aliases, specs, in_placement=True, reports=reports)]):
            if found.in_place is None or found.severity is Severity.INFO:
                continue
            value = found.in_place.value
            options = {"in_placement": True, "reports": reports}
            if found.in_place.option == ALIAS:
                self.assertTrue(nova_starts([value], [], **options), value)
            elif found.in_place.option == DEVICE_SPEC:
                self.assertTrue(nova_starts([], [value], **options), value)
