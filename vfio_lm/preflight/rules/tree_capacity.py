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

"""What a destination's tree has, held against what is asked of it; pure arithmetic, no verdict.

Placement decides whether a host is offered. This explains its answer, and adds what placement
does not look at: whether devices are declared live migratable.
"""

from __future__ import annotations

import collections
from collections.abc import Collection, Iterable, Iterator, Mapping

from vfio_lm.cloud.model import Candidate, CandidateQuery, Marking, RequestGroup, Tree
from vfio_lm.preflight.facts import DeviceSupply


def shortages(
    groups: Iterable[RequestGroup],
    devices: Collection[DeviceSupply],
    accepted: Collection[Marking],
) -> list[str]:
    """Say for each kind of device that is asked for how many are missing.

    :param groups: one for each device, as in the query
    :param accepted: devices with another marking do not count
    """
    wanted = collections.Counter(
        (resource_class, group.required) for group in groups for resource_class in group.resources
    )
    found = []
    for (resource_class, traits), needed in wanted.items():
        fitting = [
            device
            for device in devices
            if device.resource_class == resource_class and traits <= device.provider.traits
        ]
        free = sum(device.free for device in fitting if device.marking in accepted)
        if free >= needed:
            continue
        other = sum(device.free for device in fitting if device.marking not in accepted)
        sentence = f"{resource_class}: {needed} needed, {free} free"
        if other:
            sentence += f" ({other} more free, but not declared live migratable)"
        found.append(sentence)
    return found


def best_marking(
    candidates: Iterable[Candidate],
    groups: Collection[RequestGroup],
    devices: Iterable[DeviceSupply],
) -> Marking | None:
    """Return the marking of the best candidate; a candidate is as good as its worst device.

    :returns: None where there is no candidate
    """
    by_provider = {device.provider.uuid: device.marking for device in devices}
    order = (Marking.MARKED, Marking.UNKNOWN, Marking.NOT_MARKED)
    worst = (
        max(
            (
                order.index(by_provider.get(uuid, Marking.UNKNOWN))
                for group in groups
                for uuid in candidate.providers_by_group.get(group.suffix, ())
            ),
            default=0,
        )
        for candidate in candidates
    )
    best = min(worst, default=None)
    return None if best is None else order[best]


def plain_shortages(query: CandidateQuery, tree: Tree | None) -> list[str]:
    """Say what a tree lacks of what is asked for besides devices."""
    if tree is None:
        return ["no memory is free"]
    reasons = list(trait_reasons(query, tree))
    for group in query.groups:
        if not group.is_pci:
            reasons += _resource_reasons(group.resources, tree)
    return reasons


def trait_reasons(query: CandidateQuery, tree: Tree) -> Iterator[str]:
    """Say which traits keep a tree from being offered, whatever is free there."""
    on_root = tree.root.traits if tree.root else frozenset()
    in_tree = frozenset().union(*(provider.traits for provider in tree.providers.values()))
    for trait in sorted(query.root_required - on_root):
        yield f"the host lacks the trait {trait}"
    for trait in sorted(query.root_forbidden & on_root):
        yield f"the host has the trait {trait}"
    for group in query.groups:
        if group.is_pci:
            continue
        for trait in sorted(group.required - in_tree):
            yield f"the host lacks the trait {trait}"
        for trait in sorted(group.forbidden & on_root):
            yield f"the host has the trait {trait}, which the flavor forbids"


def _resource_reasons(resources: Mapping[str, int], tree: Tree) -> Iterator[str]:
    for resource_class, needed in sorted(resources.items()):
        free = sum(
            provider.inventories[resource_class].free
            for provider in tree.providers.values()
            if resource_class in provider.inventories
        )
        if free < needed:
            yield f"{resource_class}: {needed} needed, {free} free"
