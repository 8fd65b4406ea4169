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

"""What a server asks of its destination, derived from what is known of it; no I/O."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping

import os_resource_classes

from vfio_lm.cloud.model import Flavor, RequestGroup
from vfio_lm.cloud.model.candidate_query import claimed_resources, pci_group
from vfio_lm.pci import Alias, AliasRequest
from vfio_lm.preflight.facts import Facts, SourceDevice


def device_groups(
    requests: Iterable[AliasRequest],
    aliases: Mapping[str, Alias] | None,
    held: Iterable[SourceDevice],
) -> tuple[RequestGroup, ...]:
    """Return one request group for each device of the server.

    What was requested is stored with the server when it is created, and no API shows it. The
    aliases of today show it as long as they ask for the resource classes that the server really
    holds; otherwise the allocation is the better evidence, but then the traits are not known.
    """
    classes_held = held_classes(held)
    from_aliases = _groups_of_aliases(requests, aliases or {})
    if from_aliases and _classes(from_aliases) == classes_held:
        return from_aliases
    elements = sorted(classes_held.elements())
    return tuple(pci_group(i, name, frozenset()) for i, name in enumerate(elements))


def held_classes(held: Iterable[SourceDevice]) -> collections.Counter[str]:
    """Return the units by resource class over all PCI providers."""
    total: collections.Counter[str] = collections.Counter()
    for device in held:
        total.update(device.resources)
    return total


def requested_classes(
    requests: Iterable[AliasRequest], aliases: Mapping[str, Alias] | None
) -> collections.Counter[str] | None:
    """Return the units by resource class that the aliases of today ask for.

    :returns: None where an alias is not known, or leaves a choice of several kinds of device
    """
    groups = _groups_of_aliases(requests, aliases or {})
    return _classes(groups) if groups is not None else None


def flavor_resources(flavor: Flavor) -> dict[str, int]:
    """Return what nova claims for a flavor, for a server with a local disk."""
    plain = {
        os_resource_classes.VCPU: flavor.vcpus,
        os_resource_classes.MEMORY_MB: flavor.ram_mib,
        os_resource_classes.DISK_GB: flavor.disk_gib,
    }
    return claimed_resources(plain, flavor.extra_specs)


def asks_for_devices(facts: Facts) -> bool | None:
    """Key of the answers that do not depend on host facts; None where some are given."""
    return None if facts.inputs.hosts else bool(facts.alias_requests)


def _groups_of_aliases(
    requests: Iterable[AliasRequest], aliases: Mapping[str, Alias]
) -> tuple[RequestGroup, ...] | None:
    groups: list[RequestGroup] = []
    for request in requests:
        alias = aliases.get(request.alias)
        if alias is None or len(alias.specs) != 1:
            return None
        spec = alias.specs[0]
        for _ in range(request.count):
            groups.append(pci_group(len(groups), spec.resource_class, spec.traits))
    return tuple(groups)


def _classes(groups: Iterable[RequestGroup]) -> collections.Counter[str]:
    return collections.Counter(name for group in groups for name in group.resources)
