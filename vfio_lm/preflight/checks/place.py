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

"""Checks of where a server may be for other reasons than room: its group and its zone."""

from __future__ import annotations

from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    destination_check,
    failed,
    not_applicable,
    passed,
    unknown,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.wording.remedy import paste, steps


def is_in_zone(facts: Facts, destination: Destination) -> bool:
    """Whether the zone that a server is bound to, if any, admits a host.

    A zone that no aggregate makes, nova's default for instance, admits all hosts
    (``map_az_to_placement_aggregate`` in ``nova/scheduler/request_filter.py``, nova 34.0.0).
    """
    zone = facts.server.pinned_availability_zone
    members = [a for a in facts.aggregates if zone is not None and a.zone == zone]
    return not members or any(destination.host in a.hosts for a in members)


@destination_check(
    "destination-zone",
    "Do the availability zone and isolated aggregates admit the server?",
    refused_by=Refuser.SCHEDULER,
    depends_on=lambda facts: (facts.server.pinned_availability_zone, _asked_traits(facts)),
)
def destination_zone(facts: Facts, destination: Destination) -> Outcome:
    """Apply the scheduler's request filters about aggregates.

    Source: ``map_az_to_placement_aggregate`` and ``isolate_aggregates`` in
    ``nova/scheduler/request_filter.py`` (nova 34.0.0).
    """
    host, zone = destination.host, facts.server.pinned_availability_zone
    evidence = {"server_zone": zone, "zone": destination.service.zone}
    if not is_in_zone(facts, destination):
        aggregate = next(a for a in facts.aggregates if a.zone == zone)
        return failed(
            f"the server is bound to zone {zone}, and the host is in {destination.service.zone}",
            remedy=paste(
                "put the host into the zone, if it belongs there",
                f"openstack aggregate add host {aggregate.name} {host}",
            ),
            **evidence,
        )
    asked = _asked_traits(facts)
    for aggregate in facts.aggregates:
        missing = sorted(aggregate.required_traits - asked)
        if host in aggregate.hosts and missing:
            return unknown(
                f"aggregate {aggregate.name} is for servers that ask for {', '.join(missing)}; "
                f"where [scheduler]enable_isolated_aggregate_filtering is on, no other may come",
                settled_by=paste(
                    "if the aggregate need not be isolated",
                    "openstack aggregate unset "
                    + " ".join(f"--property trait:{trait}" for trait in missing)
                    + f" {aggregate.name}",
                ),
                aggregate=aggregate.name,
                required=missing,
                **evidence,
            )
    if zone is None:
        return passed("the server is bound to no zone", **evidence)
    return passed(f"zone {zone} admits the server", **evidence)


def _asked_traits(facts: Facts) -> frozenset[str]:
    """Return the traits that flavor and image require, of whichever provider."""
    asked = {**facts.server.flavor.extra_specs, **(facts.image_properties or {})}
    return frozenset(
        key.partition(":")[2]
        for key, value in asked.items()
        if key.startswith("trait") and value == "required"
    )


@destination_check(
    "destination-group",
    "Does the policy of the server group admit the server there?",
    refused_by=Refuser.SCHEDULER,
    depends_on=lambda facts: None if facts.group else True,
)
def destination_group(facts: Facts, destination: Destination) -> Outcome:
    """Apply the filters for server groups; the soft policies only weigh hosts.

    The scheduler counts the host that the server leaves among those of its group, but leaves it
    out itself: a server with the policy ``affinity`` may only join another member.

    After a live migration the host that a server has left tells the scheduler that the server is
    there, which keeps others of its group away until the host's next list of its servers.

    Source: ``nova/scheduler/filters/affinity_filter.py``, ``_validate_instance_group_policy`` and
    ``_post_live_migration`` in ``nova/compute/manager.py`` (nova 34.0.0).
    """
    group = facts.group
    if group is None or group.policy not in ("affinity", "anti-affinity"):
        return not_applicable("no server group limits where the server may be")
    host, node = destination.host, destination.node
    if node is None or node.server_ids is None:
        return unknown(
            "nova does not tell which servers are on the host",
            settled_by=paste(
                "see which hypervisors nova lists", "openstack hypervisor list --long"
            ),
        )
    others = sorted((node.server_ids & group.members) - {facts.server.id})
    evidence = {"group": group.name, "policy": group.policy, "members_there": others}
    dissolve = paste(
        "dissolve the group, if it is not needed any more",
        f"openstack server group delete {group.id}",
    )
    if group.policy == "affinity":
        if others:
            return passed(f"members of group {group.name} are there", **evidence)
        return failed(
            f"group {group.name} keeps its servers together, and none of them is there",
            remedy=dissolve,
            **evidence,
        )
    gone = sorted((facts.departures.get(host, frozenset()) & group.members) - set(others))
    if len(others) < group.max_servers_per_host <= len(others) + len(gone):
        return unknown(
            f"{', '.join(gone)} of group {group.name}, which keeps its servers apart, left the "
            "host a moment ago, and the scheduler may not know it yet",
            settled_by="ask again in three minutes",
            just_left=gone,
            **evidence,
        )
    if len(others) < group.max_servers_per_host:
        return passed(f"group {group.name} has room there", **evidence)
    return failed(
        f"group {group.name} keeps its servers apart, and has {len(others)} there "
        f"({', '.join(others)}) of {group.max_servers_per_host} at most",
        remedy=steps(
            paste(
                f"move one of them away from {host}, of which the scheduler may learn only after "
                "three minutes",
                f"openstack server migrate --live-migration --wait {others[0]}",
            ),
            f"or {dissolve}",
        ),
        **evidence,
    )
