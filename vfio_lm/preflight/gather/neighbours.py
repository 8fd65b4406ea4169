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

"""What the servers on hosts have of NUMA nodes, for a server that needs a part of one itself."""

from __future__ import annotations

import dataclasses

from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.preflight.facts import Destination, Facts, Neighbour, Neighbourhood
from vfio_lm.preflight.gather.residents import Residents
from vfio_lm.preflight.rules.numa import topology_keys


def with_neighbourhoods(cloud: WholeCloud, residents: Residents, facts: Facts) -> Facts:
    """Ask for the topology of the server, and of those on each destination whose files are given.

    There is one request for each of these servers, whoever asks. Nova's own word does without.
    """
    server = facts.server
    asked = {**server.flavor.extra_specs, **(facts.image_properties or {})}
    hosts = [each.host for each in facts.destinations if _shows_nodes(each)]
    if not hosts or facts.nova.counts or not topology_keys(asked):
        return facts
    on_hosts = residents.on(hosts, besides=server.id, with_ports=True)
    nodes = cloud.nodes(with_servers=True)
    there = {host: [each for each in cloud.servers if each.host == host] for host in hosts}
    topologies = residents.topologies(
        [server.id, *(each.id for servers in there.values() for each in servers)]
    )

    def neighbourhood(host: str) -> Neighbourhood:
        counted = nodes[host].server_ids or frozenset() if host in nodes else frozenset()
        return Neighbourhood(
            servers=tuple(Neighbour(each, topologies[each.id]) for each in there[host]),
            unlisted=counted - {each.id for each in there[host]},
            moves=on_hosts[host].moves,
        )

    return dataclasses.replace(
        facts,
        topology=topologies[server.id],
        destinations=tuple(
            dataclasses.replace(
                each,
                occupants=each.occupants or on_hosts[each.host],
                neighbourhood=neighbourhood(each.host),
            )
            if each.host in there
            else each
            for each in facts.destinations
        ),
    )


def _shows_nodes(destination: Destination) -> bool:
    own = destination.knowledge
    return own.conf is not None and own.facts is not None and own.facts.numa_nodes is not None
