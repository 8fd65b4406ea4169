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

"""What nova makes of names in a traits tag, and what was meant."""

import json

import testtools

from tests.unit.pci.lint.services import SPEC, VF, RuleCase, conf
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, ConfText, Setting
from vfio_lm.pci.lint import trait_rules
from vfio_lm.pci.lint.linter import Service, lint

TRAIT = "HW_PCI_LIVE_MIGRATABLE"


class TestTraits(RuleCase):
    def mended(self, rule, text):
        """Return the traits that should stand there, of an alias and of a specification alike."""
        service = conf((ALIAS, VF | {"traits": text}), (DEVICE_SPEC, SPEC | {"traits": text}))
        found = [each.get("traits") for each in self.corrections(rule, service)]
        of_alias, of_spec = found[: len(found) // 2], found[len(found) // 2 :]
        self.assertEqual(of_alias, of_spec)
        return of_spec

    def test_a_negated_trait_goes_and_the_others_stay(self):
        rule = trait_rules.negated_traits
        self.assertEqual([TRAIT], self.mended(rule, f"!CUSTOM_A,{TRAIT}, !CUSTOM_B"))
        self.assertEqual([None], self.mended(rule, f"!{TRAIT}"))
        self.assertEqual([], self.mended(rule, TRAIT))

    def test_blanks_and_nothing_between_two_commas_go(self):
        rule = trait_rules.blanks_in_traits
        self.assertEqual([f"{TRAIT},CUSTOM_A"], self.mended(rule, f"{TRAIT}, CUSTOM_A,"))
        self.assertEqual([], self.mended(rule, f"{TRAIT},CUSTOM_A"))

    def test_a_name_that_is_nearly_a_standard_one_becomes_it(self):
        rule = trait_rules.misspelt_traits
        slip = "HW_PCI_LIVE_MIGRATEABLE"
        self.assertEqual([f"CUSTOM_A,{TRAIT}"], self.mended(rule, f"CUSTOM_A,{slip}"))
        self.assertEqual([f"!{TRAIT}"], self.mended(rule, "!hw_pci_live_migratable"))

    def test_custom_traits_and_other_names_are_left_alone(self):
        for text in ("CUSTOM_PCI_LIVE_MIGRATABLE", "custom_blue", "BLUE", TRAIT):
            self.assertEqual([], self.mended(trait_rules.misspelt_traits, text), text)

    def test_the_reason_names_the_trait_that_nova_makes(self):
        service = conf((DEVICE_SPEC, SPEC | {"traits": f"!{TRAIT}"}))
        (hit,) = self.hits(trait_rules.negated_traits, service)
        self.assertIn(f"CUSTOM__{TRAIT}", hit.why)


class TestMisspelt(testtools.TestCase):
    def hints(self, traits):
        value = json.dumps({"vendor_id": "8086", "product_id": "1515", "traits": traits})
        setting = Setting(DEVICE_SPEC, value, "nova.conf", 1)
        found = lint([Service("compute1", ConfText(("nova.conf",), (setting,)))])
        return [each.why for each in found if each.rule == "trait-misspelt"]

    def test_a_trait_that_an_older_os_traits_lacks_is_spelt_right(self):
        # os-traits 3.3.0, which tox -e lower installs
        self.assertEqual([], self.hints("HW_PCI_ONE_TIME_USE"))

    def test_a_name_close_to_it_is_not(self):
        (hint,) = self.hints("HW_PCI_ONE_TIMES_USE")
        self.assertIn("did you mean HW_PCI_ONE_TIME_USE?", hint)
