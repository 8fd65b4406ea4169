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

"""Which allocation candidates of a host differ for the claim; placement may offer hundreds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def distinct(candidates: Sequence[Mapping[str, Any]], state: Any) -> list[Mapping[str, Any]]:
    """Return one of each kind, in placement's order.

    Two are of one kind if each request group gets devices of like pools from them: of the same
    NUMA node, with the same tags and as many free; and groups share a provider in both or in none.

    :param state: the scheduler's state of the host, with the pools of its devices
    """
    pools = state.pci_stats.pools if state.pci_stats is not None else []
    found: dict[Any, Mapping[str, Any]] = {}
    for each in candidates:
        found.setdefault(_kind(each, pools, state.uuid), each)
    return list(found.values())


def _kind(candidate: Mapping[str, Any], pools: Sequence[Mapping[str, Any]], root: str) -> Any:
    numbers: dict[str, int] = {}
    resources = sorted(
        (name, str(sorted(each["resources"].items())))
        for name, each in candidate["allocations"].items()
        if name == root
    )
    groups = []
    for group, providers in sorted(candidate.get("mappings", {}).items()):
        for provider in sorted(providers):
            number = numbers.setdefault(provider, len(numbers))
            groups.append((group, number, _like(provider, pools, root)))
    return str((resources, groups))


def _like(provider: str, pools: Sequence[Mapping[str, Any]], root: str) -> Any:
    """Return what the claim sees of a provider."""
    if provider == root:
        return "root"
    mine = [
        sorted(
            (key, str(value)) for key, value in pool.items() if key not in ("address", "rp_uuid")
        )
        for pool in pools
        if pool.get("rp_uuid") == provider
    ]
    return mine or provider
