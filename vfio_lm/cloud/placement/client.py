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
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import os_resource_classes
import os_traits

from vfio_lm.cloud.model.candidate_query import CandidateQuery
from vfio_lm.cloud.model.placement import (
    Candidate,
    Candidates,
    Inventory,
    Provider,
    Tree,
    group_into_trees,
)
from vfio_lm.cloud.placement.http import PlacementHttp
from vfio_lm.errors import NotFoundError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter


class PlacementClient:
    """The questions that this project asks placement.

    :param adapter: a keystoneauth adapter of the placement service, for example
        ``openstack.connection.Connection().placement``
    """

    def __init__(self, adapter: Adapter) -> None:
        self._http = PlacementHttp(adapter)

    def allocations(self, consumer: str) -> dict[str, dict[str, int]]:
        """Return units by resource class, by provider UUID; empty if the consumer has none.

        :raises CloudError: if placement does not answer
        """
        found = self._http.get(f"/allocations/{consumer}")["allocations"]
        return {uuid: dict(allocation["resources"]) for uuid, allocation in found.items()}

    def candidates(self, query: CandidateQuery) -> Candidates:
        """Return what placement offers for a query.

        :raises CloudError: if placement does not answer, or refuses the query
        """
        body = self._http.get("/allocation_candidates", query.to_params())
        roots = {
            uuid: summary["root_provider_uuid"]
            for uuid, summary in body["provider_summaries"].items()
        }
        return Candidates(
            candidates=tuple(_candidate(item, roots) for item in body["allocation_requests"]),
            limit=query.limit,
        )

    def pci_providers(self) -> dict[str, Provider]:
        """Return every PCI provider of the cloud by UUID, in one request.

        The answer holds names and places in the tree; inventories and other traits than the one
        that was asked for are not known.

        :raises CloudError: if placement does not answer
        """
        trait = os_traits.COMPUTE_MANAGED_PCI_DEVICE
        return {
            item["uuid"]: _provider(item, frozenset({trait})) for item in self._providers(trait)
        }

    def providers(self, in_tree: str | None = None) -> dict[str, Provider]:
        """Return every provider by UUID, with names and places in the tree only.

        :param in_tree: UUID of a provider, to look at its tree only
        :raises CloudError: if placement does not answer
        """
        return {item["uuid"]: _provider(item) for item in self._providers(None, in_tree)}

    def uuids_with_trait(self, trait: str, in_tree: str | None = None) -> frozenset[str]:
        """Return the UUID of every provider that has a trait, which placement must know.

        :param in_tree: UUID of a provider, to look at its tree only
        :raises CloudError: if placement does not answer, or does not know the trait
        """
        return frozenset(item["uuid"] for item in self._providers(trait, in_tree))

    def uuids_without_trait(self, trait: str, in_tree: str | None = None) -> frozenset[str]:
        """Return the UUID of every provider that has not a trait, which placement must know.

        Where most have it, this is the shorter answer.

        :param in_tree: UUID of a provider, to look at its tree only
        :raises CloudError: if placement does not answer, or does not know the trait
        """
        return frozenset(item["uuid"] for item in self._providers(f"!{trait}", in_tree))

    def traits_in_use(self) -> frozenset[str]:
        """Return the traits that any provider has.

        :raises CloudError: if placement does not answer
        """
        return frozenset(self._http.get("/traits", [("associated", "true")])["traits"])

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
        :raises CloudError: if placement does not answer
        """
        params = [("resources", f"{resource_class}:1")]
        if in_tree is not None:
            params.append(("in_tree", in_tree))
        summaries = self._http.get("/allocation_candidates", params)["provider_summaries"]
        return group_into_trees(
            Provider(
                uuid=uuid,
                name=names[uuid].name if uuid in names else "",
                root_uuid=summary["root_provider_uuid"],
                parent_uuid=summary["parent_provider_uuid"],
                traits=frozenset(summary["traits"]),
                inventories={
                    resource_class: Inventory(capacity=units["capacity"], used=units["used"])
                    for resource_class, units in summary["resources"].items()
                },
            )
            for uuid, summary in summaries.items()
        )

    def traits(self, uuid: str) -> frozenset[str]:
        """Return the traits of one provider; none if placement does not know it.

        :raises CloudError: if placement does not answer
        """
        response = self._http.send("GET", f"/resource_providers/{uuid}/traits", accept=(404,))
        return frozenset(self._http.body(response)["traits"] if response.ok else ())

    def find_provider(self, *, uuid: str | None = None, name: str | None = None) -> Provider:
        """Return one provider, by its UUID or else by its name, with its place in the tree.

        :raises NotFoundError: if there is none
        :raises CloudError: if placement does not answer
        """
        params = [("uuid", uuid)] if uuid is not None else [("name", str(name))]
        found = self._http.get("/resource_providers", params)["resource_providers"]
        if not found:
            raise NotFoundError(f"placement knows no resource provider '{uuid or name}'")
        (item,) = found
        return _provider(item)

    def with_details(self, provider: Provider) -> Provider:
        """Return a provider with its traits and inventories, in three requests.

        For a host that :meth:`trees_with_room` does not see.

        :raises CloudError: if placement does not answer
        """
        path = f"/resource_providers/{provider.uuid}"
        inventories = self._http.get(f"{path}/inventories")["inventories"]
        usages = self._http.get(f"{path}/usages")["usages"]
        return dataclasses.replace(
            provider,
            traits=self.traits(provider.uuid),
            inventories={
                resource_class: Inventory(
                    capacity=int((item["total"] - item["reserved"]) * item["allocation_ratio"]),
                    used=usages.get(resource_class, 0),
                )
                for resource_class, item in inventories.items()
            },
        )

    def holders(self, uuid: str) -> dict[str, dict[str, int]]:
        """Return the units of a provider that are taken, by consumer and resource class.

        :raises CloudError: if placement does not answer
        """
        found = self._http.get(f"/resource_providers/{uuid}/allocations")["allocations"]
        return {consumer: dict(item["resources"]) for consumer, item in found.items()}

    def _providers(self, required: str | None, in_tree: str | None = None) -> list[dict[str, Any]]:
        params = [("required", required)] if required is not None else []
        if in_tree is not None:
            params.append(("in_tree", in_tree))
        body = self._http.get("/resource_providers", params)
        found: list[dict[str, Any]] = body["resource_providers"]
        return found


def _provider(item: Mapping[str, Any], traits: frozenset[str] = frozenset()) -> Provider:
    return Provider(
        uuid=item["uuid"],
        name=item["name"],
        root_uuid=item["root_provider_uuid"],
        parent_uuid=item["parent_provider_uuid"],
        traits=traits,
    )


def _candidate(item: Mapping[str, Any], roots: Mapping[str, str]) -> Candidate:
    return Candidate(
        providers_by_group={suffix: tuple(uuids) for suffix, uuids in item["mappings"].items()},
        root_uuids=frozenset(roots[uuid] for uuid in item["allocations"]),
    )
