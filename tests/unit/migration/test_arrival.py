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

"""What a live migration leaves in placement is read once nova has cleaned up, or the time is up."""

import dataclasses
from unittest import mock

import testtools

from tests.unit.clocks import StandingClock
from tests.unit.inventory.cloud import flavor, server
from tests.unit.migration.records import migration
from vfio_lm.errors import CloudError
from vfio_lm.migration import collect_arrival

RECORD = migration(status="completed")
LEFT = {"root1": {"VCPU": 1}}


class TestArrival(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = StandingClock()
        moved = dataclasses.replace(server("vm", flavor("m1", "yes:2")), host="compute2")
        self.nova = mock.Mock()
        self.nova.server.return_value = moved
        self.nova.nodes.return_value = {"compute2": mock.Mock(uuid="root2")}
        self.placement = mock.Mock()

    def collect(self, *left):
        """Collect while the migration's own allocations become these, the last for good."""
        answers = [*left]

        def allocations(consumer):
            if consumer != RECORD.uuid:
                return {"root2": {"VCPU": 1}}
            return answers.pop(0) if len(answers) > 1 else answers[0]

        self.placement.allocations.side_effect = allocations
        return collect_arrival(self.nova, self.placement, RECORD, None, self.clock.clock())

    def test_nova_gets_the_time_to_clean_up(self):
        arrival = self.collect(LEFT, LEFT, {})
        self.assertEqual({}, arrival.holdings.left_behind)
        self.assertEqual(2, len(self.clock.naps))
        self.assertEqual(("root2", 2), (arrival.holdings.destination_root, arrival.wanted_devices))

    def test_what_stays_behind_is_told_in_the_end(self):
        arrival = self.collect(LEFT)
        self.assertEqual(LEFT, arrival.holdings.left_behind)
        self.assertEqual(10, self.clock.time)

    def test_a_placement_that_does_not_answer_is_part_of_the_answer(self):
        self.placement.allocations.side_effect = CloudError("503")
        arrival = collect_arrival(self.nova, self.placement, RECORD, None, self.clock.clock())
        self.assertEqual((None, "503"), (arrival.holdings, arrival.reason))
