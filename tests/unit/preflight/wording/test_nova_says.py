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

"""Sentences about nova's own word name who objects, and what to run."""

from __future__ import annotations

import testtools

from tests.unit.preflight.scenario import facts, nova_destination
from vfio_lm.pci.nova_word import Decider, Ending, Objection
from vfio_lm.preflight.wording import nova_says


class TestNovaSays(testtools.TestCase):
    def test_an_ending_names_each_reason_once(self):
        silent = Objection(Decider.FILTER, "", "AcmeFilter")
        said = nova_says.ending(Ending.REFUSED, (silent, silent))
        self.assertEqual("nova refuses it: the filter AcmeFilter leaves the host out", said)
        self.assertEqual("nova refuses it", nova_says.ending(Ending.REFUSED, ()))

    def test_what_helps_is_said_first_and_where_nova_says_all_of_it_last(self):
        claim = Objection(Decider.COMPUTE, "no device", "PciDeviceRequestFailed")
        first, *_, last = nova_says.way_on(facts(), (claim, claim)).splitlines()
        self.assertIn("claim-requests", first)
        self.assertEqual(f"  vfio-lm-nova {facts().server.id}", last)

    def test_nova_is_asked_about_the_host_that_was_named(self):
        known = facts(requested_host="compute2")
        self.assertIn("--host compute2", nova_says.ask_again(known))
        self.assertIn("--host compute2", nova_says.way_on(known, ()))

    def test_a_wrong_map_is_put_right_on_both_hosts(self):
        there = nova_destination(ending=Ending.MISMAPPED)
        self.assertIn("pci-addresses", nova_says.mismapped(there))

    def test_a_contradiction_keeps_what_the_check_says(self):
        for said in (nova_says.contradicted("no room"), nova_says.outdated("no room")):
            self.assertTrue(said.startswith("no room"))
