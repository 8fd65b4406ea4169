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

"""What happened to a server, and to the others of its group, as far as it may matter."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import Server, ServerGroup, ServerHistory
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.preflight.inputs import Inputs
from vfio_lm.preflight.rules.filters import COUNTING


def histories(cloud: WholeCloud, servers: Iterable[Server]) -> Mapping[str, ServerHistory]:
    """Ask what was done with servers: one request for all, and a light one for each."""
    return cloud.histories([server.id for server in servers])


def goes_by_servers(server: Server, inputs: Inputs) -> bool:
    """Whether a filter of the scheduler looks at the servers that are on a host."""
    enabled = inputs.scheduler.enabled_filters or ()
    hints = server.scheduler_hints
    return not COUNTING.isdisjoint(enabled) or "different_host" in hints or "same_host" in hints


def departures(
    cloud: WholeCloud, server: Server, group: ServerGroup | None, inputs: Inputs
) -> Mapping[str, frozenset[str]]:
    """Ask who has just left which host, where it may matter."""
    if not _keeps_apart(group) and "different_host" not in server.scheduler_hints:
        return {}
    return cloud.departures(inputs.now)


def moving_members(
    cloud: WholeCloud, server: Server, group: ServerGroup | None
) -> Mapping[str, frozenset[str]]:
    """Return by host the members of a group that are moving from or to it, and count there.

    There is one request for each other member of a group that keeps its servers apart.
    """
    found: dict[str, set[str]] = collections.defaultdict(set)
    for member in sorted(group.members - {server.id}) if group and _keeps_apart(group) else ():
        for move in cloud.moves(member):
            for host in {move.source, move.destination} - {""}:
                found[host].add(member)
    return {host: frozenset(members) for host, members in found.items()}


def _keeps_apart(group: ServerGroup | None) -> bool:
    return group is not None and group.policy == "anti-affinity"
