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

"""Making scenarios of servers with ports from a seed; those with aliases are made elsewhere.

A host has, in this order, a PF whose VFs are for ports, and one or two that are given away whole.
Some scenarios in a row have the same hosts and other servers.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from random import Random

from tests.cloud import HostSpec
from tests.cloud.spec import FIRST_BUS
from tests.fidelity.fleet import NETWORK, pick
from tests.fidelity.ports import AgentsState, PortPlan
from tests.fidelity.scenario import (
    HostPlan,
    HostState,
    Scenario,
    ServerPlan,
    ServerState,
    Withheld,
)

#: scenarios in a row that have the same hosts and other servers
GROUND_LIFE = 5

BANDWIDTH_KBPS = 10_000

_VNIC_TYPES = ((0.4, "direct"), (0.25, "macvtap"), (0.15, "direct-physical"), (0.2, "normal"))
_AT_SOURCE = ((0.93, AgentsState.ALIVE), (0.07, AgentsState.DEAD))
_AT_DESTINATION = (
    (0.72, AgentsState.ALIVE),
    (0.15, AgentsState.DEAD),
    (0.13, AgentsState.WITHOUT_NETWORK),
)
_HOST_STATES = ((0.92, HostState.UP), (0.05, HostState.DISABLED), (0.03, HostState.DOWN))
_SERVER_STATES = (
    (0.88, ServerState.ACTIVE),
    (0.06, ServerState.PAUSED),
    (0.03, ServerState.LOCKED),
    (0.03, ServerState.STOPPED),
)


def generate_ports(seed: int, number: int) -> Scenario:
    """Make the scenario of a seed and a number."""
    ground = _Ground(Random(f"{seed}/ports/ground/{number // GROUND_LIFE}"))
    return ground.scenario(Random(f"{seed}/ports/{number}"), seed, number)


class _Ground:
    """The hosts, and the servers that are there before."""

    def __init__(self, random: Random) -> None:
        self.hosts = tuple(_host(random, place) for place in range(random.randint(2, 3)))
        self._free = {host.name: _devices(host) for host in self.hosts}
        self.others = tuple(
            plan for _ in range(random.randint(0, 2)) if (plan := self._server(random))
        )

    def scenario(self, random: Random, seed: int, number: int) -> Scenario:
        """Draw the server, and what the hosts and their agents do."""
        server = self._server(random) or ServerPlan(host=self.hosts[0].name)
        others = [host.name for host in self.hosts if host.name != server.host]
        return Scenario(
            seed=seed,
            number=number,
            hosts=tuple(self._plan(random, host, server.host) for host in self.hosts),
            aliases=(),
            pci_in_placement=False,
            server=server,
            others=self.others,
            named_host=random.choice(others) if random.random() < 0.3 else None,
            withheld=self._withheld(random),
        )

    def _plan(self, random: Random, host: HostSpec, source: str) -> HostPlan:
        if host.name == source:
            return HostPlan(host, agents=pick(random, _AT_SOURCE))
        return HostPlan(host, pick(random, _HOST_STATES), agents=pick(random, _AT_DESTINATION))

    def _server(self, random: Random) -> ServerPlan | None:
        """Draw a server whose devices its host has left; None if none does."""
        host = random.choice(self.hosts)
        left = self._free[host.name]
        ports = []
        for _ in range(pick(random, ((0.08, 0), (0.67, 1), (0.25, 2)))):
            vnic_type = pick(random, _VNIC_TYPES)
            kind = "pf" if vnic_type == "direct-physical" else "vf"
            if vnic_type != "normal":
                if not left[kind]:
                    return None
                left[kind] -= 1
            ports.append(PortPlan(vnic_type, self._bandwidth(random, host, vnic_type)))
        state = pick(random, _SERVER_STATES)
        return ServerPlan(host=host.name, ports=tuple(ports), state=state)

    def _bandwidth(self, random: Random, host: HostSpec, vnic_type: str) -> int:
        if vnic_type not in ("direct", "macvtap") or not host.bandwidth_kbps:
            return 0
        wanted: int = pick(random, ((0.75, 0), (0.15, 2000), (0.1, 4000)))
        return wanted

    def _withheld(self, random: Random) -> Withheld:
        if random.random() < 0.7:
            return Withheld()
        names = [host.name for host in self.hosts]
        return Withheld(
            api_conf=random.random() < 0.35,
            confs=tuple(name for name in names if random.random() < 0.4),
            facts=tuple(name for name in names if random.random() < 0.4),
        )


def _host(random: Random, place: int) -> HostSpec:
    pfs = random.randint(2, 3)
    given = [f"*:*:{slot:02x}.0" for slot in range(1, pfs)]
    return HostSpec(
        name=f"node{place}",
        pfs=pfs,
        vfs=random.randint(1, 3),
        bus=FIRST_BUS + place,
        device_specs=tuple(
            {"address": address, "physical_network": NETWORK}
            for address in ("*:*:00.*", *(each for each in given if random.random() < 0.85))
        ),
        bandwidth_kbps=BANDWIDTH_KBPS if random.random() < 0.7 else 0,
        vcpus=8,
        memory_mb=8192,
    )


def _devices(host: HostSpec) -> Mapping[str, int] | collections.Counter[str]:
    return collections.Counter(vf=host.vfs, pf=len(host.device_specs) - 1)
