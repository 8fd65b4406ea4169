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

"""Whether devices suffice for several requests at once, as nova's resource tracker hands them out.

Pure arithmetic on addresses; which devices are free, and which fit a request, is known elsewhere.

Nova takes the requests of a server one after the other, and for each the first devices that fit;
it does not look ahead, and it does not try again in another order (``PciDeviceStats`` in
``nova/pci/stats.py``, nova 34.0.0). Where the devices of two requests overlap, the outcome depends
on the order. So the answer is yes only if no order can fail, and no only if none can succeed.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Iterable, Mapping

from vfio_lm.pci import PciAddress

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


@dataclasses.dataclass(frozen=True, slots=True)
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
    """Look for a way to give each request its devices: a matching, by augmenting paths.

    That a PF goes with its VFs is left out: a way is rather found than missed.
    """
    slots = [wish for wish in wishes if wish.knows_all for _ in range(wish.count)]
    owners: dict[PciAddress, int] = {}
    return all(_find_device(slot, slots, owners, set()) for slot in range(len(slots)))


def _find_device(
    slot: int, slots: list[Wish], owners: dict[PciAddress, int], tried: set[PciAddress]
) -> bool:
    for address in slots[slot].possible - tried:
        tried.add(address)
        owner = owners.get(address)
        if owner is None or _find_device(owner, slots, owners, tried):
            owners[address] = slot
            return True
    return False
