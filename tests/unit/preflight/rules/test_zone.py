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

"""Which hosts a zone admits."""

from __future__ import annotations

import testtools

from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import Aggregate
from vfio_lm.preflight.rules.zone import is_in_zone


def _aggregate(name, zone, *hosts):
    return Aggregate(name, name, frozenset(hosts), {"availability_zone": zone} if zone else {})


class TestIsInZone(testtools.TestCase):
    def admits(self, zone, *aggregates):
        known = facts(server={"pinned_availability_zone": zone}, aggregates=aggregates)
        return is_in_zone(known, known.destinations[0])

    def test_a_server_that_is_bound_to_none_may_go_anywhere(self):
        self.assertTrue(self.admits(None, _aggregate("a", "az1", "compute1")))
        self.assertTrue(self.admits(None, _aggregate("a", None, "compute1")))

    def test_one_of_the_aggregates_of_the_zone_is_enough(self):
        here, there = _aggregate("a", "az1", "compute1"), _aggregate("b", "az1", "compute2")
        self.assertTrue(self.admits("az1", here, there))
        self.assertFalse(self.admits("az1", here))

    def test_a_zone_that_no_aggregate_makes_is_no_limit(self):
        self.assertTrue(self.admits("nova", _aggregate("a", "az1", "compute1")))
