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

"""From facts and reports to what a plan is about."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from tests.unit.drain.checked import checked, named
from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import VF, candidate, destination, facts, node, vf
from vfio_lm.cloud.model import Inventory, ServerGroup
from vfio_lm.cloud.model.candidate_query import nova_query, pci_group
from vfio_lm.drain.from_facts import movers_and_rooms
from vfio_lm.drain.model import Mover, Pool, Room
from vfio_lm.pci import AliasRequest
from vfio_lm.preflight import Facts
from vfio_lm.preflight.facts import Occupants


def only(known: Facts) -> tuple[Mover, Room]:
    (mover,), (room,) = movers_and_rooms(checked(known))
    return mover, room


class TestPlacement(testtools.TestCase):
    def test_a_server_needs_what_nova_would_ask_for(self) -> None:
        mover, _ = only(named("a", devices=2))
        self.assertEqual(scenario.PLAIN, mover.resources)
        self.assertEqual({VF: 2}, mover.devices)
        self.assertEqual(frozenset({"compute2"}), mover.hosts)
        self.assertIs(None, mover.group)
        self.assertFalse(mover.isolates_devices)

    def test_traits_make_a_kind_of_their_own(self) -> None:
        groups = [pci_group(0, VF, frozenset({"CUSTOM_FAST"}))]
        slow = scenario.pci_provider("compute2", 0)
        fast = scenario.pci_provider("compute2", 1, scenario.MARKED | {"CUSTOM_FAST"})
        where = destination(providers=(slow, fast), candidates=[candidate("compute2", fast)])
        query = nova_query({"group_policy": "isolate"}, scenario.PLAIN, groups, requires_owner=True)
        mover, room = only(facts(query=query, destinations=(where,)))
        self.assertEqual({f"{VF} CUSTOM_FAST": 1}, mover.devices)
        self.assertTrue(mover.isolates_devices)
        self.assertEqual(
            {"0000:81:00.0": frozenset(), "0000:81:01.0": frozenset({f"{VF} CUSTOM_FAST"})},
            {pool.provider: pool.serves for pool in room.pools},
        )

    def test_devices_that_are_not_declared_are_no_room(self) -> None:
        providers = [
            scenario.pci_provider("compute2", 0, scenario.UNMARKED),
            scenario.pci_provider("compute2", 1, free=3),
        ]
        _, room = only(facts(destinations=(destination(providers=providers),)))
        self.assertEqual((Pool("0000:81:01.0", 3, frozenset({VF})),), room.pools)

    def test_a_host_has_what_placement_says_is_free(self) -> None:
        _, room = only(facts())
        self.assertEqual({"VCPU": 8, "MEMORY_MB": 4096, "DISK_GB": 100}, room.resources)

    def test_what_hosts_share_is_no_limit(self) -> None:
        where = destination()
        root = where.tree.root
        inventories = {"VCPU": Inventory(16, 8), "MEMORY_MB": Inventory(4096, 0)}
        alone = dataclasses.replace(root, inventories=inventories)
        tree = dataclasses.replace(where.tree, providers=where.tree.providers | {root.uuid: alone})
        known = dataclasses.replace(where, tree=tree)
        both = [named("a", destinations=(known,)), named("b", destinations=(known,))]
        _, (room,) = movers_and_rooms(checked(*both))
        self.assertEqual(2 * scenario.PLAIN["DISK_GB"], room.resources["DISK_GB"])

    def test_a_group_that_keeps_apart_has_room_for_as_many_as_are_missing(self) -> None:
        there = destination(node=node("compute2", server_ids=frozenset({"x", "stranger"})))
        group = ServerGroup("g1", "web", "anti-affinity", frozenset({"a", "b", "x"}), 2)
        known = [named(name, group=group, destinations=(there,)) for name in ("a", "b")]
        movers, (room,) = movers_and_rooms(checked(*known))
        self.assertEqual({"web (g1)"}, {mover.group for mover in movers})
        self.assertEqual({"web (g1)": 1}, room.group_room)

    def test_a_group_that_only_prefers_is_no_limit(self) -> None:
        for policy in ("soft-anti-affinity", "soft-affinity", "affinity"):
            there = destination(node=node("compute2", server_ids=frozenset({"x"})))
            group = ServerGroup("g1", "web", policy, frozenset({"a", "x"}))
            mover, room = only(named("a", group=group, destinations=(there,)))
            self.assertEqual((None, {}), (mover.group, room.group_room))


class TestHostFacts(testtools.TestCase):
    """Where placement does not know the devices."""

    def on_compute2(self, *functions: Any, name: str = "a", count: int = 1) -> Facts:
        told = scenario.knowledge("compute2", *functions)
        where = destination(
            providers=(),
            candidates=[candidate("compute2")],
            knowledge=told,
            occupants=Occupants({}),
        )
        own = scenario.knowledge("compute1", vf(user=name))
        return named(
            name,
            destinations=(where,),
            source={"devices": (), "knowledge": own},
            pci_in_placement=False,
            pci_provider_count=0,
            hosts={"compute1": own, "compute2": told},
            alias_requests=(AliasRequest("vf", count),),
        )

    def test_free_vfs_are_counted_by_their_pf(self) -> None:
        mover, room = only(self.on_compute2(vf(1), vf(2), vf(3)))
        self.assertEqual({"vf": 1}, mover.devices)
        self.assertEqual((Pool("0000:81:00.0", 3, frozenset({"vf"})),), room.pools)

    def test_two_servers_share_the_devices_of_a_host(self) -> None:
        known = [self.on_compute2(vf(1), name=name) for name in ("a", "b")]
        movers, (room,) = movers_and_rooms(checked(*known))
        self.assertEqual(["a", "b"], [mover.name for mover in movers])
        self.assertEqual((Pool("0000:81:00.0", 1, frozenset({"vf"})),), room.pools)
