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

"""Making up hosts with devices, and the servers that are there before; pure but for the seed."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.cloud import HostSpec
from tests.cloud.spec import FIRST_BUS
from tests.fidelity.scenario import Json, ServerPlan

VENDOR = "8086"
PF_PRODUCT = "1528"
VF_PRODUCTS = ("1515", "1520", "154c")
NETWORK = "physnet2"

_YES_NO_OR_NOT = ((0.88, "yes"), (0.05, "no"), (0.07, None))
_POLICIES = (
    (0.82, None),
    (0.05, "affinity"),
    (0.08, "anti-affinity"),
    (0.05, "soft-anti-affinity"),
)
_ZONES = ((0.5, "a"), (0.3, "b"), (0.2, None))
_RESERVED_MB = 512  # nova/conf/compute.py reserved_host_memory_mb (nova 34.0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """Devices of one product, as a host declares them.

    :ivar is_of_pf_and_vfs: whether PFs are declared beside their VFs.
    :ivar is_of_second_pf_only: whether the first PF's devices are declared without a tag.
    """

    product: str
    is_pf: bool = False
    tag: str | None = "yes"
    resource_class: str | None = None
    traits: str | None = None
    network: str | None = None
    is_of_second_pf_only: bool = False
    is_of_pf_and_vfs: bool = False

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
class Machine:
    """A host, and the kinds of devices that it declares, by product."""

    spec: HostSpec
    kinds: Mapping[str, Kind]

    def units(self, product: str) -> int:
        kind = self.kinds.get(product)
        if kind is None:
            return 0
        return self.spec.pfs if kind.is_pf else self.spec.pfs * self.spec.vfs


def pick(random: Random, choices: Sequence[tuple[float, Any]]) -> Any:
    return random.choices([value for _, value in choices], [share for share, _ in choices])[0]


def _kinds(random: Random, pci_in_placement: bool) -> tuple[Kind, ...]:
    products = random.sample(VF_PRODUCTS, pick(random, ((0.5, 1), (0.35, 2), (0.15, 3))))
    kinds = [
        Kind(
            product,
            is_pf=random.random() < 0.12,
            tag=pick(random, _YES_NO_OR_NOT),
            resource_class=f"CUSTOM_VF_{product}".upper()
            if pci_in_placement and random.random() < 0.3
            else None,
            traits="CUSTOM_FAST" if pci_in_placement and random.random() < 0.2 else None,
            is_of_pf_and_vfs=not pci_in_placement and random.random() < 0.1,
        )
        for product in products
    ]
    if len(kinds) < len(VF_PRODUCTS) and random.random() < 0.12:
        free = next(p for p in VF_PRODUCTS if p not in products)
        kinds.append(Kind(free, tag=None, network=NETWORK))
    return tuple(kinds)


def _machine(random: Random, place: int, kinds: Sequence[Kind], reports: bool) -> Machine:
    name, bus = f"node{place}", FIRST_BUS + place
    pfs = pick(random, ((0.6, 1), (0.4, 2)))
    varied = (_varied(random, kind, pfs) for kind in kinds)
    declared = {kind.product: kind for kind in varied if kind}
    products = tuple(kind.product for kind in kinds)
    spec = HostSpec(
        name=name,
        pfs=pfs,
        vfs=random.randint(1, 4),
        products=products,
        bus=bus,
        device_specs=tuple(
            spec
            for index, product in enumerate(products)
            if product in declared
            for spec in _device_specs(declared[product], bus, range(index * pfs, (index + 1) * pfs))
        ),
        qemu_version=pick(random, ((0.9, "8.2.2"), (0.1, "9.1.0"))),
        vcpus=pick(random, ((0.2, 2), (0.8, 8))),
        memory_mb=pick(random, ((0.4, 4096), (0.6, 8192))),
        report_in_placement=reports,
    )
    return Machine(spec, declared)


def _varied(random: Random, kind: Kind, pfs: int) -> Kind | None:
    """Return a kind as one host has it: mostly as all have it."""
    if kind.network is not None:
        return kind if random.random() < 0.8 else None
    change = pick(
        random,
        ((0.72, None), (0.1, "tag"), (0.04, "class"), (0.04, "traits"), (0.04, "mix"), (0.06, "")),
    )
    if change == "":
        return None
    if change == "tag":
        return dataclasses.replace(kind, tag=pick(random, _YES_NO_OR_NOT))
    if change == "class":
        return dataclasses.replace(kind, resource_class=None)
    if change == "traits":
        return dataclasses.replace(kind, traits=None)
    if change == "mix" and not kind.is_pf and pfs > 1:
        return dataclasses.replace(kind, is_of_second_pf_only=True)
    return kind


def _device_specs(kind: Kind, bus: int, slots: range) -> list[Json]:
    ids = {"vendor_id": VENDOR, "product_id": kind.product}
    if kind.is_pf:
        ids["product_id"] = PF_PRODUCT
        return [ids | {"address": f"0000:{bus:02x}:{slot:02x}.0"} | kind.tags for slot in slots]
    specs = [ids | kind.tags]
    if kind.is_of_pf_and_vfs:
        specs.append(ids | {"product_id": PF_PRODUCT} | kind.tags)
    if kind.is_of_second_pf_only:
        untagged = {key: tag for key, tag in kind.tags.items() if key != "live_migratable"}
        specs.insert(0, ids | {"address": f"0000:{bus:02x}:{slots[0]:02x}.*"} | untagged)
    return specs


def without_none(fields: Mapping[str, Any]) -> Json:
    return {key: value for key, value in fields.items() if value is not None}


def alias_of_vf(product: str) -> dict[str, str | None]:
    return {"vendor_id": VENDOR, "product_id": product, "device_type": "type-VF"}


def alias_of_pf() -> dict[str, str | None]:
    return {"vendor_id": VENDOR, "product_id": PF_PRODUCT, "device_type": "type-PF"}


class Fleet:
    """What some scenarios have in common: the hosts, and the servers that are there before."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.pci_in_placement = random.random() < 0.55
        self.machines = self._draw_machines()
        self.zones = self._draw_zones()
        self.aggregates = self._draw_aggregates()
        self.group_policy = pick(random, _POLICIES)
        self.aliases: list[Json] = []
        self.taken: collections.Counter[tuple[str, str]] = collections.Counter()
        self.memory = {m.spec.name: m.spec.memory_mb - _RESERVED_MB for m in self.machines}
        self.others = self._draw_others()

    @property
    def group_hosts(self) -> set[str]:
        """The hosts that members of the server group are on."""
        return {other.host for other in self.others if other.in_group}

    def free(self, machine: Machine, product: str) -> int:
        """Return how many devices of a kind are left on a host."""
        return machine.units(product) - self.taken[machine.spec.name, product]

    def can_serve(self, machine: Machine) -> bool:
        """Whether the scheduler finds devices of a host: in placement, if it looks there."""
        return bool(machine.spec.report_in_placement) or not self.pci_in_placement

    def _draw_machines(self) -> tuple[Machine, ...]:
        random = self._random
        count = pick(random, ((0.3, 2), (0.4, 3), (0.2, 4), (0.1, 5)))
        kinds = _kinds(random, self.pci_in_placement)
        reports = [self.pci_in_placement] * count
        if random.random() < 0.08:
            reports[random.randrange(count)] ^= True
        return tuple(_machine(random, place, kinds, reports[place]) for place in range(count))

    def _draw_zones(self) -> dict[str, str]:
        if self._random.random() >= 0.2:
            return {}
        return without_none({m.spec.name: pick(self._random, _ZONES) for m in self.machines})

    def _draw_aggregates(self) -> tuple[tuple[Mapping[str, str], tuple[str, ...]], ...]:
        if self._random.random() >= 0.04:
            return ()
        hosts = tuple(m.spec.name for m in self.machines if self._random.random() < 0.5)
        metadata = pick(
            self._random, ((0.5, {"ssd": "true"}), (0.5, {"trait:CUSTOM_LICENSED": "required"}))
        )
        return ((metadata, hosts),)

    def _draw_others(self) -> tuple[ServerPlan, ...]:
        others: list[ServerPlan] = []
        for machine in self._random.sample(self.machines, len(self.machines)):
            if len(others) < 2 and self._random.random() < 0.6:
                others.append(self._draw_other(machine, bool(others)))
        return tuple(others)

    def _draw_other(self, machine: Machine, is_later: bool) -> ServerPlan:
        random, host = self._random, machine.spec.name
        aliases = None
        if products := [p for p, kind in machine.kinds.items() if kind.network is None]:
            product = random.choice(products)
            units = machine.units(product)
            if units > 0 and self.can_serve(machine) and random.random() < 0.85:
                count = random.randint(1, units)
                self.taken[host, product] += count
                aliases = f"{self._alias_for_others(machine.kinds[product])}:{count}"
        room = self.memory[host]
        ram = pick(random, ((0.7, 512), (0.3, room - random.choice((512, 1024, 2048)))))
        self.memory[host] -= ram
        may_join = self.group_policy is not None and not (
            is_later and self.group_policy == "affinity"
        )
        return ServerPlan(
            host=host, aliases=aliases, ram=ram, in_group=may_join and random.random() < 0.7
        )

    def _alias_for_others(self, kind: Kind) -> str:
        """Return an alias for devices of a kind whatever they declare; it is defined once."""
        kinds = ("any", "pf" if kind.is_pf else kind.product, (kind.resource_class or "").lower())
        name = "-".join(filter(None, kinds))
        if all(alias["name"] != name for alias in self.aliases):
            ids = alias_of_pf() if kind.is_pf else alias_of_vf(kind.product)
            fields = ids | {"name": name, "resource_class": kind.resource_class}
            self.aliases.append(without_none(fields))
        return name
