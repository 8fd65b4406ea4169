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

"""Whether devices suffice for several requests, in every order or in none."""

from __future__ import annotations

import itertools

import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.pci import (
    PciAddress,
)
from vfio_lm.pci.assignment import Fit, Wish, assign, contested, fit


def addresses(*functions: int) -> frozenset[PciAddress]:
    return frozenset(PciAddress(0, 0x81, 0, function) for function in functions)


def wish(count: int, *certain: int, maybe: tuple[int, ...] = (), name: str = "vf") -> Wish:
    return Wish(name, count, addresses(*certain), addresses(*certain, *maybe))


class TestFit(testtools.TestCase):
    def test_enough_and_too_few(self):
        self.assertIs(Fit.YES, fit([wish(2, 1, 2)], {}))
        self.assertIs(Fit.NO, fit([wish(3, 1, 2)], {}))
        self.assertIs(Fit.YES, fit([], {}))

    def test_devices_that_may_be_free_prove_nothing(self):
        self.assertIs(Fit.UNSURE, fit([wish(2, 1, maybe=(2,))], {}))

    def test_two_requests_share_what_there_is(self):
        self.assertIs(Fit.YES, fit([wish(1, 1, 2), wish(1, 1, 2)], {}))
        self.assertIs(Fit.NO, fit([wish(1, 1), wish(1, 1)], {}))

    def test_an_order_that_fails_is_enough_for_doubt(self):
        # If the first one takes device 2, none is left for the second.
        self.assertIs(Fit.UNSURE, fit([wish(1, 1, 2), wish(1, 2)], {}))

    def test_a_matching_is_found_where_the_first_choice_is_wrong(self):
        chain = [wish(1, 1, 2), wish(1, 1), wish(1, 2, 3)]
        self.assertIsNot(Fit.NO, fit(chain, {}))

    def test_a_pf_goes_with_its_vfs(self):
        shadows = {
            PciAddress(0, 0x81, 0, 0): addresses(1, 2),
            PciAddress(0, 0x81, 0, 1): addresses(0),
            PciAddress(0, 0x81, 0, 2): addresses(0),
        }
        self.assertIs(Fit.UNSURE, fit([wish(1, 0), wish(1, 1, 2)], shadows))
        self.assertIs(Fit.YES, fit([wish(1, 1, 2), wish(1, 1, 2)], shadows))
        # For one request, too: if nova takes the PF first, the VFs are gone.
        self.assertIs(Fit.UNSURE, fit([wish(2, 0, 1, 2)], shadows))

    def test_what_the_facts_do_not_show_is_not_denied(self):
        unseen = Wish("gpu", 1, frozenset(), frozenset(), knows_all=False)
        self.assertIs(Fit.UNSURE, fit([unseen], {}))


class TestAssign(testtools.TestCase):
    @given(st.lists(st.lists(st.integers(0, 5), max_size=4, unique=True), max_size=5))
    def test_a_way_is_found_wherever_there_is_one(self, allowed):
        ways = [way for way in itertools.product(*allowed) if len(set(way)) == len(way)]
        found = assign(allowed)
        if not ways:
            self.assertIsNone(found)
            self.assert_too_few(allowed, contested(allowed))
        else:
            self.assertIn(tuple(found), ways)
            self.assertEqual(frozenset(), contested(allowed))

    def assert_too_few(self, allowed, rows):
        """Hall's theorem: some rows together have fewer things than they are."""
        things = set().union(*(allowed[row] for row in rows))
        self.assertLess(len(things), len(rows))
