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

"""What is wrong with an alias, and the definition that was probably meant."""

import json

from tests.unit.pci.lint.services import VF, YES, RuleCase, conf
from vfio_lm.pci.conf_text import ALIAS, PCI_IN_PLACEMENT
from vfio_lm.pci.lint import alias_rules

TRAIT = "HW_PCI_LIVE_MIGRATABLE"
ON, OFF = (PCI_IN_PLACEMENT, "true"), (PCI_IN_PLACEMENT, "false")


class AliasCase(RuleCase):
    def mended(self, rule, *aliases, placement=OFF):
        pairs = ((ALIAS, alias) for alias in aliases)
        return self.corrections(rule, conf(placement, *pairs))


class TestKeys(AliasCase):
    def test_a_misspelt_key_is_renamed(self):
        wrong = VF | {"device_typ": "type-VF"}
        right = VF | {"device_type": "type-VF"}
        self.assertEqual([right], self.mended(alias_rules.unknown_keys, wrong))

    def test_a_key_without_meaning_or_with_a_better_one_beside_it_goes(self):
        right = VF | {"device_type": "type-VF"}
        for key in ("colour", "device_typ"):
            self.assertEqual([right], self.mended(alias_rules.unknown_keys, right | {key: "x"}))


class TestValues(AliasCase):
    def test_what_was_meant_is_guessed(self):
        for key, written, meant in (
            ("live_migratable", True, "yes"),
            ("live_migratable", False, "no"),
            ("vendor_id", "0x15B3", "15b3"),
            ("product_id", 42, "0042"),
            ("device_type", "vf", "type-VF"),
            ("device_type", "type_vf", "type-VF"),
            ("numa_policy", "Legcy", "legacy"),
            ("traits", [TRAIT, "CUSTOM_A"], f"{TRAIT},CUSTOM_A"),
        ):
            right = [VF | {key: meant}]
            self.assertEqual(right, self.mended(alias_rules.wrong_values, VF | {key: written}))

    def test_a_guess_that_nova_refuses_is_none(self):
        for key, written in (("vendor_id", "15b30"), ("numa_policy", "x"), ("name", 7)):
            self.assertEqual([None], self.mended(alias_rules.wrong_values, VF | {key: written}))

    def test_a_name_that_no_flavor_can_use_is_changed(self):
        wrong = VF | {"name": "a:b,c "}
        self.assertEqual([VF | {"name": "a-b-c"}], self.mended(alias_rules.unusable_names, wrong))

    def test_a_property_that_no_device_has_goes(self):
        wrong = VF | {"capability_type": "pci"}
        self.assertEqual([VF], self.mended(alias_rules.capability_types, wrong))

    def test_identifiers_in_upper_case_become_lower(self):
        wrong = VF | {"vendor_id": "15B3"}
        self.assertEqual([VF], self.mended(alias_rules.upper_case_identifiers, wrong))
        self.assertEqual([], self.mended(alias_rules.upper_case_identifiers, VF))


class TestIdentifiers(AliasCase):
    by_class = (ALIAS, {"name": "gpu", "resource_class": "gpu"})

    def test_without_placement_a_resource_class_is_not_enough(self):
        rule = alias_rules.missing_identifiers
        for pairs in ((OFF, self.by_class), (self.by_class,)):
            self.assertEqual([ON], self.settings(rule, conf(*pairs)))
        (hit,) = self.hits(rule, conf(self.by_class, OFF))
        self.assertEqual(2, hit.replacement.line)
        self.assertEqual([], self.hits(rule, conf(ON, self.by_class)))

    def test_an_alias_that_names_nothing_is_left_to_a_human(self):
        self.assertEqual([None], self.mended(alias_rules.missing_identifiers, {"name": "vf"}))


class TestLiveMigratable(AliasCase):
    def test_one_yes_asks_for_yes_everywhere(self):
        rule = alias_rules.mixed_live_migratable
        self.assertEqual([VF | YES], self.mended(rule, VF | YES, VF))
        self.assertEqual([], self.mended(rule, VF | {"live_migratable": "no"}, VF))

    def test_the_trait_joins_those_that_are_there(self):
        rule, placement = alias_rules.missing_trait, ON
        fast = VF | YES | {"traits": "CUSTOM_FAST"}
        both = fast | {"traits": f"CUSTOM_FAST,{TRAIT}"}
        self.assertEqual([both], self.mended(rule, fast, placement=placement))
        self.assertEqual([], self.mended(rule, both, VF, placement=placement))
        self.assertEqual([], self.mended(rule, fast))

    def test_the_trait_without_yes_is_no_promise(self):
        rule = alias_rules.trait_without_yes
        alias = VF | {"traits": TRAIT}
        self.assertEqual([alias | YES], self.mended(rule, alias))
        self.assertEqual([], self.mended(rule, alias | YES, VF))


class TestSeveralServices(AliasCase):
    def test_traits_count_where_another_service_asks_placement(self):
        rule = alias_rules.fields_without_placement
        compute = conf(OFF, (ALIAS, VF | {"traits": TRAIT}), label="compute1")
        self.assertEqual(["compute1"], self.labels(rule, compute))
        self.assertEqual([], self.labels(rule, conf(ON), compute))

    def test_the_first_service_says_what_an_alias_means(self):
        rule = alias_rules.differing_definitions
        api = conf((ALIAS, VF | YES))
        compute = conf((ALIAS, VF), label="compute1")
        self.assertEqual([VF | YES], self.corrections(rule, api, compute))
        self.assertEqual(["compute1"], self.labels(rule, api, compute))

    def test_another_spelling_is_no_other_meaning(self):
        api = conf((ALIAS, VF | {"traits": f"CUSTOM_A,{TRAIT}"}))
        other = {"vendor_id": "15B3", "traits": f"{TRAIT},CUSTOM_A"}
        compute = conf((ALIAS, VF | other))
        self.assertEqual([], self.hits(alias_rules.differing_definitions, api, compute))

    def test_which_of_several_definitions_is_too_many_only_a_human_knows(self):
        api = conf((ALIAS, VF))
        compute = conf((ALIAS, VF), (ALIAS, VF | {"product_id": "101c"}))
        rule = alias_rules.differing_definitions
        self.assertEqual([None, None], self.corrections(rule, api, compute))

    def test_a_definition_that_is_missing_is_that_of_the_other_service(self):
        rule = alias_rules.missing_definitions
        api = conf((ALIAS, VF))
        self.assertEqual([(ALIAS, json.dumps(VF))], self.settings(rule, api, conf(OFF)))

    def test_a_definition_that_is_there_and_wrong_is_not_missing(self):
        api = conf((ALIAS, VF))
        for value in (VF | {"vendor_id": 7}, "{"):
            found = self.hits(alias_rules.missing_definitions, api, conf((ALIAS, value)))
            self.assertEqual([], found, value)
