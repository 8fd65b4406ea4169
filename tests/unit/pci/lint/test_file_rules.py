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

"""What is wrong with a file whatever its values mean, and how it should be written."""

import json

from tests.unit.pci.lint.services import SPEC, VF, RuleCase, conf
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, PCI_IN_PLACEMENT
from vfio_lm.pci.lint import file_rules


class TestValues(RuleCase):
    def no_object(self, option, value):
        return self.corrections(file_rules.values_that_are_no_object, conf((option, value)))

    def test_python_s_quotes_and_a_comma_too_many_are_mended(self):
        self.assertEqual([VF], self.no_object(ALIAS, str(VF)))
        self.assertEqual([[SPEC]], self.no_object(DEVICE_SPEC, f"[{SPEC},]"))
        # Python has other words for true and null.
        with_null = json.dumps(VF | {"traits": None}).replace("}", ", }")
        self.assertEqual([VF | {"traits": None}], self.no_object(ALIAS, with_null))

    def test_what_cannot_be_guessed_is_left_to_a_human(self):
        for option, value in (
            (ALIAS, "vf"),
            (ALIAS, f"[{VF}]"),
            (DEVICE_SPEC, "[7,]"),
            (ALIAS, "7"),
        ):
            self.assertEqual([None], self.no_object(option, value), value)

    def test_of_a_key_that_stands_twice_the_last_value_is_kept(self):
        twice = conf((DEVICE_SPEC, '{"vendor_id": "8086", "vendor_id": "15b3"}'))
        self.assertEqual([{"vendor_id": "15b3"}], self.corrections(file_rules.repeated_keys, twice))

    def test_only_the_flag_that_counts_has_to_be_a_boolean(self):
        rule = file_rules.values_that_are_no_boolean
        perhaps, true = (PCI_IN_PLACEMENT, "perhaps"), (PCI_IN_PLACEMENT, "true")
        self.assertEqual([], self.hits(rule, conf(perhaps, true)))
        (hit,) = self.hits(rule, conf(true, perhaps))
        self.assertEqual((2, None), (hit.setting.line, hit.replacement))


class TestNames(RuleCase):
    def right(self, rule, name):
        return [option for option, _ in self.settings(rule, conf((name, "x")))]

    def test_a_misspelt_option_of_the_section_is_named_right(self):
        rule = file_rules.misspelt_options
        self.assertEqual([DEVICE_SPEC], self.right(rule, "[pci]device_specs"))
        self.assertEqual([], self.right(rule, "[nova]device_specs"))
        self.assertEqual([], self.right(rule, DEVICE_SPEC))
        (hit,) = self.hits(rule, conf(("[pci]colour", "blue")))
        self.assertIsNone(hit.replacement)

    def test_an_option_of_another_section_is_moved_and_not_misspelt(self):
        rule = file_rules.options_in_a_wrong_section
        for name, option in (
            ("[DEFAULT]alias", ALIAS),
            ("[nova]device_spec", DEVICE_SPEC),
            ("[pci]pci_in_placement", PCI_IN_PLACEMENT),
            ("[pci]pci_alias", ALIAS),
        ):
            self.assertEqual([option], self.right(rule, name))
            self.assertEqual([], self.right(file_rules.misspelt_options, name))

    def test_a_word_of_other_services_is_theirs(self):
        self.assertEqual([], self.right(file_rules.options_in_a_wrong_section, "[cache]alias"))

    def test_an_old_name_is_no_wrong_one(self):
        self.assertEqual([ALIAS], self.right(file_rules.old_names, "[DEFAULT]pci_alias"))
        for rule in (file_rules.options_in_a_wrong_section, file_rules.misspelt_options):
            self.assertEqual([], self.right(rule, "[DEFAULT]pci_alias"))
