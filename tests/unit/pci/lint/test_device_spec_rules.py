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

"""What is wrong with device specifications, one by one."""

import json

import testtools

from tests.unit.pci.lint.services import SPEC, YES, RuleCase, conf
from tests.unit.pci.lint.test_linter import service
from vfio_lm.pci import NovaRelease
from vfio_lm.pci.conf_text import DEVICE_SPEC, PERMIT_POST_COPY, REPORT_IN_PLACEMENT
from vfio_lm.pci.lint import device_spec_rules as rules
from vfio_lm.pci.lint.linter import lint

TRAIT = "HW_PCI_LIVE_MIGRATABLE"
REPORTS = (REPORT_IN_PLACEMENT, "true")


class SpecCase(RuleCase):
    def mended(self, rule, *specs, reports=False, **kwargs):
        pairs = [(DEVICE_SPEC, spec) for spec in specs]
        return self.corrections(rule, conf(*pairs, *([REPORTS] if reports else [])), **kwargs)

    def lines(self, rule, *specs, reports=False):
        pairs = [(DEVICE_SPEC, spec) for spec in specs]
        found = self.hits(rule, conf(*pairs, *([REPORTS] if reports else [])))
        return [hit.setting.line for hit in found]


class TestFields(SpecCase):
    def test_numbers_become_texts_and_an_address_makes_a_name_needless(self):
        number = {"vendor_id": 42}
        self.assertEqual([{"vendor_id": "0042"}], self.mended(rules.refused_specs, number))
        address = SPEC | {"address": "0000:81:00.1"}
        both = address | {"devname": "ens1f0"}
        self.assertEqual([address], self.mended(rules.refused_specs, both))

    def test_what_nova_refuses_all_the_same_is_left_to_a_human(self):
        for wrong in ({"vendor_id": "xyz"}, {"vendor_id": True}, {"address": "0000:81:20.9"}):
            self.assertEqual([None], self.mended(rules.refused_specs, wrong), wrong)

    def test_a_misspelt_key_is_renamed_and_an_unknown_one_goes(self):
        misspelt = SPEC | {"live_migrateable": "yes"}
        self.assertEqual([SPEC | YES], self.mended(rules.misspelt_keys, misspelt))
        self.assertEqual([], self.mended(rules.unknown_keys, misspelt))
        self.assertEqual([SPEC], self.mended(rules.unknown_keys, SPEC | {"colour": "blue"}))

    def test_a_misspelt_key_beside_the_right_one_goes(self):
        twice = SPEC | YES | {"live_migrateable": "no"}
        self.assertEqual([], self.mended(rules.misspelt_keys, twice))
        self.assertEqual([SPEC | YES], self.mended(rules.unknown_keys, twice))

    def test_a_field_of_an_address_is_named_right_where_it_can_be_guessed(self):
        for key, right in (("Bus", {"domain": ".*", "bus": "81"}), ("colour", None)):
            wrong = SPEC | {"address": {"domain": ".*", key: "81"}}
            expected = None if right is None else SPEC | {"address": right}
            self.assertEqual([expected], self.mended(rules.unknown_address_keys, wrong))

    def test_identifiers_are_written_as_nova_reads_them(self):
        short = {"vendor_id": "15b3", "product_id": "1e"}
        self.assertEqual(
            [short | {"product_id": "001e"}], self.mended(rules.short_identifiers, short)
        )
        self.assertEqual([], self.mended(rules.upper_case_identifiers, short))
        upper = SPEC | {"vendor_id": "15B3"}
        self.assertEqual([SPEC], self.mended(rules.upper_case_identifiers, upper))
        self.assertEqual([], self.mended(rules.short_identifiers, upper))

    def test_every_device_is_meant_where_nothing_narrows_it(self):
        self.assertEqual([1, 2], self.lines(rules.every_device, {}, {"address": "*:*:*.*"}, SPEC))

    def test_names_in_a_list_become_the_text_that_nova_reports(self):
        rule = rules.tags_that_are_no_text
        spec = SPEC | {"traits": ["CUSTOM_A", "CUSTOM_B"]}
        self.assertEqual(
            [SPEC | {"traits": "CUSTOM_A,CUSTOM_B"}], self.mended(rule, spec, reports=True)
        )
        self.assertEqual([None], self.mended(rule, SPEC | {"traits": [7]}, reports=True))
        self.assertEqual([], self.mended(rule, spec))

    def test_a_device_by_name_is_refused_only_where_it_is_reported(self):
        spec = {"devname": "ens1f0"}
        self.assertEqual([1], self.lines(rules.devnames_in_placement, spec, reports=True))
        self.assertEqual([], self.lines(rules.devnames_in_placement, spec))


class TestLiveMigratable(SpecCase):
    def test_with_a_physical_network_aliases_get_it_only_without_placement(self):
        neutron = SPEC | {"physical_network": "physnet1"}
        rule = rules.live_migratable_for_neutron
        self.assertEqual([neutron], self.mended(rule, neutron | YES, SPEC | YES, reports=True))
        self.assertEqual([None], self.mended(rule, neutron | YES, SPEC | YES))

    def test_before_2026_2_the_trait_has_to_be_in_the_tag(self):
        rule, old = rules.missing_trait, NovaRelease.R2025_1
        fast = SPEC | YES | {"traits": "CUSTOM_FAST"}
        right = [SPEC | YES | {"traits": TRAIT}, fast | {"traits": f"CUSTOM_FAST,{TRAIT}"}]
        self.assertEqual(right, self.mended(rule, SPEC | YES, fast, reports=True, release=old))
        self.assertEqual([], self.mended(rule, *right, SPEC, reports=True, release=old))
        self.assertEqual([], self.mended(rule, SPEC | YES, release=old))
        for release in (None, NovaRelease.R2026_2):
            self.assertEqual([], self.mended(rule, SPEC | YES, reports=True, release=release))

    def test_the_trait_without_yes_offers_what_nova_does_not_give(self):
        spec = SPEC | {"traits": TRAIT}
        self.assertEqual([spec | YES], self.mended(rules.trait_without_yes, spec, spec | YES, SPEC))

    def test_post_copy_is_permitted_where_nothing_can_migrate_only(self):
        permitted = (PERMIT_POST_COPY, "true")
        declared = conf((DEVICE_SPEC, SPEC | YES), permitted)
        self.assertEqual([(PERMIT_POST_COPY, "false")], self.settings(rules.post_copy, declared))
        self.assertEqual([], self.hits(rules.post_copy, conf((DEVICE_SPEC, SPEC), permitted)))

    def test_a_host_needs_its_hypervisor_once_and_even_for_a_no(self):
        no = SPEC | {"live_migratable": "no"}
        self.assertEqual([2], self.lines(rules.hypervisor_versions, SPEC, no, SPEC | YES))


_VF = {"vendor_id": "15b3", "product_id": "101e"}


class TestKeys(testtools.TestCase):
    def found(self, reports=True, **keys):
        """Return the rule, the reason and the correction of one key."""
        specs = [json.dumps(_VF | keys)]
        found = [f for f in lint([service(specs=specs, reports=reports)]) if "key" in f.rule]
        (only,) = found
        corrected = only.corrected.partition(" = ")[2]
        return only.rule, only.why, json.loads(corrected) if corrected else None

    def test_a_key_of_an_alias_is_dropped_and_never_renamed(self):
        for reports in (True, False):
            for key in ("name", "device_type", "numa_policy"):
                rule, why, corrected = self.found(reports, **{key: "h-gpu"})
                self.assertEqual(("spec-key-unknown", _VF), (rule, corrected))
                self.assertNotIn("did you mean", why)

    def test_a_key_that_is_close_to_one_of_novas_is_renamed(self):
        rule, why, corrected = self.found(physical_netwrok="tenant")
        self.assertEqual(
            ("spec-key-misspelt", _VF | {"physical_network": "tenant"}), (rule, corrected)
        )
        self.assertTrue(why.endswith("did you mean 'physical_network'?"))

    def test_a_name_that_nova_would_refuse_there_is_not_proposed(self):
        _, why, corrected = self.found(dev_name="eth0")
        self.assertEqual(_VF, corrected)
        self.assertNotIn("did you mean", why)
        _, why, corrected = self.found(False, dev_name="eth0")
        self.assertEqual(_VF | {"devname": "eth0"}, corrected)
        _, _, corrected = self.found(managedd="perhaps")
        self.assertEqual(_VF, corrected)
