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

"""What a destination's tree has, held against what is asked of it."""

from __future__ import annotations

import dataclasses

import os_traits
import testtools

from tests.unit.preflight.scenario import (
    MARKED,
    PLAIN,
    SILENT,
    UNMARKED,
    VF,
    candidate,
    destination,
    pci_provider,
    tree,
)
from vfio_lm.cloud.model import Marking
from vfio_lm.cloud.model.candidate_query import nova_query, pci_group
from vfio_lm.preflight.rules.tree_capacity import (
    best_marking,
    plain_shortages,
    shortages,
    trait_reasons,
)

_HOST = "compute2"


def _pf(number, traits=MARKED, free=2):
    return pci_provider(_HOST, number, frozenset(traits), free)


class TestShortages(testtools.TestCase):
    def short(self, count, *providers, traits=frozenset(), accepted=(Marking.MARKED,)):
        groups = [pci_group(i, VF, frozenset(traits)) for i in range(count)]
        return shortages(groups, destination(providers=providers).devices, accepted)

    def test_devices_of_two_pfs_add_up(self):
        self.assertEqual([], self.short(3, _pf(0, free=1), _pf(1, free=2)))
        self.assertEqual([f"{VF}: 4 needed, 3 free"], self.short(4, _pf(0, free=1), _pf(1)))

    def test_what_is_not_declared_is_named_beside(self):
        (said,) = self.short(1, _pf(0, UNMARKED))
        self.assertIn("0 free (2 more free, but not declared", said)
        self.assertEqual([], self.short(1, _pf(0, UNMARKED), accepted=tuple(Marking)))

    def test_a_device_without_the_traits_does_not_count(self):
        fast = MARKED | {"CUSTOM_FAST"}
        self.assertEqual([], self.short(2, _pf(0, fast), traits={"CUSTOM_FAST"}))
        self.assertEqual(
            [f"{VF}: 2 needed, 1 free"],
            self.short(2, _pf(0, fast, free=1), _pf(1), traits={"CUSTOM_FAST"}),
        )


class TestBestMarking(testtools.TestCase):
    def best(self, *offers):
        """:param offers: what the devices of each candidate are"""
        providers = [_pf(n, traits) for n, traits in enumerate((MARKED, SILENT, UNMARKED))]
        known = {each.traits: each for each in providers}
        groups = [pci_group(i, VF, frozenset()) for i in range(2)]
        candidates = [candidate(_HOST, *(known[traits] for traits in offer)) for offer in offers]
        return best_marking(candidates, groups, destination(_HOST, providers).devices)

    def test_a_candidate_is_as_good_as_its_worst_device(self):
        self.assertIs(Marking.MARKED, self.best((MARKED, MARKED)))
        self.assertIs(Marking.UNKNOWN, self.best((MARKED, SILENT)))
        self.assertIs(Marking.NOT_MARKED, self.best((SILENT, UNMARKED)))

    def test_one_good_candidate_is_enough(self):
        self.assertIs(Marking.MARKED, self.best((UNMARKED, UNMARKED), (MARKED, MARKED)))
        self.assertIs(Marking.UNKNOWN, self.best((UNMARKED, MARKED), (SILENT, MARKED)))

    def test_without_a_candidate_there_is_none(self):
        self.assertIs(None, self.best())

    def test_a_provider_that_the_host_does_not_show_is_unknown(self):
        offered = candidate(_HOST, _pf(0))
        groups = [pci_group(0, VF, frozenset())]
        self.assertIs(Marking.UNKNOWN, best_marking([offered], groups, ()))

    def test_a_candidate_for_no_device_lacks_nothing(self):
        self.assertIs(Marking.MARKED, best_marking([candidate(_HOST)], (), ()))


class TestPlainShortages(testtools.TestCase):
    def test_a_full_host_has_no_tree(self):
        query = nova_query({}, PLAIN, (), requires_owner=True)
        self.assertEqual(["no memory is free"], plain_shortages(query, None))

    def test_what_is_short_is_counted_and_devices_are_left_out(self):
        groups = [pci_group(0, VF, frozenset())]
        query = nova_query({}, PLAIN | {"VCPU": 9}, groups, requires_owner=True)
        self.assertEqual(["VCPU: 9 needed, 8 free"], plain_shortages(query, tree(_HOST)))


class TestTraitReasons(testtools.TestCase):
    def reasons(self, on_root, **extra_specs):
        specs = {f"trait:{name}": value for name, value in extra_specs.items()}
        whole = tree(_HOST, _pf(0))
        root = dataclasses.replace(whole.root, traits=frozenset(on_root))
        whole = dataclasses.replace(whole, providers=whole.providers | {root.uuid: root})
        return list(trait_reasons(nova_query(specs, PLAIN, (), requires_owner=True), whole))

    def test_each_trait_that_is_in_the_way_is_named(self):
        disabled = os_traits.COMPUTE_STATUS_DISABLED
        self.assertEqual([], self.reasons({os_traits.OWNER_NOVA}))
        self.assertEqual(
            ["the host lacks the trait OWNER_NOVA", f"the host has the trait {disabled}"],
            self.reasons({disabled}),
        )

    def test_those_of_the_flavor_too(self):
        root = {os_traits.OWNER_NOVA, "CUSTOM_SLOW"}
        self.assertEqual(
            ["the host lacks the trait CUSTOM_FAST"], self.reasons(root, CUSTOM_FAST="required")
        )
        (said,) = self.reasons(root, CUSTOM_SLOW="forbidden")
        self.assertIn("which the flavor forbids", said)
