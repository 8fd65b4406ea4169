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

"""Which host nova ends up with when it chooses, and how that ends; nova is not asked here.

The scheduler sorts hosts by weight, in no order among equals, and takes one of the first
``host_subset_size`` (nova/scheduler/manager.py, ``_get_sorted_hosts``). Conductor asks the next
host if the first refuses softly, and gives up at any other error
(nova/conductor/tasks/live_migrate.py, ``_find_destination``); nova 31.0.0 to 34.0.0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from vfio_lm.pci.nova_word import Ending


@dataclasses.dataclass(frozen=True)
class Contender:
    """A host that the scheduler's filters leave."""

    host: str
    endings: frozenset[Ending]
    """How it may end here, without another host being asked; empty if that never happens."""
    may_be_passed_over: bool
    """Whether it may refuse so that conductor asks the next host."""
    weight: float
    """Among all contenders."""
    weight_later: float
    """Among those where it may end: the scheduler weighs again without those that refused."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """How it ends, and the hosts that nova may end up with."""

    ending: Ending
    hosts: frozenset[str]


def choose(contenders: Sequence[Contender], subset_size: int, max_retries: int) -> Choice:
    """Say what becomes of a live migration that names no host.

    :param subset_size: ``[filter_scheduler]host_subset_size``
    :param max_retries: ``[DEFAULT]migrate_max_retries``; -1: without limit
    """
    last = [each for each in contenders if each.endings]
    certain = [each for each in last if not each.may_be_passed_over]
    passed_over = [each for each in contenders if each.may_be_passed_over]
    if max_retries >= 0 and _have_to_be_tried(contenders, last, subset_size) > max_retries:
        return Choice(Ending.REFUSED, frozenset())
    reachable = [
        each
        for each in last
        if _rank(each.weight, [other.weight for other in certain]) < subset_size
        or _rank(each.weight_later, [other.weight_later for other in certain]) < subset_size
    ]
    endings = {ending for each in reachable for ending in each.endings}
    is_exhausted = (
        max_retries >= 0 and _may_be_tried(passed_over, certain, subset_size) > max_retries
    )
    if not certain or is_exhausted:
        endings.add(Ending.REFUSED)
    ending = endings.pop() if len(endings) == 1 else Ending.DEPENDS
    return Choice(ending, frozenset(each.host for each in reachable))


def _rank(weight: float, weights: Sequence[float]) -> int:
    """Count the weights that certainly come first."""
    return sum(each > weight for each in weights)


def _have_to_be_tried(
    contenders: Sequence[Contender], last: Sequence[Contender], subset_size: int
) -> int:
    """Count the hosts that refuse before nova can come to one where it ends."""
    soft = [each for each in contenders if not each.endings]
    if subset_size > 1 and last:
        return 0
    best = max((each.weight for each in last), default=float("-inf"))
    return sum(each.weight > best for each in soft)


def _may_be_tried(
    passed_over: Sequence[Contender], certain: Sequence[Contender], subset_size: int
) -> int:
    """Count the hosts that may refuse before nova comes to one where it ends."""
    weights = [each.weight for each in certain]
    return sum(_rank(each.weight, weights) < subset_size for each in passed_over)
