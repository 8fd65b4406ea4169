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

"""How well and how fast a drain is planned, beside taking servers and hosts one after the other.

All servers that should leave, and what the other hosts have left, are made up: nothing is asked.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Sequence

from vfio_lm.drain.model import Mover, Pool, Room
from vfio_lm.drain.plan import plan_drain

KINDS = ("CUSTOM_PCI_8086_1515", "CUSTOM_PCI_8086_37CD", "CUSTOM_PCI_15B3_101E")


def instance(seed: int, servers: int, hosts: int) -> tuple[list[Mover], list[Room]]:
    """Make up a host to drain in a cloud that has just too little room."""
    draw = random.Random(seed)
    rooms = [
        Room(
            host=f"compute{number}",
            resources={
                "VCPU": draw.randrange(0, 2 * 24 * servers // hosts),
                "MEMORY_MB": 1024 * draw.randrange(0, 2 * 48 * servers // hosts),
            },
            pools=tuple(
                Pool(
                    provider=f"compute{number}_{pf}",
                    free=draw.randrange(0, max(2, 2 * servers // hosts)),
                    serves=frozenset({draw.choice(KINDS)}),
                )
                for pf in range(4)
            ),
            group_room={"anti-affinity": draw.randrange(0, 2)},
        )
        for number in range(hosts)
    ]
    names = [room.host for room in rooms]
    flavors = [
        Mover(
            server_id="",
            name="",
            resources={"VCPU": 2**power, "MEMORY_MB": 2048 * 2**power},
            devices={kind: draw.randint(1, 2) for kind in draw.sample(KINDS, draw.randint(1, 2))},
            hosts=frozenset(draw.sample(names, max(1, hosts * draw.randint(3, 10) // 10))),
            group=draw.choice([None, None, None, "anti-affinity"]),
        )
        for power in (draw.randint(0, 4) for _ in range(20))
    ]
    movers = [
        dataclasses.replace(draw.choice(flavors), server_id=str(number), name=f"server-{number}")
        for number in range(servers)
    ]
    return movers, rooms


def first_fit(movers: Iterable[Mover], rooms: Sequence[Room]) -> int:
    """Return how many servers move if each takes the first host where it fits."""
    resources = {room.host: dict(room.resources) for room in rooms}
    group_room = {room.host: dict(room.group_room) for room in rooms}
    free = {pool.provider: pool.free for room in rooms for pool in room.pools}
    moved = 0
    for mover in movers:
        for room in rooms:
            if room.host not in mover.hosts:
                continue
            left = resources[room.host]
            groups = group_room[room.host]
            if mover.group is not None and groups.get(mover.group, 1) < 1:
                continue
            if any(left.get(name, 0) < needed for name, needed in mover.resources.items()):
                continue
            taken: collections.Counter[str] = collections.Counter()
            for kind, needed in mover.devices.items():
                for pool in room.pools:
                    if kind in pool.serves:
                        given = min(needed - taken[kind], free[pool.provider])
                        taken[pool.provider] += given
                        taken[kind] += given
            if any(taken[kind] < needed for kind, needed in mover.devices.items()):
                continue
            for name, needed in mover.resources.items():
                left[name] -= needed
            for pool in room.pools:
                free[pool.provider] -= taken[pool.provider]
            if mover.group in groups:
                groups[mover.group] -= 1
            moved += 1
            break
    return moved


def timed(function: Callable[[], int]) -> tuple[int, float]:
    """Return a number of servers with the seconds that it took to find it."""
    start = time.perf_counter()
    moved = function()
    return moved, time.perf_counter() - start


def main(arguments: Sequence[str]) -> None:
    """Plan, and print the numbers."""
    parser = argparse.ArgumentParser(prog="drain", description="Measure the plan of a drain.")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    for servers, hosts in ((40, 40), (200, 40), (1000, 200)):
        movers, rooms = instance(options.seed, servers, hosts)
        best, seconds = timed(lambda m=movers, r=rooms: len(plan_drain(m, r).moves))  # type: ignore[misc]
        greedy, instant = timed(lambda m=movers, r=rooms: first_fit(m, r))  # type: ignore[misc]
        print(f"{servers:,} servers to {hosts} hosts")
        print(f"  best plan                        {best:8,} moved {seconds:10,.2f} s")
        print(f"  first fit                        {greedy:8,} moved {instant:10,.2f} s")
