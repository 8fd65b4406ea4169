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

"""What a host needs so that servers with VFIO devices can leave and arrive; nothing is fetched.

Each aspect of a host is judged from one source alone: where the source is missing, the condition is
unknown, whatever the others say.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence

from vfio_lm.cloud.model import Microversion
from vfio_lm.inventory import HostInventory, HostMarking
from vfio_lm.pci import LiveMigratable
from vfio_lm.pci.device import DeviceKind
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.matching import may_serve
from vfio_lm.pci.migratability import is_managed, obstacles
from vfio_lm.preflight import Inputs
from vfio_lm.preflight.wording.declaration import declare
from vfio_lm.preflight.wording.remedy import APIS_CONF, conf_of, on_host, paste, probe
from vfio_lm.text import counted


class Condition(enum.Enum):
    """How one aspect of a host is."""

    GOOD = "yes"
    PARTLY = "partly"
    """Some devices are in order, and others are not; servers can use the former."""
    BAD = "no"
    UNKNOWN = "unknown"
    NOT_NEEDED = "-"
    """The host has no devices, or nova does not look at this."""


@dataclasses.dataclass(frozen=True)
class KnowledgeSource:
    """One source of knowledge."""

    name: str
    is_there: bool
    detail: str
    """What is there, or how to give it."""


@dataclasses.dataclass(frozen=True)
class HostHealth:
    """All aspects of a host, and the first thing to mend."""

    host: str
    spec: Condition
    """``[pci]device_spec`` declares devices live migratable."""
    trait: Condition
    """Placement has HW_PCI_LIVE_MIGRATABLE of its devices."""
    alias: Condition
    """An alias with live_migratable=yes asks for its devices."""
    driver: Condition
    """Its devices have a driver that can migrate them."""
    guard: Condition
    """Libvirt's hook refuses devices that cannot be migrated to; worth having, never needed."""
    correction: Condition
    """nova-compute runs with the corrections; worth having, never needed."""
    first: str = ""
    """What is wrong first; empty: nothing is."""
    remedy: str = ""
    """What to do about it, see :mod:`vfio_lm.preflight.wording.remedy`."""

    @property
    def needed(self) -> tuple[Condition, ...]:
        """The aspects without which no live migration works."""
        return (self.spec, self.trait, self.alias, self.driver)


@dataclasses.dataclass(frozen=True)
class CloudHealth:
    """The first look at a cloud."""

    microversion: Microversion
    is_nova_2026_2: bool
    """Whether every nova-compute is of 2026.2 or later, as far as placement shows."""
    sources: tuple[KnowledgeSource, ...]
    hosts: tuple[HostHealth, ...]
    """By name."""

    @property
    def condition(self) -> Condition:
        """How the worst host is that has devices; unknown also where no host is known to have."""
        seen = {each for host in self.hosts for each in host.needed}
        if Condition.BAD in seen:
            return Condition.BAD
        if Condition.UNKNOWN in seen or seen <= {Condition.NOT_NEEDED}:
            return Condition.UNKNOWN
        return Condition.GOOD


@dataclasses.dataclass(frozen=True)
class Knowledge:
    """What is known besides the inventory."""

    inputs: Inputs
    is_nova_2026_2: bool


def sources(hosts: Sequence[str], inputs: Inputs, word: str) -> tuple[KnowledgeSource, ...]:
    """Return which sources of knowledge are there.

    :param hosts: all hosts
    :param word: where nova's own word comes from; empty: from nowhere
    """
    confs = sum(inputs.of_host(host).conf is not None for host in hosts)
    facts = sum(inputs.facts_of(host) is not None for host in hosts)
    total = counted(len(hosts), "host")
    has_api_conf = inputs.aliases is not None
    return (
        KnowledgeSource(
            "nova.conf of nova-api",
            has_api_conf,
            f"{counted(len(inputs.aliases or {}), 'alias', 'aliases')}"
            if has_api_conf
            else "--nova-conf FILE",
        ),
        KnowledgeSource(
            "nova.conf of nova-compute",
            confs > 0,
            f"of {confs} of {total}" if confs else "--nova-conf-dir FOLDER",
        ),
        KnowledgeSource(
            "facts of hosts",
            facts > 0,
            f"of {facts} of {total}" if facts else "--host-facts FOLDER",
        ),
        KnowledgeSource("nova's own word", bool(word), word or "--nova-says FILE"),
    )


def assess(found: HostInventory, known: Knowledge) -> HostHealth:
    """Judge a host."""
    host = known.inputs.of_host(found.name)
    facts = known.inputs.facts_of(found.name)
    if not found.devices and host.conf is not None and not host.device_specs:
        nothing = Condition.NOT_NEEDED
        return HostHealth(found.name, nothing, nothing, nothing, nothing, nothing, nothing)
    health = HostHealth(
        host=found.name,
        spec=_spec(host),
        trait=_trait(found, host, known.inputs),
        alias=_alias(found, host, known.inputs),
        driver=_driver(host, facts),
        guard=_flag(facts.has_guard if facts else None),
        correction=_flag(facts.has_corrections if facts else None),
    )
    first, remedy = next(_complaints(health, found, known), ("", ""))
    return dataclasses.replace(health, first=first, remedy=remedy)


def _flag(value: bool | None) -> Condition:
    if value is None:
        return Condition.UNKNOWN
    return Condition.GOOD if value else Condition.BAD


def _part(good: int, total: int) -> Condition:
    if good == total:
        return Condition.GOOD if total else Condition.BAD
    return Condition.PARTLY if good else Condition.BAD


def _spec(host: Host) -> Condition:
    if host.conf is None:
        return Condition.UNKNOWN
    specs = [spec for spec in host.device_specs if not spec.is_for_neutron]
    declared = sum(spec.live_migratable is LiveMigratable.YES for spec in specs)
    return _part(declared, len(specs))


_OF_MARKING = {
    HostMarking.YES: Condition.GOOD,
    HostMarking.PARTLY: Condition.PARTLY,
    HostMarking.NO: Condition.BAD,
    HostMarking.UNKNOWN: Condition.UNKNOWN,
}


def _trait(found: HostInventory, host: Host, inputs: Inputs) -> Condition:
    marking = found.live_migratable
    if marking is not HostMarking.NO_DEVICES:
        return _OF_MARKING[marking]
    if host.conf is None or inputs.pci_in_placement is None:
        return Condition.UNKNOWN
    return Condition.BAD if inputs.pci_in_placement else Condition.NOT_NEEDED


def _alias(found: HostInventory, host: Host, inputs: Inputs) -> Condition:
    """Whether an alias asks for devices that the host has, or that its nova.conf names."""
    if inputs.aliases is None:
        return Condition.UNKNOWN
    wanted = [
        spec
        for alias in inputs.aliases.values()
        if alias.live_migratable is LiveMigratable.YES
        for spec in alias.specs
    ]
    if not wanted:
        return Condition.BAD
    classes = {device.resource_class for device in found.devices or ()} - {""}
    if classes:
        return _flag(any(spec.resource_class in classes for spec in wanted))
    if host.conf is None:
        return Condition.UNKNOWN
    in_placement = bool(inputs.pci_in_placement)
    return _flag(
        any(
            may_serve(each, spec, in_placement=in_placement)
            for each in wanted
            for spec in host.device_specs
        )
    )


def _driver(host: Host, facts: HostFacts | None) -> Condition:
    if facts is None or facts.missing_devices is not None:
        return Condition.UNKNOWN
    devices = list(_devices_of_nova(host, facts))
    good = sum(not _obstacle(host, device) for device in devices)
    return _part(good, len(devices))


def _devices_of_nova(host: Host, facts: HostFacts) -> Iterator[DeviceFacts]:
    """Yield the devices that nova may give to servers: those of the specifications, or all VFs."""
    for device in facts.devices:
        if host.conf is None:
            if device.kind is DeviceKind.VF:
                yield device
        elif (spec := host.spec_of(device)) is not None and not spec.is_for_neutron:
            yield device


def _obstacle(host: Host, device: DeviceFacts) -> str:
    managed = is_managed(host.spec_of(device))
    return next((str(each) for each in obstacles(device, is_managed=managed)), "")


def _complaints(
    health: HostHealth, found: HostInventory, known: Knowledge
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a host, and what to do, the first thing first."""
    name, inputs = health.host, known.inputs
    host = inputs.of_host(name)
    providers = [device.provider for device in found.devices or ()]
    is_old = not known.is_nova_2026_2
    if health.spec is Condition.BAD:
        yield (
            "no [pci]device_spec declares devices live migratable",
            declare(name, host, providers, names_trait=is_old),
        )
    if health.trait is Condition.BAD and not found.devices:
        yield (
            "placement has no PCI device of it",
            paste(f"in [pci] of nova.conf on {name}", "report_in_placement = true"),
        )
    elif health.trait is Condition.BAD:
        yield (
            "placement does not have its devices as live migratable",
            declare(name, host, providers, names_trait=is_old),
        )
    if health.alias is Condition.BAD:
        yield (
            "no alias with live_migratable=yes asks for its devices",
            paste("define one", "openstack vfio alias create --help"),
        )
    if health.driver is Condition.BAD:
        yield _driver_complaint(name, host, inputs.facts_of(name))
    if health.alias is Condition.UNKNOWN and inputs.aliases is None:
        yield "the aliases are unknown", APIS_CONF
    if health.spec is Condition.UNKNOWN and health.trait is not Condition.GOOD:
        yield "its nova.conf is not given", conf_of(name)
    if health.driver is Condition.UNKNOWN:
        yield "its drivers are unknown", probe(name)
    if health.spec is Condition.UNKNOWN:
        yield "its nova.conf is not given", conf_of(name)
    if health.guard is Condition.BAD:
        yield "the guard is not installed", on_host(name, "vfio-lm-host hook install")
    if health.correction is Condition.BAD:
        yield (
            "nova-compute runs without the corrections",
            ("start it as vfio-lm-nova-compute, see the manual"),
        )


def _driver_complaint(name: str, host: Host, facts: HostFacts | None) -> tuple[str, str]:
    """Say what is wrong with the driver of the first device."""
    devices = list(_devices_of_nova(host, facts)) if facts else []
    look = on_host(name, "vfio-lm-host probe")
    if not devices:
        return "none of its devices matches its [pci]device_spec", look
    return f"{devices[0].address} {_obstacle(host, devices[0])}", look
