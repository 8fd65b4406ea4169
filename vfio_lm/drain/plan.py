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

"""Which servers can leave a host together, and where each goes; nothing is fetched or moved.

Whether a server may go to a host at all is the preflight's answer and comes in as data. Here it is
about what fits at the same time: devices, memory, CPU, disk, and the rules of server groups.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable

from vfio_lm.drain.model import DrainPlan, Mover, PlannedMove, Room, Stay
from vfio_lm.drain.solver import Batch, Share, most_that_fit


def plan_drain(movers: Iterable[Mover], rooms: Iterable[Room]) -> DrainPlan:
    """Return a plan that moves as many servers as can be moved together.

    Servers that the fewest devices would do for go first, so that no other, for which nova may
    choose any, takes the only one that does.

    :raises vfio_lm.drain.solver.SolverError: if the solver is not installed, or gives up
    """
    rooms = sorted(rooms, key=lambda room: room.host)
    waiting = _alike(movers)
    groups = [Batch(example=members[0], size=len(members)) for members in waiting]
    moves: list[PlannedMove] = []
    for share in most_that_fit(groups, rooms):
        leaving, waiting[share.group] = (
            waiting[share.group][: share.servers],
            waiting[share.group][share.servers :],
        )
        moves += (
            PlannedMove(server=server, host=share.host, devices=devices)
            for server, devices in zip(leaving, _deal(share))
        )
    left = [_without(room, moves) for room in rooms]
    by_host = {room.host: room for room in rooms}
    moves.sort(key=lambda move: (_choice(move.server, by_host[move.host]), move.server.name))
    return DrainPlan(
        moves=tuple(moves),
        stays=tuple(
            Stay(server=server, reason=_why_it_stays(server, left))
            for members in waiting
            for server in members
        ),
    )


def _alike(movers: Iterable[Mover]) -> list[list[Mover]]:
    """Put servers together that need the same and may go to the same hosts."""
    found: dict[object, list[Mover]] = {}
    for mover in sorted(movers, key=lambda mover: (mover.name, mover.server_id)):
        # How devices of several kinds are dealt out to isolating servers is left to the solver.
        alone = mover.isolates_devices and len(mover.devices) > 1
        key = (
            frozenset(mover.resources.items()),
            frozenset(mover.devices.items()),
            mover.hosts,
            mover.group,
            mover.isolates_devices,
            mover.server_id if alone else None,
        )
        found.setdefault(key, []).append(mover)
    return list(found.values())


def _deal(share: Share) -> list[dict[str, int]]:
    """Give each server of a share its devices, one in turn.

    No server gets two devices of a provider that gives no more of them than there are servers,
    and that is what isolating servers ask of it.
    """
    hands: list[collections.Counter[str]] = [collections.Counter() for _ in range(share.servers)]
    for providers in share.devices.values():
        cards = [provider for provider, number in sorted(providers.items()) for _ in range(number)]
        for turn, provider in enumerate(cards):
            hands[turn % share.servers][provider] += 1
    return [dict(hand) for hand in hands]


def _without(room: Room, moves: Iterable[PlannedMove]) -> Room:
    """Return what is left of a room when the servers that go there have come."""
    resources: collections.Counter[str] = collections.Counter()
    devices: collections.Counter[str] = collections.Counter()
    members: collections.Counter[str | None] = collections.Counter()
    for move in moves:
        if move.host == room.host:
            resources.update(move.server.resources)
            devices.update(move.devices)
            members[move.server.group] += 1
    return dataclasses.replace(
        room,
        resources={name: free - resources[name] for name, free in room.resources.items()},
        pools=tuple(
            dataclasses.replace(pool, free=pool.free - devices[pool.provider])
            for pool in room.pools
        ),
        group_room={group: free - members[group] for group, free in room.group_room.items()},
    )


def _choice(server: Mover, room: Room) -> int:
    """Return how many free devices of a host would do for the server."""
    return sum(pool.free for pool in room.pools if pool.serves & server.devices.keys())


def _why_it_stays(server: Mover, left: Iterable[Room]) -> str:
    """Say what the host that comes nearest has too little of, when all others have moved."""
    lacking = [(_lacking(server, room), room) for room in left if room.host in server.hosts]
    if not lacking:
        return "no destination passes the preflight"
    missing, room = min(lacking, key=lambda pair: (len(pair[0]), pair[1].host))
    if not missing:
        # It has enough of everything, but not of everything at once.
        missing = ["devices from different providers, or of several kinds at the same time"]
    return f"no room beside the others that leave; nearest is {room.host}, which lacks " + (
        "; ".join(missing)
    )


def _lacking(server: Mover, room: Room) -> list[str]:
    missing = [
        f"{name} ({max(0, room.resources.get(name, 0))} of {needed} left)"
        for name, needed in sorted(server.resources.items())
        if room.resources.get(name, 0) < needed
    ]
    for kind, needed in sorted(server.devices.items()):
        free = sum(pool.free for pool in room.pools if kind in pool.serves)
        if free < needed:
            missing.append(f"devices for {kind} ({free} of {needed} left)")
    if server.group is not None and room.group_room.get(server.group, 1) < 1:
        missing.append(f"a place for another server of group {server.group}")
    return missing
