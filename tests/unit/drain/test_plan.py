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

from __future__ import annotations

import collections
import dataclasses
import itertools
import random
from collections.abc import Iterator, Sequence
from unittest import mock

import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.drain.model import DrainPlan, Mover, Pool, Room
from vfio_lm.drain.plan import plan_drain
from vfio_lm.drain.solver import SolverError

HOSTS = ("h1", "h2", "h3")
KINDS = ("blue", "red")

pools = st.builds(
    Pool,
    provider=st.text("pq", min_size=1, max_size=2),
    free=st.integers(0, 3),
    serves=st.frozensets(st.sampled_from(KINDS)),
)


def rooms(host: str) -> st.SearchStrategy[Room]:
    return st.builds(
        Room,
        host=st.just(host),
        resources=st.fixed_dictionaries(
            {"VCPU": st.integers(0, 6)}, optional={"DISK_GB": st.integers(0, 3)}
        ),
        pools=st.lists(pools, max_size=2, unique_by=lambda pool: pool.provider).map(tuple),
        group_room=st.dictionaries(st.just("g"), st.integers(0, 2)),
    )


@st.composite
def movers(draw: st.DrawFn) -> list[Mover]:
    kinds = draw(
        st.lists(
            st.builds(
                Mover,
                server_id=st.just(""),
                name=st.just(""),
                resources=st.dictionaries(
                    st.sampled_from(["VCPU", "DISK_GB"]), st.integers(1, 3), min_size=1
                ),
                devices=st.dictionaries(st.sampled_from(KINDS), st.integers(1, 2)),
                hosts=st.frozensets(st.sampled_from(HOSTS)),
                group=st.sampled_from([None, None, "g"]),
                isolates_devices=st.booleans(),
            ),
            min_size=1,
            max_size=3,
        )
    )
    chosen = draw(st.lists(st.sampled_from(kinds), max_size=4))
    return [
        dataclasses.replace(mover, server_id=str(number), name=f"server-{number}")
        for number, mover in enumerate(chosen)
    ]


def hands(mover: Mover, room: Room) -> Iterator[collections.Counter[str]]:
    """Every way to take a server's devices from the pools of a host."""
    wishes = [kind for kind, number in mover.devices.items() for _ in range(number)]
    choices = [[pool.provider for pool in room.pools if kind in pool.serves] for kind in wishes]
    for taken in itertools.product(*choices):
        hand = collections.Counter(taken)
        if not mover.isolates_devices or all(number == 1 for number in hand.values()):
            yield hand


def fit(servers: Sequence[Mover], room: Room) -> bool:
    """Whether servers fit on a host at the same time, by trying everything."""
    needed: collections.Counter[str] = collections.Counter()
    for server in servers:
        needed.update(server.resources)
    if any(number > room.resources.get(name, 0) for name, number in needed.items()):
        return False
    for group, most in room.group_room.items():
        if sum(server.group == group for server in servers) > most:
            return False
    free = {pool.provider: pool.free for pool in room.pools}
    return any(
        all(number <= free[provider] for provider, number in sum(taken, start).items())
        for taken in itertools.product(*(set_of(hands(server, room)) for server in servers))
        for start in [collections.Counter[str]()]
    )


def set_of(found: Iterator[collections.Counter[str]]) -> list[collections.Counter[str]]:
    return [collections.Counter(dict(each)) for each in {frozenset(f.items()) for f in found}]


def best(servers: Sequence[Mover], places: Sequence[Room]) -> int:
    """How many servers can leave, by trying every host for every server."""
    most = 0
    options = [[None, *(room for room in places if room.host in s.hosts)] for s in servers]
    for choice in itertools.product(*options):
        moved = sum(room is not None for room in choice)
        if moved > most and all(
            fit([s for s, at in zip(servers, choice, strict=True) if at is room], room)
            for room in places
        ):
            most = moved
    return most


def holds(plan: DrainPlan, places: Sequence[Room]) -> bool:
    """Whether the plan fits with the very devices that it counts on."""
    for room in places:
        here = [move for move in plan.moves if move.host == room.host]
        taken: collections.Counter[str] = collections.Counter()
        for move in here:
            if collections.Counter(move.devices) not in set_of(hands(move.server, room)):
                return False
            taken.update(move.devices)
        free = {pool.provider: pool.free for pool in room.pools}
        if any(number > free[provider] for provider, number in taken.items()):
            return False
        if not fit([move.server for move in here], room):
            return False
    return True


class TestPlanDrain(testtools.TestCase):
    @given(movers(), st.tuples(*map(rooms, HOSTS)))
    def test_no_plan_moves_more(self, servers: list[Mover], places: tuple[Room, ...]) -> None:
        plan = plan_drain(servers, places)
        self.assertEqual(best(servers, places), len(plan.moves))
        self.assertTrue(holds(plan, places), plan)
        mentioned = [move.server for move in plan.moves] + [stay.server for stay in plan.stays]
        self.assertCountEqual(servers, mentioned)
        for move in plan.moves:
            self.assertIn(move.host, move.server.hosts)

    @given(movers(), st.tuples(*map(rooms, HOSTS)), st.randoms(use_true_random=False))
    def test_the_order_of_the_input_does_not_matter(
        self, servers: list[Mover], places: tuple[Room, ...], shuffle: random.Random
    ) -> None:
        plan = plan_drain(servers, places)
        shuffled = shuffle.sample(servers, len(servers))
        self.assertEqual(plan, plan_drain(shuffled, reversed(places)))

    def test_a_server_that_could_go_anywhere_makes_way(self) -> None:
        picky = mover("picky", red=1, hosts=("h1",))
        easy = mover("easy", red=1, hosts=("h1", "h2"))
        places = [room("h1", red=1), room("h2", red=1)]
        plan = plan_drain([easy, picky], places)
        self.assertEqual(
            {"picky": "h1", "easy": "h2"}, {move.server.name: move.host for move in plan.moves}
        )

    def test_the_server_with_the_least_choice_goes_first(self) -> None:
        servers = [mover("any", red=1, hosts=("h1",)), mover("one", blue=1, hosts=("h1",))]
        both = Pool("both", 1, frozenset({"red", "blue"}))
        only_red = Pool("red", 2, frozenset({"red"}))
        plan = plan_drain(servers, [Room("h1", {"VCPU": 9}, (both, only_red))])
        self.assertEqual(["one", "any"], [move.server.name for move in plan.moves])

    def test_what_is_missing_is_said_of_the_host_that_comes_nearest(self) -> None:
        servers = [mover("a", red=2, hosts=("h1", "h2"))]
        (stay,) = plan_drain(servers, [room("h1", red=1), Room("h2", {})]).stays
        self.assertIn("nearest is h1, which lacks devices for red (1 of 2 left)", stay.reason)

    def test_without_the_solver_the_way_to_get_it_is_named(self) -> None:
        with mock.patch.dict("sys.modules", {"scipy": None, "scipy.optimize": None}):
            exc = self.assertRaises(
                SolverError, plan_drain, [mover("a", red=1, hosts=("h1",))], [room("h1", red=1)]
            )
        self.assertIn("install openstack-vfio-lm with its extra [drain]", str(exc))

    def test_a_server_that_may_go_nowhere_says_so(self) -> None:
        (stay,) = plan_drain([mover("a", red=1, hosts=())], [room("h1", red=1)]).stays
        self.assertEqual("no destination passes the preflight", stay.reason)

    def test_a_host_with_a_member_takes_no_other_of_an_anti_affinity_group(self) -> None:
        server = dataclasses.replace(mover("a", red=1, hosts=("h1",)), group="g")
        place = dataclasses.replace(room("h1", red=1), group_room={"g": 0})
        (stay,) = plan_drain([server], [place]).stays
        self.assertIn("a place for another server of group g", stay.reason)


def mover(name: str, *, hosts: tuple[str, ...], **devices: int) -> Mover:
    return Mover(
        server_id=name, name=name, resources={"VCPU": 1}, devices=devices, hosts=frozenset(hosts)
    )


def room(host: str, **pools: int) -> Room:
    return Room(
        host,
        {"VCPU": 9},
        tuple(Pool(f"{host}-{kind}", free, frozenset({kind})) for kind, free in pools.items()),
    )
