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

"""What the check of a destination's room answers."""

from __future__ import annotations

import dataclasses

import os_traits

from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    VF,
    candidate,
    destination,
    facts,
    pci_provider,
    tree,
)
from vfio_lm.cloud.model import Aggregate, Candidates
from vfio_lm.cloud.model.candidate_query import nova_query, pci_group
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import capacity


class TestDestinationCapacity(CheckTestCase):
    check = capacity.destination_capacity

    def without_candidates(self, *providers, **changes):
        told = {key: changes.pop(key) for key in ("pci_in_placement",) if key in changes}
        known = facts(destinations=(destination(providers=providers, candidates=()),), **told)
        return dataclasses.replace(known, **changes)

    def test_a_candidate_is_what_counts(self):
        self.assert_answers(Status.PASS)

    def test_a_host_out_of_the_zone_is_left_to_the_check_of_zones(self):
        zone = Aggregate("az1", "u", frozenset({"compute1"}), {"availability_zone": "az1"})
        bound = {"server": {"pinned_availability_zone": "az1"}, "aggregates": (zone,)}
        where = destination(candidates=())
        self.assert_answers(Status.NOT_APPLICABLE, facts(destinations=(where,), **bound))

    def test_the_reason_is_explained(self):
        known = self.without_candidates(pci_provider("compute2", 0, free=0))
        self.assert_answers(Status.FAIL, known, saying=f"{VF}: 1 needed, 0 free")

    def test_a_full_host_has_no_tree(self):
        known = facts(destinations=(destination(tree=None, candidates=()),))
        self.assert_answers(Status.FAIL, known, saying="no memory is free")

    def test_missing_traits_and_disabled_hosts_are_named(self):
        full = tree("compute2", pci_provider("compute2", 0), free_vcpus=0)
        root = dataclasses.replace(full.root, traits=frozenset({os_traits.COMPUTE_STATUS_DISABLED}))
        full = dataclasses.replace(full, providers=full.providers | {root.uuid: root})
        known = facts(destinations=(destination(tree=full, candidates=()),))
        groups = [pci_group(0, VF, frozenset())]
        wanted = {"trait:CUSTOM_FAST": "required"}
        known = dataclasses.replace(
            known, query=nova_query(wanted, scenario.PLAIN, groups, requires_owner=True)
        )
        outcome = self.assert_answers(Status.FAIL, known, saying="VCPU: 1 needed, 0 free")
        for trait in ("OWNER_NOVA", "COMPUTE_STATUS_DISABLED", "CUSTOM_FAST"):
            self.assertIn(trait, outcome.message)
        self.assertIn("systemctl restart nova-compute", outcome.remedy)

    def test_a_trait_that_only_the_flavor_asks_for_takes_another_flavor(self):
        full = tree("compute2", pci_provider("compute2", 0))
        query = nova_query(
            {"trait:CUSTOM_FAST": "required"}, scenario.PLAIN, (), requires_owner=True
        )
        known = facts(destinations=(destination(tree=full, candidates=()),), query=query)
        outcome = self.assert_answers(Status.FAIL, known, saying="CUSTOM_FAST")
        self.assertIn("openstack server resize", outcome.remedy)

    def test_an_answer_that_was_cut_off_proves_nothing(self):
        others = tuple(candidate("compute3") for _ in range(2))
        known = self.without_candidates(candidates=Candidates(others, limit=2))
        self.assert_answers(Status.UNKNOWN, known, saying="without this host")

    def test_a_host_that_reports_no_devices_may_still_have_some(self):
        self.assert_answers(Status.UNKNOWN, self.without_candidates(pci_in_placement=None))
        self.assert_answers(Status.FAIL, self.without_candidates(pci_in_placement=True))

    def test_the_scheduler_may_ignore_the_traits_of_an_alias(self):
        query = nova_query(
            {}, scenario.PLAIN, [pci_group(0, VF, frozenset({"CUSTOM_X"}))], requires_owner=True
        )
        free = pci_provider("compute2", 0)
        known = self.without_candidates(free, query=query, pci_in_placement=None)
        self.assert_answers(Status.UNKNOWN, known)
        known = self.without_candidates(free, query=query, pci_in_placement=True)
        self.assert_answers(Status.FAIL, known, saying="1 needed, 0 free")
