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

"""Scenarios about the servers that people run, as doc/source/fidelity-population.rst says.

Each host has VFs for aliases on two NUMA nodes, and VFs for ports. Some scenarios in a row have
the same hosts and other servers; all of a seed have the same options of nova.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from random import Random
from typing import Any

from tests.cloud import HostSpec
from tests.cloud.spec import FIRST_BUS
from tests.fidelity.fleet import NETWORK, pick
from tests.fidelity.history import History
from tests.fidelity.ports import PortPlan
from tests.fidelity.scenario import (
    HostPlan,
    HostState,
    Json,
    Scenario,
    ServerPlan,
    ServerState,
)
from tests.fidelity.server_traits import (
    ALIASES,
    EXTRA_SPECS,
    FAST,
    HISTORIES,
    HOST_STATES,
    IMAGE_PROPERTIES,
    NUMA,
    OF_AGGREGATE,
    OPTIONS,
    PCI_POLICIES,
    REQUESTS,
    SERVER_STATES,
    VNIC_TYPES,
)

#: scenarios in a row that have the same hosts and other servers
GROUND_LIFE = 6

ALIAS_PRODUCT, PORT_PRODUCT = "1515", "1520"
_VENDOR = "8086"
_GIB_PAGES = "1048576"
_PFS = 2
#: VFs of each PF, so that other servers leave two on one NUMA node
_ENOUGH = 3


def generate_servers(seed: int, number: int) -> Scenario:
    """Make the scenario of a seed and a number."""
    options = OPTIONS[seed % len(OPTIONS)]
    ground = _Ground(Random(f"{seed}/servers/ground/{number // GROUND_LIFE}"), options)
    return _Draft(Random(f"{seed}/servers/{number}"), ground).scenario(seed, number)


class _Ground:
    """The hosts, nova's options, and the servers that are there before."""

    def __init__(self, random: Random, options: Mapping[str, Mapping[str, Any]]) -> None:
        self.options = options
        self.pci_in_placement = random.random() < 0.75
        count = pick(random, ((0.25, 2), (0.75, 3)))
        self.hosts = tuple(_host(random, place, self.pci_in_placement) for place in range(count))
        self.group_policy = pick(random, ((0.5, "anti-affinity"), (0.1, "affinity"), (0.4, None)))
        closed = options.get("racks", {}).get("closed_hosts")
        is_open = tuple(each for each in self.hosts if each.name != closed)
        # Nova makes no server where the alias finds no device that it asks for.
        self.sources = tuple(each for each in is_open if _is_tagged(each)) or is_open
        self.others = tuple(
            ServerPlan(
                host=random.choice(is_open).name,
                aliases=pick(random, ((0.4, "vf-any:1"), (0.6, None))),
                vcpus=pick(random, ((0.5, 2), (0.5, 4))),
                extra_specs=pick(random, ((0.5, {"hw:cpu_policy": "dedicated"}), (0.5, {}))),
            )
            for _ in range(pick(random, ((0.4, 0), (0.4, 1), (0.2, 2))))
        )
        names = tuple(host.name for host in self.hosts if random.random() < 0.6)
        self.aggregates = (({"ssd": "true"}, names),) if names else ()


class _Draft:
    """A scenario while it is made up."""

    def __init__(self, random: Random, ground: _Ground) -> None:
        self._random = random
        self._ground = ground
        self._source = random.choice(ground.sources)

    def scenario(self, seed: int, number: int) -> Scenario:
        """Draw the rest."""
        random, ground = self._random, self._ground
        server = self._server()
        others = [host.name for host in ground.hosts if host is not self._source]
        return Scenario(
            seed=seed,
            number=number,
            hosts=tuple(
                HostPlan(each, HostState.UP if each is self._source else pick(random, HOST_STATES))
                for each in ground.hosts
            ),
            aliases=ALIASES[ground.pci_in_placement],
            pci_in_placement=ground.pci_in_placement,
            server=server,
            others=ground.others,
            group_policy=ground.group_policy,
            aggregates=ground.aggregates,
            named_host=random.choice(others) if random.random() < 0.25 else None,
            nova_options=ground.options,
            asks_each_mode=True,
        )

    def _server(self) -> ServerPlan:
        random = self._random
        numa = pick(random, NUMA)
        extra_specs = {**numa, **self._usual_extra_specs()}
        if numa and random.random() < 0.2:
            extra_specs["hw:pci_numa_affinity_policy"] = pick(random, PCI_POLICIES)
        has_port = random.random() < 0.3
        requests = pick(random, REQUESTS)
        if requests and FAST in requests and not self._ground.pci_in_placement:
            requests = "vf:1"
        if requests == "vf:2" and self._source.vfs < _ENOUGH:
            requests = "vf:1"
        plan = ServerPlan(
            host=self._source.name,
            aliases=None if has_port and random.random() < 0.5 else requests,
            vcpus=pick(random, ((0.75, 2), (0.25, 4))),
            ram=self._ram(numa),
            extra_specs=extra_specs,
            image_properties=pick(random, IMAGE_PROPERTIES),
            hints={"colour": "blue"} if random.random() < 0.03 else {},
            in_group=self._ground.group_policy is not None and random.random() < 0.2,
            state=pick(random, SERVER_STATES),
            ports=(PortPlan(pick(random, VNIC_TYPES)),) if has_port else (),
        )
        return self._with_history(plan) if random.random() < 1 / 3 else plan

    def _ram(self, numa: Json) -> int:
        """Draw what the pages of the host can make up."""
        drawn: int = pick(self._random, ((0.6, 512), (0.4, 1024)))
        size = numa.get("hw:mem_page_size", "small")
        if size == _GIB_PAGES:
            return 1024
        return 512 if size != "small" and _GIB_PAGES not in self._source.huge_pages else drawn

    def _usual_extra_specs(self) -> Json:
        random, source = self._random, self._source.name
        drawn = {name: value for name, value, share in EXTRA_SPECS if random.random() < share}
        if not any(source in hosts for _, hosts in self._ground.aggregates):
            drawn.pop(OF_AGGREGATE, None)
        return drawn

    def _with_history(self, plan: ServerPlan) -> ServerPlan:
        history: History = pick(self._random, HISTORIES)
        if history is History.PLACEMENT_OFF and not self._ground.pci_in_placement:
            history = History.MOVED
        if history is History.MEMBER_RESIZED:
            if self._ground.group_policy != "anti-affinity" or len(self._ground.hosts) < 3:
                history = History.RESIZE_REVERTED
            else:
                plan = dataclasses.replace(plan, in_group=True)
        if history is History.PORT_REMOVED:
            plan = dataclasses.replace(plan, ports=(*plan.ports, PortPlan("direct")))
        # Nova resizes and unplugs no server that is locked or off.
        return dataclasses.replace(plan, history=history, state=ServerState.ACTIVE)


def _is_tagged(host: HostSpec) -> bool:
    return any("live_migratable" in each for each in host.device_specs)


def _host(random: Random, place: int, pci_in_placement: bool) -> HostSpec:
    bus = FIRST_BUS + place
    is_short_of_pages = random.random() < 0.15
    tag = pick(random, ((0.94, {"live_migratable": "yes"}), (0.06, {})))
    specs: list[Json] = []
    for slot in range(_PFS):
        traits = {"traits": FAST} if pci_in_placement and slot == 1 else {}
        address = {"address": f"0000:{bus:02x}:{slot:02x}.*"}
        ids = {"vendor_id": _VENDOR, "product_id": ALIAS_PRODUCT}
        specs.append(ids | address | traits | tag)
    specs.append({"vendor_id": _VENDOR, "product_id": PORT_PRODUCT, "physical_network": NETWORK})
    return HostSpec(
        name=f"node{place}",
        pfs=_PFS,
        vfs=pick(random, ((0.3, 2), (0.7, _ENOUGH))),
        products=(ALIAS_PRODUCT, PORT_PRODUCT),
        bus=bus,
        device_specs=tuple(specs),
        vcpus=12,
        memory_mb=8192,
        huge_pages={"2048": 256} if is_short_of_pages else {"2048": 640, _GIB_PAGES: 1},
        report_in_placement=pci_in_placement,
    )
