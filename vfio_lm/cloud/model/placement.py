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

"""Providers, trees and allocation candidates as plain data; how they are read is elsewhere."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable, Mapping

import os_traits

from vfio_lm.pci import NovaRelease, PciAddress
from vfio_lm.pci.provider_origin import PciProvider

# nova/compute/pci_placement_translator.py names a PCI provider
# <root provider>_<DOMAIN:BUS:SLOT.FUNCTION>, in capitals (nova 34.0.0).
_PCI_NAME = re.compile(r"^(.+)_([\dA-F]{4}:[\dA-F]{2}:[\dA-F]{2}\.[0-7])$")


class Marking(enum.Enum):
    """Whether the devices of a PCI provider are declared live migratable, by its traits."""

    MARKED = "yes"
    NOT_MARKED = "no"
    UNKNOWN = "unknown"
    """The trait is missing, but this nova-compute would not report it in any case."""


def pci_provider_name(root_name: str, address: str) -> str:
    """Return how nova names the provider of a PF or PCI device."""
    return f"{root_name}_{address.upper()}"


@dataclasses.dataclass(frozen=True)
class Inventory:
    """Units of one resource class on one provider."""

    capacity: int
    """Units that may be allocated: (total - reserved) × allocation ratio."""
    used: int

    @property
    def free(self) -> int:
        """Units that are left; never negative, also where a host is overcommitted."""
        return max(0, self.capacity - self.used)


@dataclasses.dataclass(frozen=True)
class Provider:
    """One resource provider, as far as the query that found it shows it."""

    uuid: str
    name: str
    root_uuid: str
    parent_uuid: str | None
    traits: frozenset[str] = frozenset()
    inventories: Mapping[str, Inventory] = dataclasses.field(default_factory=dict)

    def with_traits(self, traits: Iterable[str]) -> Provider:
        """Return the same provider with these traits and no others."""
        return dataclasses.replace(self, traits=frozenset(traits))

    @property
    def is_pci(self) -> bool:
        """Whether it stands for a PF or PCI device and belongs to nova."""
        return os_traits.COMPUTE_MANAGED_PCI_DEVICE in self.traits

    @property
    def pci_address(self) -> str | None:
        """The address in the name of a PCI provider of nova's; None for any other provider."""
        match = _PCI_NAME.match(self.name)
        return match.group(2).lower() if match else None

    @property
    def root_name(self) -> str | None:
        """The root provider's name in the name of a PCI provider of nova's; else None."""
        match = _PCI_NAME.match(self.name)
        return match.group(1) if match else None

    @property
    def is_of_nova(self) -> bool:
        """Whether no other service than nova says that it owns the provider.

        nova says so itself from 34.0.0 on.
        """
        owners = {trait for trait in self.traits if trait.startswith("OWNER_")}
        return owners <= {os_traits.OWNER_NOVA}

    @property
    def is_marked_live_migratable(self) -> bool:
        """Whether it carries HW_PCI_LIVE_MIGRATABLE."""
        return os_traits.HW_PCI_LIVE_MIGRATABLE in self.traits

    @property
    def reports_live_migratable(self) -> bool:
        """Whether a missing HW_PCI_LIVE_MIGRATABLE means that the device is not tagged yes.

        nova-compute reports the trait of its own accord from 34.0.0 on, the same release that
        brought OWNER_NOVA; before, a missing trait says nothing
        (``nova/compute/pci_placement_translator.py``).
        """
        return os_traits.OWNER_NOVA in self.traits

    @property
    def reported(self) -> PciProvider:
        """What is known of it for the rules about nova's PCI providers."""
        address = self.pci_address
        is_new = self.reports_live_migratable
        return PciProvider(
            address=PciAddress.parse(address) if address else None,
            resource_classes=frozenset(self.inventories),
            is_marked=self.is_marked_live_migratable,
            release=NovaRelease.R2026_2 if is_new else NovaRelease.R2026_1,
        )

    @property
    def marking(self) -> Marking:
        """What the traits declare; only HW_PCI_LIVE_MIGRATABLE speaks for older releases."""
        if self.is_marked_live_migratable:
            return Marking.MARKED
        return Marking.NOT_MARKED if self.reports_live_migratable else Marking.UNKNOWN


@dataclasses.dataclass(frozen=True)
class Tree:
    """A compute node's root provider with all providers below it, by UUID."""

    root_uuid: str
    providers: Mapping[str, Provider]

    @property
    def root(self) -> Provider | None:
        """The compute node's own provider, where the query showed it."""
        return self.providers.get(self.root_uuid)

    @property
    def pci_providers(self) -> tuple[Provider, ...]:
        """The providers of PFs and PCI devices, in the order of their addresses."""
        found = (provider for provider in self.providers.values() if provider.is_pci)
        return tuple(sorted(found, key=lambda provider: provider.name))


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One way in which placement can satisfy a request."""

    providers_by_group: Mapping[str, tuple[str, ...]]
    """UUIDs of the providers that serve each request group, by the group's suffix."""
    root_uuids: frozenset[str]
    """The trees it takes from: a compute node's, and those of sharing providers."""


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The answer to one allocation-candidate query."""

    candidates: tuple[Candidate, ...]
    limit: int | None

    @property
    def is_cut_off(self) -> bool:
        """Whether placement may know more candidates than it was allowed to return."""
        return self.limit is not None and len(self.candidates) >= self.limit

    def by_tree(self) -> dict[str, tuple[Candidate, ...]]:
        """Return the candidates that use each tree, by the UUID of its root."""
        found: dict[str, list[Candidate]] = {}
        for candidate in self.candidates:
            for root_uuid in candidate.root_uuids:
                found.setdefault(root_uuid, []).append(candidate)
        return {root_uuid: tuple(candidates) for root_uuid, candidates in found.items()}


def group_into_trees(providers: Iterable[Provider]) -> dict[str, Tree]:
    """Sort providers into their trees, by the UUID of the root."""
    by_root: dict[str, dict[str, Provider]] = {}
    for provider in providers:
        by_root.setdefault(provider.root_uuid, {})[provider.uuid] = provider
    return {root: Tree(root_uuid=root, providers=members) for root, members in by_root.items()}
