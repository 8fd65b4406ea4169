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

"""What is said of each server of a host that is drained."""

from __future__ import annotations

import testtools

from tests.unit.drain.checked import checked, named
from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import VF, destination, node
from vfio_lm.cloud.model import ServerGroup
from vfio_lm.drain.lines import State, lines
from vfio_lm.pci import LiveMigratable


class TestLines(testtools.TestCase):
    def test_those_that_leave_come_first_in_their_order(self) -> None:
        blocked = named("a", aliases={"vf": scenario.alias(LiveMigratable.NO)})
        unknown = named("b", aliases=None)
        found = lines(checked(blocked, unknown, named("c"), named("d")))
        self.assertEqual(
            [("c", 1), ("d", 2), ("a", None), ("b", None)],
            [(line.name, line.order) for line in found],
        )
        leaves, _, stays, open_ = found
        self.assertEqual(
            (State.CAN_LEAVE, "compute2", {"0000:81:00.0": 1}),
            (leaves.state, leaves.destination, leaves.devices),
        )
        self.assertEqual(State.STAYS, stays.state)
        self.assertIn("alias-live-migratable: ", stays.reason)
        self.assertIn("openstack server resize", stays.remedy)
        self.assertEqual(State.UNKNOWN, open_.state)
        self.assertIn("--nova-conf", open_.remedy)

    def test_where_no_destination_would_do_the_nearest_says_why(self) -> None:
        off = scenario.service("compute2", is_enabled=False)
        far = destination("compute2", service=off, tree=None, candidates=())
        provider = scenario.pci_provider("compute3", 0)
        no_cpu = scenario.tree("compute3", provider, free_vcpus=0)
        full = destination("compute3", [provider], candidates=(), tree=no_cpu)
        (line,) = lines(checked(named("a", destinations=(far, full))))
        self.assertEqual(State.STAYS, line.state)
        self.assertIn("compute3 comes nearest: destination-capacity: ", line.reason)
        self.assertNotEqual("", line.remedy)

    def test_a_cloud_of_one_host_has_no_destination(self) -> None:
        (line,) = lines(checked(named("a", destinations=())))
        self.assertEqual("there is no other host with a nova-compute", line.reason)

    def test_what_does_not_fit_beside_the_others_says_so(self) -> None:
        one = destination(providers=[scenario.pci_provider("compute2", 0, free=1)])
        known = [named(name, destinations=(one,)) for name in ("a", "b")]
        _, line = lines(checked(*known))
        self.assertEqual(("b", State.STAYS), (line.name, line.state))
        self.assertIn(f"devices for {VF} (0 of 1 left)", line.reason)

    def test_a_group_that_keeps_apart_is_a_reason_to_stay(self) -> None:
        there = destination(node=node("compute2", server_ids=frozenset({"x", "stranger"})))
        group = ServerGroup("g1", "web", "anti-affinity", frozenset({"a", "b", "x"}), 2)
        known = [named(name, group=group, destinations=(there,)) for name in ("a", "b")]
        leaves, stays = lines(checked(*known))
        self.assertEqual((State.CAN_LEAVE, State.STAYS), (leaves.state, stays.state))
        self.assertIn("a place for another server of group web (g1)", stays.reason)
