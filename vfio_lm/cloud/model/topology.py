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

"""Which CPUs and memory of its host a server was given, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class GuestNode:
    """One NUMA node of a guest."""

    cpus: frozenset[int]
    """The guest's, pinned or not."""
    memory_mib: int
    host_node: int | None
    """The ID of the host's node that it is on; None where nova hides it from the user."""
    pinning: Mapping[int, int]
    """The host's CPU by the guest's, of those that are pinned."""


@dataclasses.dataclass(frozen=True)
class ServerTopology:
    """The NUMA topology of a server; without nodes for one that has none."""

    nodes: tuple[GuestNode, ...] = ()
    page_size_kib: int | None = None
    """None where the server did not ask for pages of a size."""
