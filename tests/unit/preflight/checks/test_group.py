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

"""What the check of the server's group answers."""

from __future__ import annotations

import dataclasses

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import destination, facts, node
from vfio_lm.cloud.model import ServerGroup
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import group as place


class TestGroup(CheckTestCase):
    check = place.destination_group

    def in_group(self, policy, *members_there, most=1, **changes):
        me = facts().server.id
        group = ServerGroup("g1", "mine", policy, frozenset({me, "a", "b"}), most)
        there = node("compute2", server_ids=frozenset(members_there))
        return facts(group=group, destinations=(destination(node=there, **changes),))

    def test_answers(self):
        self.assert_answers(Status.NOT_APPLICABLE)
        self.assert_answers(Status.NOT_APPLICABLE, self.in_group("soft-affinity"))
        self.assert_answers(Status.PASS, self.in_group("anti-affinity", "stranger"))
        self.assert_answers(Status.FAIL, self.in_group("anti-affinity", "a"), saying="(a)")
        self.assert_answers(Status.PASS, self.in_group("anti-affinity", "a", most=2))
        self.assert_answers(Status.FAIL, self.in_group("anti-affinity", "a", "b", most=2))
        self.assert_answers(Status.PASS, self.in_group("affinity", "a"))
        self.assert_answers(Status.FAIL, self.in_group("affinity", "stranger"))

    def test_a_member_that_has_just_left_may_still_count(self):
        def left(*servers, **group):
            gone = {"compute2": frozenset(servers)}
            return dataclasses.replace(self.in_group("anti-affinity", **group), departures=gone)

        self.assert_answers(Status.UNKNOWN, left("a"), saying="a of group mine")
        self.assert_answers(Status.PASS, left("stranger"))
        self.assert_answers(Status.PASS, left("a", most=2))
        self.assert_answers(Status.UNKNOWN, left("a", "b", most=2))

    def test_a_member_that_is_still_moving_counts_on_both_hosts(self):
        def moving(*servers, **group):
            known = self.in_group("anti-affinity", **group)
            return dataclasses.replace(known, moving_members={"compute2": frozenset(servers)})

        outcome = self.assert_answers(Status.UNKNOWN, moving("a"), saying="ERROR")
        self.assertIn("openstack server resize confirm a", outcome.remedy)
        self.assert_answers(Status.PASS, moving("a", most=2))
        self.assert_answers(Status.PASS, moving())

    def test_a_member_that_has_come_back_counts_once(self):
        known = self.in_group("anti-affinity", "a", most=2)
        back = dataclasses.replace(known, departures={"compute2": frozenset({"a"})})
        self.assert_answers(Status.PASS, back)

    def test_the_server_itself_is_no_other_member(self):
        me = facts().server.id
        self.assert_answers(Status.PASS, self.in_group("anti-affinity", me))
        self.assert_answers(Status.FAIL, self.in_group("affinity", me))

    def test_servers_that_are_not_told_are_unknown(self):
        known = self.in_group("affinity")
        where = destination(node=node("compute2"))
        self.assert_answers(Status.UNKNOWN, dataclasses.replace(known, destinations=(where,)))
