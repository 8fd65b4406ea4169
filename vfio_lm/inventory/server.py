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

"""Servers that hold PCI devices by alias, and a first guess at their mobility; no preflight."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterable, Mapping

import os_resource_classes

from vfio_lm.cloud.model import ComputeNode, ComputeService, Marking, Provider, Server, Tree
from vfio_lm.inventory.flavor import AliasUse
from vfio_lm.pci import Alias, LiveMigratable
from vfio_lm.pci.alias_traits import Meaning


class CouldMigrate(enum.Enum):
    """What a look at a server and at all hosts together tells; only the preflight is sure."""

    LIKELY = "likely"
    """The aliases allow it, and another host has memory and enough devices that are free."""
    NO = "no"
    """Nova would refuse it, or no other host has what it takes."""
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class HeldDevice:
    """Units of a device that a server holds."""

    provider: Provider
    resources: Mapping[str, int]

    @property
    def address(self) -> str:
        """The address of the PF or PCI device."""
        return self.provider.pci_address or self.provider.name

    @property
    def units(self) -> int:
        """How many functions of it the server holds."""
        return sum(self.resources.values())


@dataclasses.dataclass(frozen=True, slots=True)
class PciServer:
    """A server whose flavor asks for devices by alias."""

    server: Server
    use: AliasUse
    devices: tuple[HeldDevice, ...]
    """Nothing where placement does not count PCI devices, or was not asked."""
    could_migrate: CouldMigrate
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class HostSupply:
    """What a host has left for a server that comes."""

    host: str
    memory_mib: int
    marked: Mapping[str, int]
    """Free units by resource class of devices that are declared live migratable."""
    unclear: Mapping[str, int]
    """The same of devices whose traits do not tell."""


@dataclasses.dataclass(frozen=True, slots=True)
class Supply:
    """What all hosts together have left."""

    hosts: tuple[HostSupply, ...]
    is_complete: bool
    """Whether placement told about every host that has PCI devices."""


def supply(
    trees: Mapping[str, Tree],
    pci_providers: Mapping[str, Provider],
    nodes: Iterable[ComputeNode],
    services: Mapping[str, ComputeService],
) -> Supply:
    """Sum up what hosts have left that could take a server at all.

    :param trees: of the hosts with any memory left, by the UUID of the root
    """
    hosts = []
    for node in nodes:
        service = services.get(node.host)
        tree = trees.get(node.uuid)
        if service is None or tree is None or not (service.is_up and service.is_enabled):
            continue
        free = {marking: collections.Counter[str]() for marking in Marking}
        for provider in tree.pci_providers:
            for resource_class, units in provider.inventories.items():
                free[provider.marking][resource_class] += units.free
        inventories = tree.root.inventories if tree.root else {}
        memory = inventories.get(os_resource_classes.MEMORY_MB)
        hosts.append(
            HostSupply(
                host=node.host,
                memory_mib=memory.free if memory else 0,
                marked=free[Marking.MARKED],
                unclear=free[Marking.UNKNOWN],
            )
        )
    roots = {provider.root_uuid for provider in pci_providers.values()}
    return Supply(hosts=tuple(hosts), is_complete=roots <= trees.keys())


def held_devices(
    allocations: Mapping[str, Mapping[str, int]], pci_providers: Mapping[str, Provider]
) -> tuple[HeldDevice, ...]:
    """Return the PCI devices among what a server holds, in the order of their addresses."""
    held = (
        HeldDevice(provider=pci_providers[uuid], resources=resources)
        for uuid, resources in allocations.items()
        if uuid in pci_providers
    )
    return tuple(sorted(held, key=lambda device: device.address))


def could_migrate(
    server: Server,
    use: AliasUse,
    devices: Iterable[HeldDevice],
    aliases: Mapping[str, Alias] | None,
    left: Supply,
) -> tuple[CouldMigrate, str]:
    """Say whether a live migration looks possible, and why not.

    The first two rules are nova's, see the checks ``server-state`` and ``alias-live-migratable``
    of the preflight; the rest is arithmetic on what placement has left.
    """
    if server.vm_state not in ("active", "paused"):
        return CouldMigrate.NO, f"the server is {server.status}"
    if server.task_state is not None:
        return CouldMigrate.NO, f"the server is busy with the task '{server.task_state}'"
    wrong = [
        name
        for name in use.counts
        if aliases and name in aliases and aliases[name].live_migratable is not LiveMigratable.YES
    ]
    if wrong:
        return CouldMigrate.NO, f"alias {', '.join(wrong)} does not have live_migratable=yes"
    if use.meaning is not Meaning.YES:
        return CouldMigrate.UNKNOWN, f"{use.meaning.value}: what its aliases ask for is not known"
    needed = collections.Counter[str]()
    for device in devices:
        needed.update(device.resources)
    if not needed:
        return CouldMigrate.UNKNOWN, "placement does not count the PCI devices of the server"
    return _destinations(server, needed, left)


def _destinations(
    server: Server, needed: collections.Counter[str], left: Supply
) -> tuple[CouldMigrate, str]:
    others = [
        host
        for host in left.hosts
        if host.host != server.host and host.memory_mib >= server.flavor.ram_mib
    ]
    if any(needed <= collections.Counter(host.marked) for host in others):
        return CouldMigrate.LIKELY, ""
    if any(
        needed <= collections.Counter(host.marked) + collections.Counter(host.unclear)
        for host in others
    ):
        return (
            CouldMigrate.UNKNOWN,
            "free devices elsewhere do not tell whether they are live migratable",
        )
    if not left.is_complete:
        return CouldMigrate.UNKNOWN, "placement did not tell about every host"
    return CouldMigrate.NO, "no other host has the memory and enough free live migratable devices"
