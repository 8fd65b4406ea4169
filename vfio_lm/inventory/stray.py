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

"""What holds PCI devices in placement and is neither a server of nova's nor a migration of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping


@dataclasses.dataclass(frozen=True)
class Stray:
    """A consumer that nova knows nothing of."""

    id: str
    units: Mapping[str, int]
    """By the name of the PCI provider."""


def strays(
    held: Iterable[tuple[str, Mapping[str, Mapping[str, int]]]], known: Collection[str]
) -> tuple[Stray, ...]:
    """Return the consumers that are not known, by their ID.

    :param held: for each PCI provider its name and its allocations by consumer and resource class
    :param known: the servers, and the migrations that are not over
    """
    found: dict[str, dict[str, int]] = {}
    for name, allocations in held:
        for consumer, resources in allocations.items():
            if consumer not in known:
                found.setdefault(consumer, {})[name] = sum(resources.values())
    return tuple(Stray(consumer, units) for consumer, units in sorted(found.items()))
