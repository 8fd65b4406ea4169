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

"""PCI flavors: what they mean, who uses them, and how they change."""

import testtools
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.inventory.cloud import ALIAS, ALIASES, TRAIT, flavor, server
from vfio_lm.inventory.flavor import (
    FlavorChange,
    FlavorError,
    alias_use,
    change,
    current_counts,
    desired_specs,
    keeps_host_trait,
    parse_counts,
    pci_flavors,
    refuse_while_in_use,
    without,
)
from vfio_lm.pci.alias_traits import Meaning

_SPECS = st.dictionaries(st.sampled_from("abcde"), st.sampled_from("123"))
_COUNTS = st.dictionaries(
    st.sampled_from(["vf", "nic", "a b", "ü"]), st.integers(min_value=1, max_value=9)
)


class TestFlavors(testtools.TestCase):
    def test_only_flavors_with_aliases_and_their_servers_are_counted(self):
        pci, plain = flavor("pci", "yes:1"), flavor("plain")
        servers = [server("a", pci), server("b", pci), server("c", plain)]
        (found,) = pci_flavors([pci, plain], servers, ALIASES)
        self.assertEqual(("pci", 2, 0), (found.flavor.name, found.servers, found.outdated_servers))

    def test_servers_that_asked_for_something_else_are_outdated(self):
        servers = [server("a", flavor("pci", "no:1")), server("b", flavor("pci"))]
        servers.append(server("c", flavor("pci", "yes:1")))
        (found,) = pci_flavors([flavor("pci", "yes:1")], servers, ALIASES)
        self.assertEqual((3, 2), (found.servers, found.outdated_servers))

    def test_what_nova_cannot_read_is_malformed(self):
        use = alias_use({ALIAS: "yes"}, ALIASES)
        self.assertEqual((Meaning.MALFORMED, {}), (use.meaning, use.counts))

    def test_an_alias_named_twice_counts_twice(self):
        self.assertEqual({"yes": 3}, alias_use({ALIAS: "yes:1,yes:2"}, ALIASES).counts)


class TestCounts(testtools.TestCase):
    def test_one_is_meant_where_no_number_is_given(self):
        self.assertEqual({"vf": 1, "nic": 2}, parse_counts(["vf", " nic:2"]))

    def test_what_nova_would_read_otherwise_is_refused(self):
        for item in (
            "",
            ":1",
            "vf:",
            "vf:0",
            "vf:-1",
            "vf:x",
            "vf:" + "9" * 5000,
            "vf:1:2",
            "a,b",
            "vf:1,nic:2",
            "vf:²",
        ):
            error = self.assertRaises(FlavorError, parse_counts, [item])
            self.assertIn(f"'{item}'", str(error))
        self.assertRaises(FlavorError, parse_counts, ["vf", "vf:2"])

    @given(_COUNTS)
    def test_what_is_written_is_what_nova_reads(self, counts):
        self.assertEqual(counts, current_counts(desired_specs({}, counts)))


class TestChange(testtools.TestCase):
    @given(_SPECS, _SPECS)
    def test_applied_it_leads_there_and_is_empty_then(self, before, after):
        wanted = change(before, after)
        applied = {k: v for k, v in (before | wanted.set).items() if k not in wanted.unset}
        self.assertEqual(after, applied)
        self.assertTrue(change(applied, after).is_empty)

    def test_other_extra_specs_are_not_touched(self):
        before = {"hw:x": "1", ALIAS: "no:1", TRAIT: "forbidden"}
        after = desired_specs(before, {"yes": 2}, group_policy="none", aliases=ALIASES)
        self.assertEqual(
            {"hw:x": "1", ALIAS: "yes:2", TRAIT: "forbidden", "group_policy": "none"}, after
        )
        self.assertTrue(keeps_host_trait(change(before, after), after))

    def test_the_host_trait_follows_the_aliases(self):
        for counts, expected in (
            ({"yes": 1}, "required"),
            ({"no": 1}, "forbidden"),
            ({"unspecified": 1}, None),
            ({"yes": 1, "unspecified": 1}, "required"),
        ):
            before = {TRAIT: "forbidden"}
            after = desired_specs(before, counts, host_trait=True, aliases=ALIASES)
            self.assertEqual(expected, after.get(TRAIT), counts)

    def test_a_trait_that_follows_the_aliases_is_not_kept_by_mistake(self):
        before = {ALIAS: "yes:1", TRAIT: "required"}
        after = desired_specs(before, {"no": 1}, host_trait=True, aliases=ALIASES)
        self.assertFalse(keeps_host_trait(change(before, after), after))

    def test_what_cannot_be_told_is_refused(self):
        for counts, aliases, words in (
            ({"yes": 1, "no": 1}, ALIASES, "no host is both"),
            ({"yes": 1}, None, "--nova-conf"),
            ({"gone": 1}, ALIASES, "gone is not defined"),
        ):
            error = self.assertRaises(
                FlavorError, desired_specs, {}, counts, host_trait=True, aliases=aliases
            )
            self.assertIn(words, str(error))

    def test_an_undefined_alias_may_stay_but_not_come(self):
        before = {ALIAS: "gone:1"}
        after = desired_specs(before, {"gone": 1, "yes": 1}, aliases=ALIASES)
        self.assertEqual("gone:1,yes:1", after[ALIAS])
        self.assertRaises(FlavorError, desired_specs, {}, {"gone": 1}, aliases=ALIASES)
        self.assertRaises(
            FlavorError, desired_specs, before, {"gone": 1}, host_trait=True, aliases=ALIASES
        )

    def test_removing(self):
        before = {ALIAS: "yes:1,no:2", TRAIT: "required", "group_policy": "none"}
        self.assertEqual(before | {ALIAS: "no:2"}, without(before, ["yes", "gone"]))
        self.assertEqual({}, without(before, ["yes", "no"], group_policy=True, host_trait=True))
        self.assertEqual(before, without(before, []))


class TestInUse(testtools.TestCase):
    def test_only_servers_of_this_flavor_hold_it_back(self):
        pci = flavor("pci", "yes:1")
        refuse_while_in_use(pci, [server("a", flavor("pci2", "yes:1"))])
        error = self.assertRaises(FlavorError, refuse_while_in_use, pci, [server("a", pci)])
        self.assertIn("1 server,", str(error))

    def test_only_aliases_are_about_devices(self):
        self.assertTrue(FlavorChange(set={ALIAS: "vf:1"}).is_about_devices)
        self.assertTrue(FlavorChange(set={}, unset=(ALIAS,)).is_about_devices)
        self.assertFalse(FlavorChange(set={"group_policy": "none"}).is_about_devices)
