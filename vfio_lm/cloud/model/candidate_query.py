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

"""The allocation-candidate query that nova's scheduler would send; it is only built here."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterable, Mapping

import os_resource_classes
import os_traits

# nova/conf/scheduler.py max_placement_results (nova 34.0.0)
NOVA_LIMIT = 1000

# nova/scheduler/utils.py ResourceRequest.XS_KEYPAT (nova 34.0.0)
_GROUP_KEY = re.compile(r"^(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.*)$")

#: Suffix of the groups made for PCI devices; nova uses a UUID, placement only wants it unique.
PCI_SUFFIX = "_PCI"


@dataclasses.dataclass(frozen=True)
class RequestGroup:
    """Resources and traits that belong together; the unsuffixed group has the suffix ``""``."""

    suffix: str = ""
    resources: Mapping[str, int] = dataclasses.field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing at all."""
        return not (self.resources or self.required or self.forbidden)

    @property
    def is_pci(self) -> bool:
        """Whether the group was made for a device that an alias asked for."""
        return self.suffix.startswith(PCI_SUFFIX)


@dataclasses.dataclass(frozen=True)
class CandidateQuery:
    """All parameters of one ``GET /allocation_candidates``."""

    groups: tuple[RequestGroup, ...]
    group_policy: str | None = None
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    in_tree: str | None = None
    limit: int | None = NOVA_LIMIT
    member_of: frozenset[str] = frozenset()
    """UUIDs of aggregates of which the root provider must be in one."""
    same_subtrees: tuple[tuple[str, ...], ...] = ()
    """Suffixes of groups that one provider, or its descendants, must serve together."""

    @property
    def pci_groups(self) -> tuple[RequestGroup, ...]:
        """The groups of single devices."""
        return tuple(group for group in self.groups if group.is_pci)

    def to_params(self) -> list[tuple[str, str]]:
        """Return the query string's parameters, sorted as nova sorts them."""
        params: list[tuple[str, str]] = []
        if self.limit is not None:
            params.append(("limit", str(self.limit)))
        if self.group_policy is not None:
            params.append(("group_policy", self.group_policy))
        if traits := _trait_list(self.root_required, self.root_forbidden):
            params.append(("root_required", traits))
        for group in self.groups:
            resources = ",".join(sorted(f"{rc}:{n}" for rc, n in group.resources.items()))
            if resources:
                params.append((f"resources{group.suffix}", resources))
            if traits := _trait_list(group.required, group.forbidden):
                params.append((f"required{group.suffix}", traits))
        params += (("same_subtree", ",".join(sorted(each))) for each in self.same_subtrees)
        if self.member_of:
            params.append(("member_of", f"in:{','.join(sorted(self.member_of))}"))
        if self.in_tree is not None:
            params.append(("in_tree", self.in_tree))
        return sorted(params)


def _trait_list(required: Iterable[str], forbidden: Iterable[str]) -> str:
    return ",".join([*sorted(required), *(f"!{trait}" for trait in sorted(forbidden))])


def pci_group(index: int, resource_class: str, traits: frozenset[str]) -> RequestGroup:
    """Return the group of one device.

    Source: ``RequestSpec.generate_request_groups_from_pci_requests`` in
    ``nova/objects/request_spec.py`` (nova 34.0.0): every device is a group of its own with one
    unit, so that the devices of one alias may come from several PFs.
    """
    return RequestGroup(
        suffix=f"{PCI_SUFFIX}{index}", resources={resource_class: 1}, required=traits
    )


def nova_query(
    extra_specs: Mapping[str, str],
    resources: Mapping[str, int],
    pci_groups: Iterable[RequestGroup],
    *,
    requires_owner: bool,
    port_groups: Iterable[RequestGroup] = (),
    same_subtrees: tuple[tuple[str, ...], ...] = (),
    in_tree: str | None = None,
    member_of: frozenset[str] = frozenset(),
    required: frozenset[str] = frozenset(),
    root_required: frozenset[str] = frozenset(),
    limit: int = NOVA_LIMIT,
) -> CandidateQuery:
    """Return the query that nova's scheduler would send to find a destination.

    Source: ``ResourceRequest.from_request_spec`` and ``resources_from_request_spec`` in
    ``nova/scheduler/utils.py``, ``compute_status_filter`` and ``owner_nova_filter`` in
    ``nova/scheduler/request_filter.py`` (nova 34.0.0).

    :param extra_specs: of the server's own flavor
    :param resources: units by resource class that the server holds now, without its PCI
        devices; what the flavor's suffixed groups and the ports ask for is taken out of them
    :param pci_groups: one group for each device, see :func:`pci_group`
    :param requires_owner: whether every nova-compute is 34.0.0 or later, so that the scheduler
        insists on providers with OWNER_NOVA
    :param port_groups: what the server's ports ask for, which neutron provides
    :param same_subtrees: suffixes of such groups that one provider must serve together
    :param in_tree: UUID of the compute node, where the user asked for one destination
    :param member_of: UUIDs of the aggregates that make the availability zone a server is bound to
    :param required: traits of the unsuffixed group besides those of extra specs ``trait:``
    :param root_required: traits of the root provider besides OWNER_NOVA
    :param limit: how many candidates the scheduler lets placement return
    """
    suffixed = _flavor_groups(extra_specs)
    plain = suffixed.pop("", RequestGroup())
    unsuffixed = collections.Counter(resources)
    port_groups = tuple(port_groups)
    for group in (*suffixed.values(), *port_groups):
        unsuffixed.subtract(group.resources)
    groups = [dataclasses.replace(plain, resources=+unsuffixed, required=plain.required | required)]
    groups += (group for group in suffixed.values() if not group.is_empty)
    groups += port_groups
    for group in pci_groups:
        if requires_owner:
            group = dataclasses.replace(group, required=group.required | {os_traits.OWNER_NOVA})
        groups.append(group)
    return CandidateQuery(
        groups=tuple(groups),
        group_policy=_group_policy(extra_specs, len(groups), len(suffixed)),
        root_required=root_required | ({os_traits.OWNER_NOVA} if requires_owner else frozenset()),
        root_forbidden=frozenset({os_traits.COMPUTE_STATUS_DISABLED}),
        in_tree=in_tree,
        limit=limit,
        member_of=member_of,
        same_subtrees=same_subtrees,
    )


def _group_policy(extra_specs: Mapping[str, str], groups: int, suffixed: int) -> str | None:
    """Return what the flavor says, or nova's default.

    :param groups: how many groups there are
    :param suffixed: how many of them have a suffix in the flavor's extra specs
    """
    policy = extra_specs.get("group_policy")
    if policy in ("none", "isolate"):
        return policy
    # Only where at most one suffixed group is the flavor's own fault.
    return "none" if groups > 2 and suffixed <= 1 else None


def claimed_resources(plain: Mapping[str, int], extra_specs: Mapping[str, str]) -> dict[str, int]:
    """Return what nova claims for a server besides its PCI devices, over all providers.

    Source: ``ResourceRequest.from_request_spec`` in ``nova/scheduler/utils.py`` (nova 34.0.0).

    :param plain: units by resource class that the flavor's own numbers ask for
    :param extra_specs: of the flavor; a class that they name counts as they say, in whichever group
    """
    named = {
        match.group(3)
        for key, value in extra_specs.items()
        if (match := _GROUP_KEY.match(key)) and value.strip().isdecimal()
    }
    total = collections.Counter({name: plain[name] for name in plain.keys() - named})
    for group in _flavor_groups(extra_specs).values():
        total.update(group.resources)
    return {name: amount for name, amount in total.items() if amount}


def _flavor_groups(extra_specs: Mapping[str, str]) -> dict[str, RequestGroup]:
    """Read ``resources…:CLASS`` and ``trait…:NAME`` as nova does; it skips what makes no sense."""
    resources: dict[str, dict[str, int]] = collections.defaultdict(dict)
    traits: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    suffixes: dict[str, None] = {}  # in the order in which they appear
    for key, value in extra_specs.items():
        match = _GROUP_KEY.match(key)
        if match is None:
            continue
        kind, suffix, name = match.group(1), match.group(2) or "", match.group(3)
        suffixes[suffix] = None
        if kind == "trait":
            traits[suffix, value].add(name)
        elif amount := _amount(name, value):
            resources[suffix][name] = amount
    return {
        suffix: RequestGroup(
            suffix=suffix,
            resources=resources[suffix],
            required=frozenset(traits[suffix, "required"]),
            forbidden=frozenset(traits[suffix, "forbidden"]),
        )
        for suffix in suffixes
    }


def _amount(resource_class: str, text: str) -> int:
    """Return the units asked for, 0 where nova ignores the extra spec."""
    is_known = resource_class in os_resource_classes.STANDARDS or resource_class.startswith(
        os_resource_classes.CUSTOM_NAMESPACE
    )
    try:
        return max(0, int(text)) if is_known else 0
    except ValueError:
        return 0
