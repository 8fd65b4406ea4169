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

"""Chooses a free device of the destination for each of a server's devices; it reads no file.

Every device gets one that fits, if that is possible at all. Among the ways to do so, devices of one
NUMA node stay on one node, then devices of one PF on one PF and those of different PFs on
different ones, as far as can be. The order in which devices are given makes no difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from vfio_lm.compute.libvirt.match_rules import Refusal, refusal
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.assignment import assign, contested
from vfio_lm.pci.host_facts import DeviceFacts

_LARGEST_SEARCH = 20_000
"""Steps, some seconds, after which the best choice so far is taken; up to eight devices that can
keep their nodes and PFs need less than a hundred."""


@dataclasses.dataclass(frozen=True)
class Match:
    """A device of the destination for each of the source."""

    pairs: tuple[tuple[PciAddress, PciAddress], ...]
    """Source and destination, in the order of the source's addresses."""
    split_nodes: int = 0
    """Pairs of devices of one NUMA node that go to different ones."""
    changed_pfs: int = 0
    """Pairs of devices of one PF that go to different ones, and of different PFs that go to one."""


@dataclasses.dataclass(frozen=True)
class MatchCandidates:
    """What of the destination was looked at for one device of the source."""

    source: PciAddress
    fitting: tuple[PciAddress, ...]
    refused: Mapping[Refusal, tuple[PciAddress, ...]]
    """The devices that do not fit, by the reason."""


@dataclasses.dataclass(frozen=True)
class NoMatch:
    """Not every device of the source has one that fits."""

    candidates: tuple[MatchCandidates, ...]
    """For each device of the source."""
    contested: tuple[PciAddress, ...]
    """Devices of the source for which, together, too few fit."""
    is_unknown: bool
    """Whether the facts lack what decides: with luck, every device would get one."""


def match(
    sources: Sequence[DeviceFacts],
    destinations: Sequence[DeviceFacts],
    *,
    missing: str | None = None,
    ignores_firmware: bool = False,
) -> Match | NoMatch:
    """Choose a device of the destination for each device of the source.

    :param sources: the server's devices
    :param destinations: all devices of the destination
    :param missing: why the destination may have others, see
        :attr:`vfio_lm.pci.host_facts.HostFacts.missing_devices`
    :param ignores_firmware: whether a device with another firmware is taken
    """
    ordered = sorted(sources, key=lambda device: device.address)
    offered = sorted(destinations, key=lambda device: device.address)
    refusals = [
        [refusal(source, each, ignores_firmware=ignores_firmware) for each in offered]
        for source in ordered
    ]
    certain = [{n for n, why in enumerate(row) if why is None} for row in refusals]
    rows = [sorted(numbers) for numbers in certain]
    assigned = assign(rows)
    if assigned is None:
        possible = [
            {n for n, why in enumerate(row) if why is None or why.is_unknown} for row in refusals
        ]
        return NoMatch(
            candidates=tuple(
                _candidates(source, offered, row) for source, row in zip(ordered, refusals)
            ),
            contested=tuple(ordered[number].address for number in sorted(contested(rows))),
            is_unknown=missing is not None or assign(possible) is not None,
        )
    search = _Search(ordered, offered, certain, assigned)
    search.run()
    pairs = tuple(
        (source.address, offered[number].address) for source, number in zip(ordered, search.best)
    )
    return Match(pairs, *search.best_cost)


def _candidates(
    source: DeviceFacts, offered: Sequence[DeviceFacts], refusals: Sequence[Refusal | None]
) -> MatchCandidates:
    refused: dict[Refusal, tuple[PciAddress, ...]] = {}
    fitting = []
    for device, why in zip(offered, refusals):
        if why is None:
            fitting.append(device.address)
        else:
            refused[why] = (*refused.get(why, ()), device.address)
    return MatchCandidates(source.address, tuple(fitting), refused)


_Cost = tuple[int, int]


class _Search:
    """Looks for the cheapest choice, beginning with one that is known to be possible.

    Devices of the destination that fit the same devices of the source, on one node and one PF, are
    as good as each other, so only the first free one of them is tried.
    """

    def __init__(
        self,
        sources: Sequence[DeviceFacts],
        offered: Sequence[DeviceFacts],
        allowed: Sequence[set[int]],
        assigned: list[int],
    ) -> None:
        self._sources = sources
        self._offered = offered
        self._allowed = allowed
        self._alike = [
            (
                device.numa_node,
                device.parent_address or device.address,
                frozenset(row for row, numbers in enumerate(allowed) if number in numbers),
            )
            for number, device in enumerate(offered)
        ]
        self._steps = 0
        self.best = assigned
        self.best_cost = self._total(assigned)

    def run(self) -> None:
        """Improve :attr:`best` until it is the best."""
        self._extend([], (0, 0))

    def _extend(self, chosen: list[int], cost: _Cost) -> None:
        if len(chosen) == len(self._sources):
            self.best, self.best_cost = list(chosen), cost
            return
        for added, number in self._choices(chosen):
            self._steps += 1
            total = (cost[0] + added[0], cost[1] + added[1])
            if total >= self.best_cost or self._steps > _LARGEST_SEARCH:
                # The choices come in the order of what they add.
                return
            chosen.append(number)
            if self._can_complete(chosen):
                self._extend(chosen, total)
            chosen.pop()

    def _choices(self, chosen: Sequence[int]) -> list[tuple[_Cost, int]]:
        """Return a device of each sort for the next device of the source, the best first."""
        free = sorted(self._allowed[len(chosen)].difference(chosen))
        first = {self._alike[number]: number for number in reversed(free)}
        return sorted((self._added(chosen, number), number) for number in first.values())

    def _can_complete(self, chosen: Sequence[int]) -> bool:
        rest = [numbers.difference(chosen) for numbers in self._allowed[len(chosen) :]]
        return assign(rest) is not None

    def _total(self, chosen: Sequence[int]) -> _Cost:
        added = [self._added(chosen[:row], number) for row, number in enumerate(chosen)]
        return sum(nodes for nodes, _ in added), sum(pfs for _, pfs in added)

    def _added(self, chosen: Sequence[int], number: int) -> _Cost:
        """Return what a further choice costs beside those before it."""
        source, device = self._sources[len(chosen)], self._offered[number]
        nodes = pfs = 0
        for row, other_number in enumerate(chosen):
            other, taken = self._sources[row], self._offered[other_number]
            if source.numa_node is not None and source.numa_node == other.numa_node:
                nodes += device.numa_node != taken.numa_node
            if source.parent_address is not None and other.parent_address is not None:
                is_one = source.parent_address == other.parent_address
                pfs += is_one != (device.parent_address == taken.parent_address)
        return nodes, pfs
