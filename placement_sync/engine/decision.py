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

"""What is decided about one provider of one host; who else wants something of it is not known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from placement_sync.engine.desired import Desired, WantedTraits
from placement_sync.engine.plan import Durability, Step
from vfio_lm.cloud.model import Provider, Tree
from vfio_lm.pci.hosts import Host


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a provider that may be written should carry."""

    provider: Provider
    host: Host
    wish: WantedTraits

    @property
    def uuid(self) -> str:
        """Of the provider."""
        return self.provider.uuid

    @property
    def is_root(self) -> bool:
        """Whether it stands for the host itself."""
        return self.provider.uuid == self.provider.root_uuid

    @property
    def add(self) -> frozenset[str]:
        """Traits that the provider lacks."""
        return self.wish.missing(self.provider.traits)

    @property
    def remove(self) -> frozenset[str]:
        """Traits of ours that the provider should not have."""
        return self.wish.surplus(self.provider.traits)

    @property
    def changed(self) -> frozenset[str]:
        """Traits that are not as they should be."""
        return self.add | self.remove

    @property
    def basis(self) -> object:
        """What the decision rests on; another one is a new decision."""
        wished = frozenset(self.wish.present), frozenset(self.wish.absent)
        return self.host.device_specs, wished, self.wish.are_drivers_known

    @property
    def step(self) -> Step:
        """What is to be written."""
        return Step(
            provider=self.provider.name,
            uuid=self.uuid,
            host=self.host.hypervisor_hostname,
            add=self.add,
            remove=self.remove,
            reasons=self.wish.reasons(self.changed),
            durability=Durability.DURABLE if self.is_root else Durability.UNKNOWN,
        )


def decisions(host: Host, tree: Tree, wanted: Desired) -> Iterator[Decision]:
    """Yield what is decided about the providers of a host that may be written, the root first."""
    if tree.root is not None:
        yield Decision(tree.root, host, wanted.root)
    children = (tree.providers[uuid] for uuid in wanted.children)
    for provider in sorted(children, key=lambda each: each.name):
        yield Decision(provider, host, wanted.children[provider.uuid])
