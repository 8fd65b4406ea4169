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

"""What placement says now, in a number of requests that does not grow with the cloud.

Only what a plan needs is asked for: names, places in the tree, and a handful of traits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import os_traits

from placement_sync.engine import traits
from vfio_lm.cloud.model import Provider, Tree
from vfio_lm.cloud.model.placement import group_into_trees
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import NotFoundError
from vfio_lm.pci.driver_traits import is_driver_trait

# Most providers of a cloud with such devices have these, so that those without make the shorter
# answer.
_USUAL = (os_traits.COMPUTE_MANAGED_PCI_DEVICE, os_traits.OWNER_NOVA, traits.LIVE_MIGRATABLE)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Trees of providers with those of their traits that matter here."""

    trees: Mapping[str, Tree]
    """By the name of the root."""
    is_whole_cloud: bool = True
    """Whether all trees of the cloud are there."""


def observe(placement: PlacementClient, hosts: Sequence[str], *, is_whole_cloud: bool) -> Snapshot:
    """Look at the trees of hosts: six requests, and one for each driver trait of ours in use.

    A tree of its own is looked at where only one host is asked for, so that an agent on every
    host does not read the whole cloud on every host; otherwise the whole cloud is.

    :param hosts: names of root providers; those that placement does not know are left out
    :param is_whole_cloud: whether to look at the whole cloud in any case
    :raises CloudError: if placement does not answer, or the user's roles do not suffice
    """
    if not (hosts or is_whole_cloud):
        return Snapshot({}, is_whole_cloud=False)
    in_tree = None
    if len(hosts) == 1 and not is_whole_cloud:
        try:
            in_tree = placement.find_provider(name=hosts[0]).uuid
        except NotFoundError:
            return Snapshot({}, is_whole_cloud=False)
    found = placement.providers(in_tree)
    known: dict[str, set[str]] = {uuid: set() for uuid in found}
    # Placement refuses to be asked for a trait that it does not know.
    for trait in sorted(filter(_matters, placement.traits_in_use())):
        if trait in _USUAL:
            having = found.keys() - placement.uuids_without_trait(trait, in_tree)
        else:
            having = found.keys() & placement.uuids_with_trait(trait, in_tree)
        for uuid in having:
            known[uuid].add(trait)
    return _snapshot(
        {
            uuid: dataclasses.replace(provider, traits=frozenset(known[uuid]))
            for uuid, provider in found.items()
        },
        is_whole_cloud=in_tree is None,
    )


def _matters(trait: str) -> bool:
    return trait in (*_USUAL, traits.NOT_LIVE_MIGRATABLE) or is_driver_trait(trait)


def with_classes(placement: PlacementClient, snapshot: Snapshot) -> Snapshot:
    """Add the resource classes of providers, in one request; a host without memory has none.

    :raises CloudError: if placement does not answer
    """
    in_tree = None
    if not snapshot.is_whole_cloud:
        in_tree = next((tree.root_uuid for tree in snapshot.trees.values()), None)
    seen = placement.trees_with_room({}, in_tree=in_tree)
    inventories = {
        uuid: provider.inventories
        for tree in seen.values()
        for uuid, provider in tree.providers.items()
    }
    return _snapshot(
        {
            uuid: dataclasses.replace(provider, inventories=inventories.get(uuid, {}))
            for tree in snapshot.trees.values()
            for uuid, provider in tree.providers.items()
        },
        is_whole_cloud=snapshot.is_whole_cloud,
    )


def _snapshot(providers: Mapping[str, Provider], *, is_whole_cloud: bool) -> Snapshot:
    trees = group_into_trees(providers.values())
    return Snapshot(
        trees={tree.root.name: tree for tree in trees.values() if tree.root is not None},
        is_whole_cloud=is_whole_cloud,
    )
