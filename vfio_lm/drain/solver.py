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

"""Finding the largest number of servers that fit, as one integer program; no rule is made here."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from vfio_lm.drain.model import Mover, Room
from vfio_lm.errors import VfioLmError


class SolverError(VfioLmError):
    """The best plan cannot be found."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Servers that need the same and may go to the same hosts, so that one stands for all."""

    example: Mover
    size: int


@dataclasses.dataclass(frozen=True)
class Share:
    """How many servers of a group go to one host, and what devices they get together."""

    group: int
    """Index of the group."""
    host: str
    servers: int
    devices: Mapping[str, Mapping[str, int]]
    """Number of devices by kind and provider."""


def require_solver() -> None:
    """See that the solver is there, before anything is done that counts on it.

    :raises SolverError: if it is not
    """
    try:
        import scipy.optimize  # noqa: F401 - only whether it can be
    except ImportError:
        raise SolverError(
            "the solver is not installed: install openstack-vfio-lm with its extra [drain]"
        ) from None


def most_that_fit(
    groups: Sequence[Batch], rooms: Sequence[Room], *, time_limit: float = 300.0
) -> tuple[Share, ...]:
    """Return where to put as many servers as fit at the same time.

    :param time_limit: seconds after which the solver gives up
    :raises SolverError: if scipy is not installed, or the solver finds no optimum in time
    """
    program = _Program()
    shares = [
        _ShareOfGroup(program, index, group, room)
        for index, group in enumerate(groups)
        for room in rooms
        if room.host in group.example.hosts
    ]
    for index, group in enumerate(groups):
        program.constrain(
            ((share.servers, 1) for share in shares if share.index == index), at_most=group.size
        )
    by_host: dict[str, list[_ShareOfGroup]] = collections.defaultdict(list)
    for share in shares:
        by_host[share.room.host].append(share)
    for room in rooms:
        _limit(program, room, by_host[room.host])
    numbers = program.solve(time_limit)
    return tuple(found for share in shares if (found := share.solved(numbers)).servers)


class _Program:
    """Unknown whole numbers, what holds of them, and which of them are to be large."""

    def __init__(self) -> None:
        self._largest: list[int] = []
        self._wanted: list[int] = []
        self._rows: list[dict[int, int]] = []
        self._bounds: list[tuple[float, float]] = []

    def number(self, largest: int, *, is_wanted: bool = False) -> int:
        """Add an unknown number from 0 on; return its index."""
        self._largest.append(largest)
        self._wanted.append(int(is_wanted))
        return len(self._largest) - 1

    def constrain(
        self, terms: Iterable[tuple[int, int]], *, at_most: int = 0, at_least: float = -float("inf")
    ) -> None:
        """Limit a sum of unknown numbers, each times a factor."""
        row: dict[int, int] = collections.defaultdict(int)
        for index, factor in terms:
            row[index] += factor
        if row:
            self._rows.append(row)
            self._bounds.append((at_least, at_most))

    def solve(self, time_limit: float) -> list[int]:
        """Return the numbers, with the largest possible sum of those that are wanted."""
        if not self._largest:
            return []
        require_solver()
        from scipy import optimize, sparse

        matrix = sparse.dok_array((len(self._rows), len(self._largest)))
        for number, row in enumerate(self._rows):
            for index, factor in row.items():
                matrix[number, index] = factor
        low, high = zip(*self._bounds)
        result = optimize.milp(
            [-wanted for wanted in self._wanted],
            integrality=[1] * len(self._largest),
            bounds=optimize.Bounds([0] * len(self._largest), self._largest),
            constraints=optimize.LinearConstraint(matrix.tocsr(), low, high),
            # the default is content with a plan that is a little short of the best
            options={"time_limit": time_limit, "mip_rel_gap": 0.0},
        )
        if result.status != 0:
            raise SolverError(f"no best plan was found: {result.message}")
        return [round(value) for value in result.x]


class _ShareOfGroup:
    """The unknown numbers of one group on one host."""

    def __init__(self, program: _Program, index: int, group: Batch, room: Room) -> None:
        self.index = index
        self.example = group.example
        self.room = room
        self.servers = program.number(group.size, is_wanted=True)
        # by kind and provider
        self._devices = {
            (kind, pool.provider): program.number(max(0, pool.free))
            for kind in self.example.devices
            for pool in room.pools
            if kind in pool.serves
        }
        for kind, number in self.example.devices.items():
            given = [(index, 1) for (of, _), index in self._devices.items() if of == kind]
            program.constrain([*given, (self.servers, -number)], at_least=0)
        if self.example.isolates_devices:
            for pool in room.pools:
                program.constrain([*self.taken_from(pool.provider), (self.servers, -1)])

    def taken_from(self, provider: str) -> list[tuple[int, int]]:
        """Return the unknown numbers of devices of one provider, for a sum."""
        return [(index, 1) for (_, of), index in self._devices.items() if of == provider]

    def solved(self, numbers: Sequence[int]) -> Share:
        """Return what the solver has found."""
        devices: dict[str, dict[str, int]] = collections.defaultdict(dict)
        for (kind, provider), index in self._devices.items():
            if numbers[index]:
                devices[kind][provider] = numbers[index]
        return Share(
            group=self.index,
            host=self.room.host,
            servers=numbers[self.servers],
            devices=dict(devices),
        )


def _limit(program: _Program, room: Room, shares: Sequence[_ShareOfGroup]) -> None:
    """Let no more come to a host than it has room for."""
    for name in sorted({name for share in shares for name in share.example.resources}):
        program.constrain(
            ((share.servers, share.example.resources.get(name, 0)) for share in shares),
            at_most=max(0, room.resources.get(name, 0)),
        )
    for pool in room.pools:
        taken = [term for share in shares for term in share.taken_from(pool.provider)]
        program.constrain(taken, at_most=max(0, pool.free))
    for group, limit in room.group_room.items():
        members = [(share.servers, 1) for share in shares if share.example.group == group]
        program.constrain(members, at_most=max(0, limit))
