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

"""Reading placement over HTTP, in as few requests as its API allows; nothing is decided here."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import os_resource_classes
import os_traits

from vfio_lm.cloud.http.endpoint import Endpoint, path
from vfio_lm.cloud.http.shape import (
    Fields,
    ShapeError,
    anything,
    listed,
    mapped,
    nullable,
    real,
    record,
    text,
    whole,
)
from vfio_lm.cloud.model.candidate_query import CandidateQuery
from vfio_lm.cloud.model.placement import (
    Candidate,
    Candidates,
    Inventory,
    Provider,
    Tree,
    group_into_trees,
)
from vfio_lm.errors import NotFoundError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from openstack.connection import Connection
    from typing_extensions import Self

# 1.36 brought same_subtree, 1.35 root_required, 1.34 mappings; every placement that serves
# nova 2025.1 has 1.39.
MICROVERSION = "1.39"


class PlacementClient:
    """The questions that this project asks placement.

    Every question raises :class:`~vfio_lm.errors.CloudError` if placement does not answer, refuses,
    or answers with something else than its API promises.

    :param adapter: a keystoneauth adapter of the placement service
    """

    def __init__(self, adapter: Adapter) -> None:
        self._http = Endpoint("placement", adapter, MICROVERSION)

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Return a client of the placement that a connection of the SDK leads to.

        :raises CloudError: if there is none, or it does not answer
        """
        from vfio_lm.cloud.http.catalogue import adapter

        return cls(adapter(connection, "placement"))

    def allocations(self, consumer: str) -> dict[str, dict[str, int]]:
        """Return units by resource class, by provider UUID; empty if the consumer has none."""
        return self._http.get(
            path("allocations", consumer), lambda body: body("allocations", mapped(_resources))
        )

    def candidates(self, query: CandidateQuery) -> Candidates:
        """Return what placement offers for a query."""
        found = self._http.get("/allocation_candidates", _candidates, query.to_params())
        return Candidates(candidates=found, limit=query.limit)

    def pci_providers(self) -> dict[str, Provider]:
        """Return every PCI provider of the cloud by UUID, in one request.

        The answer holds names and places in the tree; inventories and other traits than the one
        that was asked for are not known.
        """
        trait = os_traits.COMPUTE_MANAGED_PCI_DEVICE
        return {provider.uuid: provider.with_traits({trait}) for provider in self._providers(trait)}

    def providers(self, in_tree: str | None = None) -> dict[str, Provider]:
        """Return every provider by UUID, with names and places in the tree only.

        :param in_tree: UUID of a provider, to look at its tree only
        """
        return {provider.uuid: provider for provider in self._providers(None, in_tree)}

    def uuids_with_trait(self, trait: str, in_tree: str | None = None) -> frozenset[str]:
        """Return the UUID of every provider that has a trait, which placement must know.

        :param in_tree: UUID of a provider, to look at its tree only
        :raises CloudError: if placement does not know the trait, besides
        """
        return frozenset(provider.uuid for provider in self._providers(trait, in_tree))

    def uuids_without_trait(self, trait: str, in_tree: str | None = None) -> frozenset[str]:
        """Return the UUID of every provider that lacks a trait, which placement must know.

        Where most have it, this is the shorter answer.

        :param in_tree: UUID of a provider, to look at its tree only
        :raises CloudError: if placement does not know the trait, besides
        """
        return frozenset(provider.uuid for provider in self._providers(f"!{trait}", in_tree))

    def traits_in_use(self) -> frozenset[str]:
        """Return the traits that any provider has."""
        return self._http.get("/traits", _traits, [("associated", "true")])

    def trees_with_room(
        self,
        names: Mapping[str, Provider],
        resource_class: str = os_resource_classes.MEMORY_MB,
        in_tree: str | None = None,
    ) -> dict[str, Tree]:
        """Return every tree with any memory left, with all its providers, in one request.

        A query for one unit of memory has one candidate for each host, and the summaries of an
        answer hold every provider of every tree it mentions, with inventories and traits
        (microversion 1.29 and later) but without names.

        :param names: providers whose names are known already, see :meth:`pci_providers`
        :param resource_class: what a tree must have left, if not memory
        :param in_tree: UUID of a root, to look at its tree only
        """
        params = [("resources", f"{resource_class}:1")]
        if in_tree is not None:
            params.append(("in_tree", in_tree))
        make = functools.partial(_summaries, names=names)
        return group_into_trees(self._http.get("/allocation_candidates", make, params))

    def traits(self, uuid: str) -> frozenset[str]:
        """Return the traits of one provider; none if placement does not know it."""
        return self._http.find(path("resource_providers", uuid, "traits"), _traits) or frozenset()

    def find_provider(self, *, uuid: str | None = None, name: str | None = None) -> Provider:
        """Return one provider, by its UUID or else by its name, with its place in the tree.

        :raises NotFoundError: if there is none
        """
        params = [("uuid", uuid)] if uuid is not None else [("name", str(name))]
        for provider in self._http.get("/resource_providers", _providers, params):
            if provider.uuid == uuid or provider.name == name:
                return provider
        raise NotFoundError(f"placement knows no resource provider '{uuid or name}'")

    def with_details(self, provider: Provider) -> Provider:
        """Return a provider with its traits and inventories, in three requests.

        For a host that :meth:`trees_with_room` does not see.
        """
        inventories = self._http.get(
            path("resource_providers", provider.uuid, "inventories"),
            lambda body: body("inventories", mapped(record(_capacity))),
        )
        usages = self._http.get(
            path("resource_providers", provider.uuid, "usages"),
            lambda body: body("usages", mapped(whole)),
        )
        return dataclasses.replace(
            provider,
            traits=self.traits(provider.uuid),
            inventories={
                resource_class: Inventory(capacity=capacity, used=usages.get(resource_class, 0))
                for resource_class, capacity in inventories.items()
            },
        )

    def holders(self, uuid: str) -> dict[str, dict[str, int]]:
        """Return the units of a provider that are taken, by consumer and resource class."""
        return self._http.get(
            path("resource_providers", uuid, "allocations"),
            lambda body: body("allocations", mapped(_resources)),
        )

    def _providers(self, required: str | None, in_tree: str | None = None) -> list[Provider]:
        params = [("required", required)] if required is not None else []
        if in_tree is not None:
            params.append(("in_tree", in_tree))
        return self._http.get("/resource_providers", _providers, params)


def _providers(body: Fields) -> list[Provider]:
    return body("resource_providers", listed(record(_provider)))


def _provider(item: Fields) -> Provider:
    return Provider(
        uuid=item("uuid", text),
        name=item("name", text),
        root_uuid=item("root_provider_uuid", text),
        parent_uuid=item("parent_provider_uuid", nullable(text)),
    )


def _traits(body: Fields) -> frozenset[str]:
    return frozenset(body("traits", listed(text)))


def _resources(value: object) -> dict[str, int]:
    return Fields(value)("resources", mapped(whole))


def _capacity(item: Fields) -> int:
    """Return the units that may be allocated of an inventory."""
    found = (item("total", whole) - item("reserved", whole)) * item("allocation_ratio", real)
    if not math.isfinite(found):
        raise ShapeError("has no finite capacity")
    return int(found)


def _summaries(body: Fields, names: Mapping[str, Provider]) -> list[Provider]:
    """Return the providers that an answer about allocation candidates summarises."""
    summaries = body("provider_summaries", mapped(record(_summary)))
    return [
        dataclasses.replace(provider, uuid=uuid, name=names[uuid].name if uuid in names else "")
        for uuid, provider in summaries.items()
    ]


def _summary(item: Fields) -> Provider:
    """Return a provider whose UUID is outside of its summary, and whose name is nowhere."""
    return Provider(
        uuid="",
        name="",
        root_uuid=item("root_provider_uuid", text),
        parent_uuid=item("parent_provider_uuid", nullable(text)),
        traits=frozenset(item("traits", listed(text))),
        inventories=item("resources", mapped(record(_inventory))),
    )


def _inventory(item: Fields) -> Inventory:
    return Inventory(capacity=item("capacity", whole), used=item("used", whole))


def _candidates(body: Fields) -> tuple[Candidate, ...]:
    root = record(lambda summary: summary("root_provider_uuid", text))
    roots = body("provider_summaries", mapped(root))
    make = functools.partial(_candidate, roots=roots)
    return tuple(body("allocation_requests", listed(record(make))))


def _candidate(item: Fields, roots: Mapping[str, str]) -> Candidate:
    providers = item("allocations", mapped(anything))
    if unknown := providers.keys() - roots.keys():
        raise ShapeError(f"takes of a provider without a summary: {min(unknown)}")
    mappings = item("mappings", mapped(listed(text)))
    return Candidate(
        providers_by_group={suffix: tuple(uuids) for suffix, uuids in mappings.items()},
        root_uuids=frozenset(roots[uuid] for uuid in providers),
    )
