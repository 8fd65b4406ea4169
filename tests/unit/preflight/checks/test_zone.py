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

"""What the check of the server's zone answers."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import Aggregate
from vfio_lm.pci.scheduler_options import SchedulerOptions
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import zone as place


class TestZone(CheckTestCase):
    check = place.destination_zone

    def pinned(self, *aggregates):
        return facts(server={"pinned_availability_zone": "az1"}, aggregates=aggregates)

    def zone(self, *hosts, name="az1"):
        return Aggregate(name, f"uuid-{name}", frozenset(hosts), {"availability_zone": name})

    def test_answers(self):
        self.assert_answers(Status.PASS)
        self.assert_answers(Status.PASS, self.pinned(self.zone("compute1", "compute2")))
        outcome = self.assert_answers(Status.FAIL, self.pinned(self.zone("compute1")))
        self.assertIn("openstack aggregate add host az1 compute2", outcome.remedy)

    def test_a_zone_that_no_aggregate_makes_limits_nobody(self):
        self.assert_answers(Status.PASS, self.pinned(self.zone("compute1", name="az2")))

    def test_an_isolated_aggregate_may_keep_the_server_out(self):
        isolated = Aggregate("gpu", "u", frozenset({"compute2"}), {"trait:CUSTOM_GPU": "required"})
        self.assert_answers(Status.UNKNOWN, facts(aggregates=(isolated,)), saying="CUSTOM_GPU")
        asking = facts(aggregates=(isolated,), image_properties={"trait:CUSTOM_GPU": "required"})
        self.assert_answers(Status.PASS, asking)
        off, on = (SchedulerOptions(isolates_aggregates=each) for each in (False, True))
        self.assert_answers(Status.PASS, facts(aggregates=(isolated,), scheduler=off))
        known = {"aggregates": (isolated,), "scheduler": on}
        self.assert_answers(Status.UNKNOWN, facts(**known), saying="the server's image")
        self.assert_answers(Status.FAIL, facts(**known, server={"image_properties": None}))
