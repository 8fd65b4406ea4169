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

"""What is answered of nova's own word."""

from __future__ import annotations

import datetime

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    NOW,
    destination,
    facts,
    nova_destination,
    nova_says,
    nova_word,
)
from vfio_lm.pci.nova_word import Decider, Ending, Objection
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks.nova_dry_run import nova_dry_run

_OF_API = Objection(Decider.API, "the server is locked", "InstanceIsLocked")
_OF_FILTER = Objection(Decider.FILTER, "no fit", "NUMATopologyFilter")
_OF_CLAIM = Objection(Decider.COMPUTE, "PCI device request failed", "PciDeviceRequestFailed")


def _with(*destinations, **changes):
    return facts(nova=nova_says(nova_word(*destinations, **changes)))


class TestOfTheServer(CheckTestCase):
    check = nova_dry_run[0]

    def test_without_nova_the_question_does_not_arise(self):
        self.assert_answers(Status.NOT_APPLICABLE, saying="was not asked")

    def test_a_word_that_does_not_count_is_a_warning(self):
        old = _with(nova_destination(), taken_at=NOW - datetime.timedelta(days=1))
        outcome = self.assert_answers(Status.WARN, old, saying="1440 min old")
        self.assertIn("vfio-lm-nova", outcome.remedy)

    def test_where_nova_objects_to_the_server_it_is_blocked(self):
        known = _with(objections=(_OF_API,))
        self.assert_answers(Status.FAIL, known, saying="InstanceIsLocked: the server is locked")

    def test_where_nova_accepts_where_and_when_it_was_asked_is_evidence(self):
        outcome = self.assert_answers(Status.PASS, _with(nova_destination()), saying="1 host")
        self.assertEqual("nova.json", outcome.evidence["from"])


class TestOfADestination(CheckTestCase):
    check = nova_dry_run[1]

    def test_without_nova_or_where_it_objects_to_the_server_the_question_does_not_arise(self):
        self.assert_answers(Status.NOT_APPLICABLE)
        self.assert_answers(Status.NOT_APPLICABLE, _with(objections=(_OF_API,)))

    def test_answers_by_ending(self):
        for ending, status, said in (
            (Ending.ACCEPTED, Status.PASS, "accepts"),
            (Ending.REFUSED, Status.FAIL, "no fit"),
            (Ending.ERROR, Status.FAIL, "into ERROR"),
            (Ending.MISMAPPED, Status.FAIL, "addresses of the source"),
            (Ending.DEPENDS, Status.UNKNOWN, "by which devices"),
            (Ending.UNKNOWN, Status.WARN, "to the end"),
        ):
            objections = () if ending is Ending.ACCEPTED else (_OF_FILTER, _OF_CLAIM)
            there = nova_destination(ending=ending, objections=objections)
            self.assert_answers(status, _with(there), saying=said)

    def test_what_makes_the_answer_less_sure_makes_it_unknown(self):
        there = nova_destination(notes=("nova-compute would claim 1 of 2 devices",))
        self.assert_answers(Status.UNKNOWN, _with(there), saying="1 of 2 devices")

    def test_a_host_that_nova_does_not_name_is_in_another_cell_if_all_were_asked(self):
        known = _with(nova_destination("compute3"))
        self.assert_answers(Status.FAIL, known, destination("compute2"), saying="cell")
        known = _with(nova_destination("compute3"), is_about_one_host=True)
        self.assert_answers(Status.NOT_APPLICABLE, known, destination("compute2"))
