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

"""Nova may choose a host unless it, or a copy of its rules, leaves the host out."""

from __future__ import annotations

import datetime

import testtools

from tests.unit.migration.records import check_result
from tests.unit.preflight.scenario import NOW, facts, nova_destination, nova_says, nova_word
from vfio_lm.pci.nova_word import Ending
from vfio_lm.preflight import Refuser, Status
from vfio_lm.preflight.rules.free_choice import may_be_chosen
from vfio_lm.preflight.rules.free_choice import nova_destination as said_of


def _failed(refuser):
    return [check_result("a-check", Status.FAIL, host="compute2", refused_by=refuser)]


class TestMayBeChosen(testtools.TestCase):
    def may_be_chosen(self, *there, results=(), **word):
        known = facts(nova=nova_says(nova_word(*there, **word))) if there else facts()
        return may_be_chosen(known, "compute2", results)

    def test_without_nova_it_follows_from_who_would_refuse(self):
        self.assertTrue(self.may_be_chosen())
        for refuser in (Refuser.SCHEDULER, Refuser.CONDUCTOR):
            self.assertFalse(self.may_be_chosen(results=_failed(refuser)))
        for refuser in (Refuser.COMPUTE, Refuser.QEMU, Refuser.KERNEL, Refuser.NOWHERE):
            self.assertTrue(self.may_be_chosen(results=_failed(refuser)))

    def test_what_nova_just_said_counts(self):
        for expected in (True, False):
            there = nova_destination(may_be_chosen=expected)
            self.assertEqual(expected, self.may_be_chosen(there))

    def test_what_nova_said_earlier_only_rules_out_what_it_refused(self):
        earlier = NOW - datetime.timedelta(minutes=30)
        for ending, expected in ((Ending.ACCEPTED, True), (Ending.REFUSED, False)):
            there = nova_destination(ending=ending)
            self.assertEqual(expected, self.may_be_chosen(there, taken_at=earlier))

    def test_an_answer_about_one_host_says_nothing_of_novas_choice(self):
        there = nova_destination(may_be_chosen=False)
        self.assertTrue(self.may_be_chosen(there, is_about_one_host=True))
        word = nova_word(there)
        self.assertIs(there, said_of(facts(nova=nova_says(word)), "compute2"))
