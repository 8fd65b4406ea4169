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


"""Servers that hold PCI devices by alias; whether they can live migrate the preflight says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import Provider, Server
from vfio_lm.inventory.flavor import AliasUse, alias_use
from vfio_lm.pci import Alias


@dataclasses.dataclass(frozen=True)
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


@dataclasses.dataclass(frozen=True)
class PciServer:
    """A server whose flavor asks for devices by alias."""

    server: Server
    use: AliasUse
    devices: tuple[HeldDevice, ...] | None = None
    """Nothing where placement does not count PCI devices; None where it did not answer."""


def pci_servers(
    servers: Iterable[Server], aliases: Mapping[str, Alias] | None
) -> tuple[PciServer, ...]:
    """Return the servers that ask for devices by alias, by host and name.

    :param aliases: ``[pci]alias`` by name; None where no nova.conf was given
    """
    found = (
        PciServer(server, use)
        for server in servers
        if (use := alias_use(server.flavor.extra_specs, aliases)) is not None
    )
    return tuple(sorted(found, key=lambda item: (item.server.host, item.server.name)))


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
