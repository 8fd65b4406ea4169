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

"""What a plan to drain a host is about, as plain data: servers to be moved, and rooms."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Pool:
    """Free devices of one resource provider."""

    provider: str
    free: int
    serves: frozenset[str]
    """The kinds of device that it satisfies, by whatever names the caller gives them."""


@dataclasses.dataclass(frozen=True)
class Room:
    """What a destination has left."""

    host: str
    resources: Mapping[str, int]
    """Free units by resource class, without devices."""
    pools: tuple[Pool, ...] = ()
    group_room: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """How many more servers of a server group may come; of a group that is absent, any number."""


@dataclasses.dataclass(frozen=True)
class Mover:
    """A server to be moved."""

    server_id: str
    name: str
    resources: Mapping[str, int]
    """Units by resource class that it needs, without devices."""
    devices: Mapping[str, int]
    """Number of devices by kind, see :attr:`Pool.serves`."""
    hosts: frozenset[str]
    """Where the preflight would let it go."""
    group: str | None = None
    """The server group that it is in."""
    isolates_devices: bool = False
    """Whether each device must come from another provider (``group_policy=isolate``)."""


@dataclasses.dataclass(frozen=True)
class PlannedMove:
    """One server with its destination."""

    server: Mover
    host: str
    devices: Mapping[str, int]
    """Number of devices by provider that the plan counts on. Nova chooses for itself among the
    free ones that would do."""


@dataclasses.dataclass(frozen=True)
class Stay:
    """A server that cannot leave together with the others."""

    server: Mover
    reason: str


@dataclasses.dataclass(frozen=True)
class DrainPlan:
    """Moves that all fit at the same time, in the order in which to make them."""

    moves: tuple[PlannedMove, ...]
    stays: tuple[Stay, ...] = ()
