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
making these anew takes long. What is
random is what operators vary; that the server can be made at all is seen to as far as it is easy.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.cloud import HostSpec
from tests.cloud.spec import FIRST_BUS
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
FLEET_LIFE = 4

VENDOR = "8086"
PF_PRODUCT = "1528"
VF_PRODUCTS = ("1515", "1520", "154c")
NETWORK = "physnet2"

_YES_NO_OR_NOT = ((0.84, "yes"), (0.06, "no"), (0.1, None))
_POLICIES = (
    (0.82, None),
    (0.05, "affinity"),
    (0.08, "anti-affinity"),
    (0.05, "soft-anti-affinity"),
)
_STATES = (
    (0.86, ServerState.ACTIVE),
    (0.06, ServerState.PAUSED),
    (0.04, ServerState.LOCKED),
    (0.04, ServerState.STOPPED),
)
_EXTRA_SPECS: tuple[tuple[float, Json], ...] = (
    (0.93, {}),
    (0.02, {"hw:cpu_sockets": "1"}),
    (0.02, {"trait:COMPUTE_MIGRATE_AUTO_CONVERGE": "required"}),
    (0.01, {"trait:CUSTOM_LICENSED": "forbidden"}),
    (0.01, {"hw:numa_nodes": "1"}),
    (0.01, {"quota:cpu_shares": "1024"}),
)
_ZONES = ((0.5, "a"), (0.3, "b"), (0.2, None))
_RESERVED_MB = 512  # nova/conf/compute.py reserved_host_memory_mb (nova 34.0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class _Kind:
    """Devices of one product, as a host declares them.

    :ivar is_of_second_pf_only: whether the first PF's devices are declared without a tag.
    """

    product: str
    is_pf: bool = False
    tag: str | None = "yes"
    resource_class: str | None = None
    traits: str | None = None
    network: str | None = None
    is_of_second_pf_only: bool = False

    @property
    def tags(self) -> Json:
        found = {
            "resource_class": self.resource_class,
            "traits": self.traits,
            "live_migratable": self.tag,
            "physical_network": self.network,
        }
        return {key: value for key, value in found.items() if value is not None}


@dataclasses.dataclass(frozen=True, slots=True)
class _Machine:
    """A host, and the kinds of devices that it declares, by product."""

    spec: HostSpec
    kinds: Mapping[str, _Kind]

    def units(self, product: str) -> int:
        kind = self.kinds.get(product)
        if kind is None:
            return 0
        return self.spec.pfs if kind.is_pf else self.spec.pfs * self.spec.vfs


def generate(seed: int, number: int) -> Scenario:
    """Make the scenario of a seed and a number."""
    fleet = _Fleet(Random(f"{seed}/fleet/{number // FLEET_LIFE}"))
    return _Draft(Random(f"{seed}/{number}"), fleet).scenario(seed, number)


def _pick(random: Random, choices: Sequence[tuple[float, Any]]) -> Any:
    return random.choices([value for _, value in choices], [share for share, _ in choices])[0]


def _kinds(random: Random, pci_in_placement: bool) -> tuple[_Kind, ...]:
    products = random.sample(VF_PRODUCTS, _pick(random, ((0.5, 1), (0.35, 2), (0.15, 3))))
    kinds = [
        _Kind(
            product,
            is_pf=random.random() < 0.12,
            tag=_pick(random, _YES_NO_OR_NOT),
            resource_class=f"CUSTOM_VF_{product}".upper()
            if pci_in_placement and random.random() < 0.3
            else None,
            traits="CUSTOM_FAST" if pci_in_placement and random.random() < 0.2 else None,
        )
        for product in products
    ]
    if len(kinds) < len(VF_PRODUCTS) and random.random() < 0.06:
        free = next(p for p in VF_PRODUCTS if p not in products)
        kinds.append(_Kind(free, tag=None, network=NETWORK))
    return tuple(kinds)


def _machine(random: Random, place: int, kinds: Sequence[_Kind], reports: bool) -> _Machine:
    declared = {kind.product: kind for kind in (_varied(random, k) for k in kinds) if kind}
    name, bus = f"node{place}", FIRST_BUS + place
    pfs = _pick(random, ((0.6, 1), (0.4, 2)))
    products = tuple(kind.product for kind in kinds)
    spec = HostSpec(
        name=name,
        pfs=pfs,
        vfs=random.randint(1, 3),
        products=products,
        bus=bus,
        device_specs=tuple(
            spec
            for index, product in enumerate(products)
            if product in declared
            for spec in _device_specs(declared[product], bus, range(index * pfs, (index + 1) * pfs))
        ),
        qemu_version=_pick(random, ((0.9, "8.2.2"), (0.1, "9.1.0"))),
        vcpus=_pick(random, ((0.2, 2), (0.8, 8))),
        memory_mb=_pick(random, ((0.4, 4096), (0.6, 8192))),
        report_in_placement=reports,
    )
    return _Machine(spec, declared)


def _varied(random: Random, kind: _Kind) -> _Kind | None:
    """Return a kind as one host has it: mostly as all have it."""
    if kind.network is not None:
        return kind if random.random() < 0.8 else None
    change = _pick(
        random,
        ((0.72, None), (0.1, "tag"), (0.04, "class"), (0.04, "traits"), (0.04, "mix"), (0.06, "")),
    )
    if change == "":
        return None
    if change == "tag":
        return dataclasses.replace(kind, tag=_pick(random, _YES_NO_OR_NOT))
    if change == "class":
        return dataclasses.replace(kind, resource_class=None)
    if change == "traits":
        return dataclasses.replace(kind, traits=None)
    if change == "mix" and not kind.is_pf:
        return dataclasses.replace(kind, is_of_second_pf_only=True)
    return kind


def _device_specs(kind: _Kind, bus: int, slots: range) -> list[Json]:
    ids = {"vendor_id": VENDOR, "product_id": kind.product}
    if kind.is_pf:
        ids["product_id"] = PF_PRODUCT
        return [ids | {"address": f"0000:{bus:02x}:{slot:02x}.0"} | kind.tags for slot in slots]
    specs = [ids | kind.tags]
    if kind.is_of_second_pf_only:
        untagged = {key: tag for key, tag in kind.tags.items() if key != "live_migratable"}
        specs.insert(0, ids | {"address": f"0000:{bus:02x}:{slots[0]:02x}.*"} | untagged)
    return specs


def _without_none(fields: Mapping[str, Any]) -> Json:
    return {key: value for key, value in fields.items() if value is not None}


class _Fleet:
    """What some scenarios have in common: the hosts, and the servers that are there before."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.pci_in_placement = random.random() < 0.55
        self.machines = self._draw_machines()
        self.zones = self._draw_zones()
        self.aggregates = self._draw_aggregates()
        self.group_policy = _pick(random, _POLICIES)
        self.aliases: list[Json] = []
        self.taken: collections.Counter[tuple[str, str]] = collections.Counter()
        self.memory = {m.spec.name: m.spec.memory_mb - _RESERVED_MB for m in self.machines}
        self.others = self._draw_others()

    @property
    def group_hosts(self) -> set[str]:
        """The hosts that members of the server group are on."""
        return {other.host for other in self.others if other.in_group}

    def free(self, machine: _Machine, product: str) -> int:
        """Return how many devices of a kind are left on a host."""
        return machine.units(product) - self.taken[machine.spec.name, product]

    def _draw_machines(self) -> tuple[_Machine, ...]:
        random = self._random
        count = _pick(random, ((0.3, 2), (0.4, 3), (0.2, 4), (0.1, 5)))
        kinds = _kinds(random, self.pci_in_placement)
        reports = [self.pci_in_placement] * count
        if random.random() < 0.08:
            reports[random.randrange(count)] ^= True
        return tuple(_machine(random, place, kinds, reports[place]) for place in range(count))

    def _draw_zones(self) -> dict[str, str]:
        if self._random.random() >= 0.2:
            return {}
        return _without_none({m.spec.name: _pick(self._random, _ZONES) for m in self.machines})

    def _draw_aggregates(self) -> tuple[tuple[Mapping[str, str], tuple[str, ...]], ...]:
        if self._random.random() >= 0.04:
            return ()
        hosts = tuple(m.spec.name for m in self.machines if self._random.random() < 0.5)
        metadata = _pick(
            self._random, ((0.5, {"ssd": "true"}), (0.5, {"trait:CUSTOM_LICENSED": "required"}))
        )
        return ((metadata, hosts),)

    def _draw_others(self) -> tuple[ServerPlan, ...]:
        others: list[ServerPlan] = []
        for machine in self._random.sample(self.machines, len(self.machines)):
            if len(others) < 3 and self._random.random() < 0.55:
                others.append(self._draw_other(machine, bool(others)))
        return tuple(others)

    def _draw_other(self, machine: _Machine, is_later: bool) -> ServerPlan:
        random, host = self._random, machine.spec.name
        aliases = None
        if products := [p for p, kind in machine.kinds.items() if kind.network is None]:
            product = random.choice(products)
            units = machine.units(product)
            if units > 0 and random.random() < 0.85:
                count = random.randint(1, units)
                self.taken[host, product] += count
                aliases = f"{self._alias_for_others(machine.kinds[product])}:{count}"
        room = self.memory[host]
        ram = _pick(random, ((0.7, 512), (0.3, room - random.choice((512, 1024, 2048)))))
        self.memory[host] -= ram
        may_join = self.group_policy is not None and not (
            is_later and self.group_policy == "affinity"
        )
        return ServerPlan(
            host=host, aliases=aliases, ram=ram, in_group=may_join and random.random() < 0.7
        )

    def _alias_for_others(self, kind: _Kind) -> str:
        """Return an alias for devices of a kind whatever they declare; it is defined once."""
        kinds = ("any", "pf" if kind.is_pf else kind.product, (kind.resource_class or "").lower())
        name = "-".join(filter(None, kinds))
        if all(alias["name"] != name for alias in self.aliases):
            ids = _alias_of_pf() if kind.is_pf else _alias_of_vf(kind.product)
            fields = ids | {"name": name, "resource_class": kind.resource_class}
            self.aliases.append(_without_none(fields))
        return name


class _Draft:
    """A scenario while it is made up."""

    def __init__(self, random: Random, fleet: _Fleet) -> None:
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

    def _possible_sources(self) -> list[_Machine]:
        """Return the hosts that have a device left for an alias, or all if none has."""
        roomy = [m for m in self._fleet.machines if self._fleet.memory[m.spec.name] >= 512]
        return [m for m in roomy if self._products(m)] or roomy or list(self._fleet.machines)

    def _products(self, machine: _Machine) -> list[str]:
        return [
            product
            for product, kind in machine.kinds.items()
            if kind.network is None and self._fleet.free(machine, product) > 0
        ]

    def _maybe(self, share: float, value: Any) -> Any:
        return value if self._random.random() < share else None

    def _draw_state(self, machine: _Machine) -> HostState:
        if machine is self._source:
            shares = ((0.94, HostState.UP), (0.03, HostState.DISABLED), (0.03, HostState.DOWN))
        else:
            shares = ((0.87, HostState.UP), (0.08, HostState.DISABLED), (0.05, HostState.DOWN))
        state: HostState = _pick(self._random, shares)
        return state

    def _draw_server(self) -> ServerPlan:
        random, host = self._random, self._source.spec.name
        requests = self._draw_requests()
        has_port = any(k.network for k in self._source.kinds.values()) and random.random() < 0.6
        room = self._fleet.memory[host]
        return ServerPlan(
            host=host,
            aliases=",".join(f"{name}:{count}" for name, count in requests.items()) or None,
            vcpus=min(self._source.spec.vcpus, _pick(random, ((0.8, 1), (0.2, 4)))),
            ram=min(room, _pick(random, ((0.6, 512), (0.2, 2048), (0.2, 3000)))),
            extra_specs=_pick(random, _EXTRA_SPECS),
            zone=self._maybe(0.6, self._fleet.zones.get(host)),
            in_group=self._may_join_group(host) and random.random() < 0.8,
            state=_pick(random, _STATES),
            port="sriov-1" if has_port else None,
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
        for _ in range(_pick(random, ((0.65, 1), (0.27, 2), (0.08, 3)))):
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
            "yes": _pick(self._random, ((0.92, "yes"), (0.08, None))),
            "no": _pick(self._random, ((0.6, "no"), (0.4, None))),
        }.get(kind.tag or "")
        common = {"name": name, "live_migratable": tag}
        fields = self._alias_ids(kind) | common
        if self._fleet.pci_in_placement:
            fields["traits"] = self._draw_traits(kind)
        elif not kind.is_pf and self._random.random() < 0.1:
            # alternatives, of which the source has but one
            self._aliases.append(_without_none(_alias_of_vf("10ca") | common))
        self._aliases.append(_without_none(fields))
        return name

    def _draw_traits(self, kind: _Kind) -> str | None:
        wanted = []
        if kind.traits is not None and self._random.random() < 0.5:
            wanted.append(kind.traits)
        if kind.tag == "yes" and not kind.is_of_second_pf_only and self._random.random() < 0.25:
            wanted.append("HW_PCI_LIVE_MIGRATABLE")
        return ",".join(wanted) or None

    def _alias_ids(self, kind: _Kind) -> dict[str, str | None]:
        if kind.resource_class is not None and self._random.random() < 0.5:
            return {"resource_class": kind.resource_class}
        ids = _alias_of_pf() if kind.is_pf else _alias_of_vf(kind.product)
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


def _alias_of_vf(product: str) -> dict[str, str | None]:
    return {"vendor_id": VENDOR, "product_id": product, "device_type": "type-VF"}


def _alias_of_pf() -> dict[str, str | None]:
    return {"vendor_id": VENDOR, "product_id": PF_PRODUCT, "device_type": "type-PF"}
