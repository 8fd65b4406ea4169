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

"""Requests onto devices: a way to serve them all, and whether nova's resource tracker finds one.

Pure arithmetic; which devices are free, and which fit a request, is known elsewhere.

Nova takes the requests of a server one after the other, and for each the first devices that fit;
it does not look ahead, and it does not try again in another order (``PciDeviceStats`` in
``nova/pci/stats.py``, nova 34.0.0). Where the devices of two requests overlap, the outcome depends
on the order. So the answer is yes only if no order can fail, and no only if none can succeed.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from vfio_lm.pci import PciAddress

_T = TypeVar("_T", bound=Hashable)

Shadows = Mapping[PciAddress, frozenset[PciAddress]]
"""What goes together with a device: all VFs with their PF, and the PF with any of its VFs."""


class Fit(enum.Enum):
    """Whether requests can be served."""

    YES = "yes"
    """In whatever order nova takes requests and devices."""
    NO = "no"
    """In no order."""
    UNSURE = "unsure"
    """In some orders, or it is not known which devices are free."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """A number of devices of one kind that a server asks for."""

    name: str
    """The alias, or the port."""
    count: int
    certain: frozenset[PciAddress]
    """Devices that fit and are free for nova, beyond doubt."""
    possible: frozenset[PciAddress]
    """Those, and devices that fit and may be free."""
    knows_all: bool = True
    """Whether no other device of the host can fit."""


def fit(wishes: Iterable[Wish], shadows: Shadows) -> Fit:
    """Say whether a host's devices suffice for all requests together."""
    all_wishes = [wish for wish in wishes if wish.count > 0]
    if not _can_succeed(all_wishes):
        return Fit.NO
    return Fit.UNSURE if _can_fail(all_wishes, shadows) else Fit.YES


def _can_fail(wishes: Collection[Wish], shadows: Shadows) -> bool:
    return any(_can_run_short(wish, wishes, shadows) for wish in wishes)


def _can_run_short(wish: Wish, wishes: Iterable[Wish], shadows: Shadows) -> bool:
    """Whether the others can leave too little for a request that comes last."""
    if any(shadows.get(each, frozenset()) & wish.possible for each in wish.possible):
        # A PF and its VFs for one request: what nova takes first decides what is left.
        return True
    left = len(wish.certain)
    for other in wishes:
        if other is not wish:
            left -= _most_taken(other, wish.certain, shadows)
    return left < wish.count


def _most_taken(wish: Wish, devices: frozenset[PciAddress], shadows: Shadows) -> int:
    """Return how many of some devices a request can take away at worst."""
    taken = sorted(
        (len(({each} | shadows.get(each, frozenset())) & devices) for each in wish.possible),
        reverse=True,
    )
    return sum(taken[: wish.count])


def _can_succeed(wishes: Collection[Wish]) -> bool:
    """Whether each request can have its devices, leaving out that a PF goes with its VFs.

    May accept what is impossible, never rejects what is possible.
    """
    slots = [wish.possible for wish in wishes if wish.knows_all for _ in range(wish.count)]
    return assign(slots) is not None


def assign(allowed: Sequence[Collection[_T]]) -> list[_T] | None:
    """Give each row a thing of its own, by augmenting paths; None if that is impossible.

    :param allowed: the things that each row may have; those that come first are taken first
    """
    found, _ = _assigned(allowed)
    return found


def contested(allowed: Sequence[Collection[_T]]) -> frozenset[int]:
    """Return the numbers of rows for which, together, too few things are allowed."""
    _, rows = _assigned(allowed)
    return rows


def _assigned(allowed: Sequence[Collection[_T]]) -> tuple[list[_T] | None, frozenset[int]]:
    owner: dict[_T, int] = {}

    def find(row: int, seen: set[_T]) -> bool:
        for thing in allowed[row]:
            if thing in seen:
                continue
            seen.add(thing)
            if thing not in owner or find(owner[thing], seen):
                owner[thing] = row
                return True
        return False

    for row in range(len(allowed)):
        seen: set[_T] = set()
        if not find(row, seen):
            return None, frozenset({row, *(owner[thing] for thing in seen)})
    return sorted(owner, key=lambda thing: owner[thing]), frozenset()
