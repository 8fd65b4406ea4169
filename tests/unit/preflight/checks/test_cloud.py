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

"""What the checks of the whole cloud answer."""

from __future__ import annotations

import dataclasses

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    NO_DEVICES,
    destination,
    facts,
)
from vfio_lm.cloud.model import Candidates
from vfio_lm.pci.scheduler_options import SchedulerOptions
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import cloud as cloud_checks
from vfio_lm.preflight.facts import Network
from vfio_lm.preflight.rules.port import Port


class TestPciInPlacement(CheckTestCase):
    check = cloud_checks.pci_in_placement

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.UNKNOWN, facts(source={"devices": ()}))
        self.assert_answers(Status.UNKNOWN, facts(pci_in_placement=False))
        self.assert_answers(Status.NOT_APPLICABLE, facts(**NO_DEVICES))

    def test_devices_of_ports_are_never_in_placement(self):
        known = facts(network=Network(ports=(Port("p1", "direct"),)))
        self.assert_answers(Status.UNKNOWN, known, saying="devices of ports")


class TestCandidateCost(CheckTestCase):
    check = cloud_checks.candidate_cost

    def test_answers(self):
        self.assert_answers(Status.PASS)
        known = facts()
        cut = Candidates(known.candidates.candidates, limit=1)
        self.assert_answers(Status.WARN, dataclasses.replace(known, candidates=cut))
        self.assert_answers(Status.WARN, facts(candidates_seconds=12.5), saying="12.5 s")


class TestCandidatePrecision(CheckTestCase):
    check = cloud_checks.candidate_precision

    def test_answers(self):
        self.assert_answers(Status.PASS)
        unfit = scenario.pci_provider("compute2", 0, scenario.UNMARKED)
        known = facts(destinations=(destination(providers=[unfit]),))
        self.assert_answers(Status.WARN, known, saying="compute2")
        self.assert_answers(Status.NOT_APPLICABLE, facts(pci_in_placement=False))

    def test_the_conductor_may_give_up_before_it_comes_to_a_host_that_fits(self):
        unfit = scenario.pci_provider("compute2", 0, scenario.UNMARKED)
        where = (destination(providers=[unfit]), destination("compute3"))
        for retries, status in ((0, Status.UNKNOWN), (1, Status.WARN), (-1, Status.WARN)):
            options = SchedulerOptions(migrate_max_retries=retries)
            self.assert_answers(status, facts(destinations=where, scheduler=options))
        named = {"requested_host": "compute3", "scheduler": SchedulerOptions(migrate_max_retries=0)}
        self.assert_answers(Status.WARN, facts(destinations=where, **named))
