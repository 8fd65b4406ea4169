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

"""Making scenarios from a seed: the same seed and number give the same scenario, ever.

Some scenarios in a row have the same hosts, with the same other servers on them, since
making these again takes long. What is
random is what operators vary; that the server can be made at all is seen to as far as it is easy.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.fidelity.fleet import Fleet, Kind, Machine, alias_of_pf, alias_of_vf, pick, without_none
from tests.fidelity.ports import PortPlan
from tests.fidelity.scenario import (
    HostPlan,
    HostState,
    Json,
    Scenario,
    ServerPlan,
    ServerState,
    Withheld,
)

#: scenarios in a row that have the same hosts and other servers
FLEET_LIFE = 5

_STATES = (
    (0.86, ServerState.ACTIVE),
    (0.06, ServerState.PAUSED),
    (0.04, ServerState.LOCKED),
    (0.04, ServerState.STOPPED),
)
# It matters to servers with a NUMA topology only.
_NUMA = ((0.9, None), (0.05, "preferred"), (0.05, "required"))
_EXTRA_SPECS: tuple[tuple[float, Json], ...] = (
    (0.93, {}),
    (0.02, {"hw:cpu_sockets": "1"}),
    (0.02, {"trait:COMPUTE_NODE": "required"}),
    (0.01, {"trait:CUSTOM_LICENSED": "forbidden"}),
    (0.01, {"hw:numa_nodes": "1"}),
    (0.01, {"quota:cpu_shares": "1024"}),
)


def generate(seed: int, number: int) -> Scenario:
    """Make the scenario of a seed and a number."""
    fleet = Fleet(Random(f"{seed}/fleet/{number // FLEET_LIFE}"))
    return _Draft(Random(f"{seed}/{number}"), fleet).scenario(seed, number)


class _Draft:
    """A scenario while it is made up."""

    def __init__(self, random: Random, fleet: Fleet) -> None:
        self._random = random
        self._fleet = fleet
        self._aliases = list(fleet.aliases)
        self._source = random.choice(self._possible_sources())

    def scenario(self, seed: int, number: int) -> Scenario:
        """Draw the rest."""
        fleet, random = self._fleet, self._random
        server = self._draw_server()
        destinations = [m.spec.name for m in fleet.machines if m is not self._source]
        return Scenario(
            seed=seed,
            number=number,
            hosts=tuple(
                HostPlan(m.spec, self._draw_state(m), fleet.zones.get(m.spec.name))
                for m in fleet.machines
            ),
            aliases=tuple(self._aliases),
            pci_in_placement=fleet.pci_in_placement,
            server=server,
            others=fleet.others,
            group_policy=fleet.group_policy,
            aggregates=fleet.aggregates,
            named_host=self._maybe(0.3, random.choice(destinations)),
            withheld=self._draw_withheld(),
        )

    def _possible_sources(self) -> list[Machine]:
        """Return the hosts that have a device left for an alias, or all if none has."""
        roomy = [
            m
            for m in self._fleet.machines
            if self._fleet.memory[m.spec.name] >= 512 and self._fleet.can_serve(m)
        ]
        return [m for m in roomy if self._products(m)] or roomy or list(self._fleet.machines)

    def _products(self, machine: Machine) -> list[str]:
        return [
            product
            for product, kind in machine.kinds.items()
            if kind.network is None and self._fleet.free(machine, product) > 0
        ]

    def _maybe(self, share: float, value: Any) -> Any:
        return value if self._random.random() < share else None

    def _draw_state(self, machine: Machine) -> HostState:
        if machine is self._source:
            shares = ((0.94, HostState.UP), (0.03, HostState.DISABLED), (0.03, HostState.DOWN))
        else:
            shares = ((0.87, HostState.UP), (0.08, HostState.DISABLED), (0.05, HostState.DOWN))
        state: HostState = pick(self._random, shares)
        return state

    def _draw_server(self) -> ServerPlan:
        random, host = self._random, self._source.spec.name
        requests = self._draw_requests()
        has_port = any(k.network for k in self._source.kinds.values()) and random.random() < 0.6
        room = self._fleet.memory[host]
        return ServerPlan(
            host=host,
            aliases=",".join(f"{name}:{count}" for name, count in requests.items()) or None,
            vcpus=min(self._source.spec.vcpus, pick(random, ((0.8, 1), (0.2, 4)))),
            ram=min(room, pick(random, ((0.6, 512), (0.2, 2048), (0.2, 3000)))),
            extra_specs=pick(random, _EXTRA_SPECS),
            zone=self._maybe(0.6, self._fleet.zones.get(host)),
            in_group=self._may_join_group(host) and random.random() < 0.8,
            state=pick(random, _STATES),
            ports=(PortPlan("direct"),) if has_port else (),
        )

    def _may_join_group(self, host: str) -> bool:
        members = self._fleet.group_hosts
        return {
            None: False,
            "affinity": not members or host in members,
            "anti-affinity": host not in members,
        }.get(self._fleet.group_policy, True)

    def _draw_requests(self) -> dict[str, int]:
        """Draw how many devices of which alias the server has."""
        random = self._random
        left = {p: self._fleet.free(self._source, p) for p in self._products(self._source)}
        requests: dict[str, int] = {}
        if random.random() < 0.06:
            return requests
        for _ in range(pick(random, ((0.65, 1), (0.27, 2), (0.08, 3)))):
            if products := [product for product, count in left.items() if count > 0]:
                product = random.choice(products)
                count = random.randint(1, min(left[product], 2))
                left[product] -= count
                requests[self._draw_alias(product)] = count
        return requests

    def _draw_alias(self, product: str) -> str:
        """Define an alias that the source can serve; return its name."""
        kind = self._source.kinds[product]
        name = f"a{len(self._aliases)}"
        tag = {
            "yes": pick(self._random, ((0.95, "yes"), (0.05, None))),
            "no": pick(self._random, ((0.6, "no"), (0.4, None))),
        }.get(kind.tag or "")
        common = {"name": name, "live_migratable": tag, "numa_policy": pick(self._random, _NUMA)}
        fields = self._alias_ids(kind) | common
        if self._fleet.pci_in_placement:
            fields["traits"] = self._draw_traits(kind)
        elif not kind.is_pf and self._random.random() < 0.1:
            # alternatives, of which the source has but one
            self._aliases.append(without_none(alias_of_vf("10ca") | common))
        elif not kind.is_pf and self._random.random() < 0.1:
            del fields["device_type"]
        self._aliases.append(without_none(fields))
        return name

    def _draw_traits(self, kind: Kind) -> str | None:
        wanted = []
        if kind.traits is not None and self._random.random() < 0.5:
            wanted.append(kind.traits)
        if kind.tag == "yes" and not kind.is_of_second_pf_only and self._random.random() < 0.25:
            wanted.append("HW_PCI_LIVE_MIGRATABLE")
        return ",".join(wanted) or None

    def _alias_ids(self, kind: Kind) -> dict[str, str | None]:
        if kind.resource_class is not None and self._random.random() < 0.5:
            return {"resource_class": kind.resource_class}
        ids = alias_of_pf() if kind.is_pf else alias_of_vf(kind.product)
        return ids | {"resource_class": kind.resource_class}

    def _draw_withheld(self) -> Withheld:
        random = self._random
        if random.random() < 0.7:
            return Withheld()
        names = [machine.spec.name for machine in self._fleet.machines]
        return Withheld(
            api_conf=random.random() < 0.35,
            confs=tuple(name for name in names if random.random() < 0.4),
            facts=tuple(name for name in names if random.random() < 0.4),
        )
