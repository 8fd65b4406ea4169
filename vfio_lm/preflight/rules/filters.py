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

"""Which filters of nova's scheduler may refuse a host, as far as APIs show what they read; no I/O.

What other checks have in full is left out: the state of nova-compute, server groups, NUMA, devices.
How many operations a host is busy with (IoOpsFilter) changes from one second to the next.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Optional

from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.capabilities import refusal_of_capabilities, refusal_of_image
from vfio_lm.preflight.rules.extra_spec_ops import satisfies_extra_spec
from vfio_lm.preflight.rules.extra_specs import AGGREGATE_SCOPE
from vfio_lm.preflight.rules.image_properties import as_nova_names
from vfio_lm.preflight.rules.scheduler import HostRefusal

_Rule = Callable[[Facts, Destination], Optional[HostRefusal]]

#: Hints that filters of nova's read, and the filter; ``group`` is known to another check.
_FILTERS_OF_HINTS = {
    "different_host": "DifferentHostFilter",
    "same_host": "SameHostFilter",
    "query": "JsonFilter",
    "build_near_host_ip": "SimpleCIDRAffinityFilter",
}
_OTHER_HINTS = frozenset({"group", "cidr"})

_KNOWN_ELSEWHERE = frozenset(
    {
        "AllHostsFilter",
        "AggregateIoOpsFilter",
        "ComputeFilter",
        "IoOpsFilter",
        "NUMATopologyFilter",
        "PciPassthroughFilter",
        "ServerGroupAffinityFilter",
        "ServerGroupAntiAffinityFilter",
    }
)
# What they go by is in the configuration and on the host.
_NOT_KNOWN = frozenset({"IsolatedHostsFilter", "MetricsFilter"})


def refusals(facts: Facts, destination: Destination) -> Iterator[HostRefusal]:
    """Yield what may keep the scheduler from a host; nothing where it will not be refused.

    A filter of which it is not known whether it is enabled refuses nothing for certain.
    """
    options = facts.inputs.scheduler
    for name, rule in _RULES.items():
        if options.may_be_enabled(name) and (found := rule(facts, destination)) is not None:
            is_certain = found.is_certain and options.enabled_filters is not None
            yield dataclasses.replace(found, is_certain=is_certain)
    yield from _of_strangers(facts)


def hinted_servers(hints: Mapping[str, object], name: str) -> frozenset[str]:
    """Return the IDs of servers in a hint; nova takes one, or a list."""
    value = hints.get(name)
    return frozenset(value if isinstance(value, list) else [value] if value else ())


def host_metadata(facts: Facts, host: str) -> Mapping[str, frozenset[str]]:
    """Return all values of each key of the aggregates of a host.

    Source: ``aggregate_metadata_get_by_host`` in ``nova/scheduler/filters/utils.py`` (nova 34.0.0).
    """
    found: dict[str, set[str]] = collections.defaultdict(set)
    for aggregate in facts.aggregates:
        if host in aggregate.hosts:
            for key, value in aggregate.metadata.items():
                found[key].update(each.strip() for each in value.split(","))
    return {key: frozenset(values) for key, values in found.items()}


def _of_strangers(facts: Facts) -> Iterator[HostRefusal]:
    """Yield what is not known of filters that are not nova's, or that APIs show nothing for."""
    enabled = facts.inputs.scheduler.enabled_filters
    if enabled is None:
        for hint in sorted(
            facts.server.scheduler_hints.keys() - _FILTERS_OF_HINTS.keys() - _OTHER_HINTS
        ):
            yield HostRefusal(
                "[filter_scheduler]enabled_filters", f"a filter may read the hint {hint}"
            )
        return
    for name in enabled:
        if name in _NOT_KNOWN:
            yield HostRefusal(name, f"{name} goes by what no API shows")
        elif name not in _KNOWN_ELSEWHERE and name not in _RULES:
            yield HostRefusal(name, f"{name} is no filter of nova's own")


def _different_host(facts: Facts, destination: Destination) -> HostRefusal | None:
    name, servers = (
        "DifferentHostFilter",
        hinted_servers(facts.server.scheduler_hints, "different_host"),
    )
    if not servers:
        return None
    node = destination.node
    if node is None or node.server_ids is None:
        return HostRefusal(name, "nova does not show which servers are on the host")
    if there := servers & node.server_ids:
        return HostRefusal(name, f"{_listed(there)} of the hint different_host are there", True)
    if gone := servers & facts.departures.get(destination.host, frozenset()):
        return HostRefusal(
            name,
            f"{_listed(gone)} of the hint different_host left the host a moment ago, and the "
            "scheduler may not know it yet",
        )
    return None


def _same_host(facts: Facts, destination: Destination) -> HostRefusal | None:
    name, servers = "SameHostFilter", hinted_servers(facts.server.scheduler_hints, "same_host")
    if not servers:
        return None
    node = destination.node
    if node is None or node.server_ids is None:
        return HostRefusal(name, "nova does not show which servers are on the host")
    if servers & node.server_ids:
        return None
    return HostRefusal(name, f"none of {_listed(servers)} of the hint same_host is there", True)


def _hint_not_known(hint: str) -> _Rule:
    """Return the rule of a filter that goes by a hint and by what no API shows of a host."""

    def rule(facts: Facts, _: Destination) -> HostRefusal | None:
        if not facts.server.scheduler_hints.get(hint):
            return None
        return HostRefusal(_FILTERS_OF_HINTS[hint], f"it goes by the hint {hint}")

    return rule


def _extra_specs(facts: Facts, destination: Destination) -> HostRefusal | None:
    name = "AggregateInstanceExtraSpecsFilter"
    metadata = host_metadata(facts, destination.host)
    for key, asked in facts.server.flavor.extra_specs.items():
        scope, colon, rest = key.partition(":")
        if colon and scope != AGGREGATE_SCOPE:
            continue
        values = metadata.get(rest if colon else key, frozenset())
        if not _satisfied(values, asked):
            has = f"has {_listed(values)}" if values else "has no such property"
            return HostRefusal(
                name, f"flavor {key} asks for {asked}, an aggregate of the host {has}", True
            )
    return None


def _satisfied(values: Iterable[str], asked: str) -> bool:
    try:
        return any(satisfies_extra_spec(value, asked) for value in values)
    except ValueError:
        return False


def _image_isolation(facts: Facts, destination: Destination) -> HostRefusal | None:
    properties = as_nova_names(facts.image_properties or {})
    for key, values in host_metadata(facts, destination.host).items():
        # Nova compares what it has made of the value, True for "yes" for instance.
        if key in properties and properties[key] not in values:
            return HostRefusal(
                "AggregateImagePropertiesIsolation",
                f"image {key} is {properties[key]}, an aggregate of the host has {_listed(values)}",
            )
    return None


def _project(facts: Facts, destination: Destination) -> HostRefusal | None:
    metadata = host_metadata(facts, destination.host)
    projects = frozenset().union(
        *(values for key, values in metadata.items() if key.startswith("filter_tenant_id"))
    )
    if not projects or facts.server.project_id in projects:
        return None
    return HostRefusal(
        "AggregateMultiTenancyIsolation", "an aggregate of the host is for other projects", True
    )


def _flavor(facts: Facts, destination: Destination) -> HostRefusal | None:
    flavors = host_metadata(facts, destination.host).get("instance_type", frozenset())
    if not flavors or facts.server.flavor.name in flavors:
        return None
    return HostRefusal(
        "AggregateTypeAffinityFilter",
        f"an aggregate of the host is for the flavors {_listed(flavors)}",
        True,
    )


def _number(name: str, *, by_aggregate: bool) -> _Rule:
    """Return the rule of a filter that limits how many servers a host has."""

    def rule(facts: Facts, destination: Destination) -> HostRefusal | None:
        # A cloud that has these filters says so, and only then nova is asked which servers are on
        # which host.
        if facts.inputs.scheduler.enabled_filters is None:
            return None
        limits = host_metadata(facts, destination.host).get("max_instances_per_host", frozenset())
        numbers = [int(each) for each in limits if each.isdecimal()] if by_aggregate else []
        limit = min(numbers, default=facts.inputs.scheduler.max_instances_per_host)
        node = destination.node
        if node is not None and node.server_ids is not None and len(node.server_ids) < limit:
            return None
        return HostRefusal(name, f"it admits no more than {limit} servers to the host")

    return rule


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))


_RULES: Mapping[str, _Rule] = {
    "ComputeCapabilitiesFilter": refusal_of_capabilities,
    "ImagePropertiesFilter": refusal_of_image,
    "DifferentHostFilter": _different_host,
    "SameHostFilter": _same_host,
    "JsonFilter": _hint_not_known("query"),
    "SimpleCIDRAffinityFilter": _hint_not_known("build_near_host_ip"),
    "AggregateInstanceExtraSpecsFilter": _extra_specs,
    "AggregateImagePropertiesIsolation": _image_isolation,
    "AggregateMultiTenancyIsolation": _project,
    "AggregateTypeAffinityFilter": _flavor,
    "NumInstancesFilter": _number("NumInstancesFilter", by_aggregate=False),
    "AggregateNumInstancesFilter": _number("AggregateNumInstancesFilter", by_aggregate=True),
}

#: Filters that go by the servers that are on a host.
COUNTING = frozenset({"NumInstancesFilter", "AggregateNumInstancesFilter"})
