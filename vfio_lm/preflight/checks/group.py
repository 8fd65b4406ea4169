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

"""The check of the server's group: which servers must be, or must not be, on the destination."""

from __future__ import annotations

from vfio_lm.cloud.model import ServerGroup
from vfio_lm.preflight.check import (
    Evidence,
    Outcome,
    Refuser,
    destination_check,
    failed,
    not_applicable,
    passed,
    unknown,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.wording.remedy import HYPERVISORS, paste, steps


@destination_check(
    "destination-group",
    "Does the policy of the server group admit the server there?",
    refused_by=Refuser.SCHEDULER,
    depends_on=lambda facts: None if facts.group else True,
    # The destination's nova-compute looks once more, and counts servers that are on their way.
    may_end_in_error=True,
)
def destination_group(facts: Facts, destination: Destination) -> Outcome:
    """Apply the filters for server groups; the soft policies only weigh hosts.

    The scheduler counts the host that the server leaves among those of its group, but leaves it
    out itself: a server with the policy ``affinity`` may only join another member.

    After a live migration the host that a server has left still reports it to the scheduler, which
    keeps others of its group away until the host's next list of its servers.

    Source: ``nova/scheduler/filters/affinity_filter.py``, ``_validate_instance_group_policy`` and
    ``_post_live_migration`` in ``nova/compute/manager.py`` (nova 34.0.0).
    """
    group = facts.group
    if group is None or group.policy not in ("affinity", "anti-affinity"):
        return not_applicable("no server group limits where the server may be")
    host, node = destination.host, destination.node
    if node is None or node.server_ids is None:
        return unknown(
            "nova does not show which servers are on the host",
            settled_by=HYPERVISORS,
        )
    others = sorted((node.server_ids & group.members) - {facts.server.id})
    evidence = {"group": group.name, "policy": group.policy, "members_there": others}
    if group.policy == "anti-affinity":
        gone = (facts.departures.get(host, frozenset()) & group.members) - set(others)
        moving = facts.moving_members.get(host, frozenset()) - set(others)
        if len(others) < group.max_servers_per_host <= len(others) + len(moving):
            return _moving(group, host, sorted(moving), evidence)
        return _apart(group, host, others, sorted(gone), evidence)
    if others:
        return passed(f"members of group {group.name} are there", **evidence)
    return failed(
        f"group {group.name} keeps its servers together, and none of them is there",
        remedy=_dissolve(group),
        **evidence,
    )


def _moving(group: ServerGroup, host: str, moving: list[str], evidence: Evidence) -> Outcome:
    """Answer where others are between two hosts: nova-compute counts them on both.

    Source: ``_validate_instance_group_policy`` in ``nova/compute/manager.py`` (nova 34.0.0). The
    scheduler does not, and where nova-compute refuses, the server is left in ERROR.
    """
    return unknown(
        f"{', '.join(moving)} of group {group.name}, which keeps its servers apart, are still "
        f"moving from or to {host}, and nova-compute there counts them: it would leave this server "
        "in ERROR",
        settled_by=paste(
            "confirm their resizes, or wait until their moves are over",
            *(f"openstack server resize confirm {server_id}" for server_id in moving),
        ),
        moving=moving,
        **evidence,
    )


def _apart(
    group: ServerGroup, host: str, others: list[str], gone: list[str], evidence: Evidence
) -> Outcome:
    """Answer for a group that keeps its servers apart.

    :param others: the members on the host
    :param gone: members that have just left it
    """
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
            f"or {_dissolve(group)}",
        ),
        **evidence,
    )


def _dissolve(group: ServerGroup) -> str:
    return paste(
        "dissolve the group, if it is not needed any more",
        f"openstack server group delete {group.id}",
    )
