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

"""A NUMA node of a host as libvirt's capabilities show it; what is free of it, no host knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

_WHOLE = {"type": "integer", "minimum": 0}

#: The JSON schema of the nodes of a host.
SCHEMA: Mapping[str, Any] = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "properties": {
            "id": _WHOLE,
            "cpus": {"type": "array", "items": _WHOLE},
            "memory_kib": _WHOLE,
            "pages": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"size_kib": _WHOLE | {"minimum": 1}, "total": _WHOLE},
                    "required": ["size_kib", "total"],
                },
            },
        },
        "required": ["id", "cpus", "memory_kib", "pages"],
    },
}


@dataclasses.dataclass(frozen=True)
class PagePool:
    """The memory pages of one size of a NUMA node, free or not."""

    size_kib: int
    total: int


@dataclasses.dataclass(frozen=True)
class NumaNode:
    """What a NUMA node has."""

    id: int
    cpus: tuple[int, ...]
    """That are online."""
    memory_kib: int
    pages: tuple[PagePool, ...]
    """Of each size that the processor knows, the usual one too."""


def numa_nodes(items: list[Mapping[str, Any]] | None) -> tuple[NumaNode, ...] | None:
    """Read nodes that conform to the schema.

    :raises ValueError: if two have the same number
    """
    if items is None:
        return None
    numbers = [item["id"] for item in items]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"numa_nodes: two have the same id: {sorted(numbers)}")
    return tuple(
        NumaNode(
            id=item["id"],
            cpus=tuple(item["cpus"]),
            memory_kib=item["memory_kib"],
            pages=tuple(PagePool(each["size_kib"], each["total"]) for each in item["pages"]),
        )
        for item in items
    )
