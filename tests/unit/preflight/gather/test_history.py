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

"""What happened to servers is asked for where it can matter."""

from __future__ import annotations

import collections
import dataclasses

import testtools

from tests.unit.preflight.scenario import NOW, facts
from vfio_lm.cloud.model import Move, ServerGroup, ServerHistory
from vfio_lm.pci.scheduler_options import SchedulerOptions
from vfio_lm.preflight.gather.history import (
    departures,
    goes_by_servers,
    histories,
    moving_members,
)
from vfio_lm.preflight.inputs import Inputs

SERVER = facts().server
APART = ServerGroup("g1", "apart", "anti-affinity", frozenset({SERVER.id, "a", "b"}))
TOGETHER = dataclasses.replace(APART, policy="affinity")


class FakeCloud:
    def __init__(self):
        self.asked = collections.Counter()

    def moves(self, server_id):
        self.asked["moves"] += 1
        if server_id != "a":
            return ()
        return (Move("a", "resize", "finished", "compute2", "compute3"),)

    def departures(self, now):
        self.asked["departures"] += 1
        return {"compute2": frozenset({"a"})}

    def histories(self, server_ids):
        return {each: ServerHistory(has_port_added=True) for each in server_ids}


class TestMovingMembers(testtools.TestCase):
    def test_a_member_counts_on_both_hosts(self):
        found = moving_members(FakeCloud(), SERVER, APART)
        self.assertEqual({"compute2": {"a"}, "compute3": {"a"}}, found)

    def test_nothing_is_asked_where_it_does_not_matter(self):
        cloud = FakeCloud()
        for group in (None, TOGETHER):
            self.assertEqual({}, moving_members(cloud, SERVER, group))
        self.assertEqual(0, cloud.asked.total())


class TestDepartures(testtools.TestCase):
    def test_they_are_asked_for_where_servers_keep_apart(self):
        cloud, inputs = FakeCloud(), Inputs(now=NOW)
        self.assertEqual({}, departures(cloud, SERVER, TOGETHER, inputs))
        self.assertEqual(0, cloud.asked.total())
        self.assertIn("compute2", departures(cloud, SERVER, APART, inputs))
        hinted = dataclasses.replace(SERVER, scheduler_hints={"different_host": ["a"]})
        self.assertIn("compute2", departures(cloud, hinted, None, inputs))


class TestGoesByServers(testtools.TestCase):
    def test_filters_that_count_and_hints_do(self):
        counting = SchedulerOptions(enabled_filters=("NumInstancesFilter",))
        hinted = dataclasses.replace(SERVER, scheduler_hints={"same_host": ["a"]})
        self.assertFalse(goes_by_servers(SERVER, Inputs(now=NOW)))
        self.assertTrue(goes_by_servers(SERVER, Inputs(now=NOW, scheduler=counting)))
        self.assertTrue(goes_by_servers(hinted, Inputs(now=NOW)))


class TestHistories(testtools.TestCase):
    def test_they_are_those_of_the_servers(self):
        found = histories(FakeCloud(), [SERVER])
        self.assertEqual({SERVER.id: ServerHistory(has_port_added=True)}, found)
