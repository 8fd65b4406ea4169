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

"""Which servers must get another flavor before nova live migrates them; nothing is done here.

What a server asked for is stored with it: changing an alias or a flavor later does not change
the server. No API shows what is stored, so that a server that is older than the change of its
alias is only resized where the map of flavors says so. The specification of the feature
(nova-specs 2025.1, "Upgrade impact") knows two ways out: a resize to a flavor with another alias,
and for NICs to detach and attach them again.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import CloudFlavor, Server
from vfio_lm.inventory.flavor import PCI_EXTRA_SPECS, AliasUse, FlavorError, alias_use
from vfio_lm.pci import Alias
from vfio_lm.pci.alias_traits import Meaning

#: The tag of a server while it is resized by a plan: only these resizes are confirmed.
TAG = "vfio-upgrade-plan"

_RESIZABLE = ("ACTIVE", "SHUTOFF")
# nova/api/openstack/compute/server_tags.py (nova 34.0.0)
_TAGGABLE = ("ACTIVE", "PAUSED", "SHUTOFF", "SUSPENDED")
_RESIZING = ("RESIZE", "VERIFY_RESIZE")


class Action(enum.Enum):
    """What has to be done about a server."""

    RESIZE = "resize"
    """Resize it to another flavor, and confirm that."""
    CONFIRM = "confirm"
    """Confirm a resize that an earlier run of the plan began."""
    UNTAG = "untag"
    """Take away what an earlier run of the plan left: all else is done."""
    REATTACH = "reattach"
    """Detach its ports with PCI devices and attach them again, instead of a resize."""
    NONE = "none"
    """Nothing that this plan could do; the reason says what is in the way."""


@dataclasses.dataclass(frozen=True)
class UpgradeStep:
    """What has to be done about one server."""

    server: Server
    action: Action
    reason: str
    target: CloudFlavor | None = None
    ports: tuple[str, ...] = ()

    @property
    def is_executable(self) -> bool:
        """Whether the plan itself can do it; NICs are left to whom they belong to."""
        return self.action in (Action.RESIZE, Action.CONFIRM, Action.UNTAG)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that do it by hand."""
        server = self.server.id
        if self.action is Action.RESIZE and self.target is not None:
            return (
                f"openstack server resize --wait --flavor {self.target.id} {server}",
                f"openstack server resize confirm {server}",
            )
        if self.action is Action.CONFIRM:
            return (f"openstack server resize confirm {server}",)
        if self.action is Action.UNTAG:
            return (f"openstack server unset --tag {TAG} {server}",)
        return tuple(
            f"openstack server {verb} port {server} {port}"
            for port in self.ports
            for verb in ("remove", "add")
        )


def plan(
    servers: Iterable[Server],
    flavors: Iterable[CloudFlavor],
    ports: Mapping[str, tuple[str, ...]],
    aliases: Mapping[str, Alias],
    flavor_map: Mapping[str, str],
) -> tuple[UpgradeStep, ...]:
    """Return what has to be done until nova live migrates every server; the begun things first.

    :param ports: ports that nova serves with a PCI device, by server
    :param aliases: ``[pci]alias`` by name
    :param flavor_map: the name or ID of a new flavor by that of an old one, where it is not
        clear by itself; servers of the old one are resized whatever its aliases say now
    :raises FlavorError: if the map names a flavor that does not exist or is no way out
    """
    targets = _Targets(tuple(flavors), aliases, flavor_map)
    steps = []
    for server in servers:
        use = alias_use(server.flavor.extra_specs, aliases)
        if use is not None and (step := _alias_step(server, use, targets)) is not None:
            steps.append(step)
        if server.id in ports:
            steps.append(
                UpgradeStep(
                    server=server,
                    action=Action.REATTACH,
                    reason="its ports need no resize, nova replugs them when the server live "
                    "migrates; to take newly declared devices, detach and attach them",
                    ports=ports[server.id],
                )
            )
    order = (Action.UNTAG, Action.CONFIRM, Action.RESIZE, Action.REATTACH, Action.NONE)
    return tuple(
        sorted(
            steps,
            key=lambda step: (
                order.index(step.action),
                step.server.host,
                step.server.name,
                step.server.id,
            ),
        )
    )


def parse_flavor_map(items: Iterable[str]) -> dict[str, str]:
    """Read ``OLD=NEW``.

    :raises FlavorError: if an item is not of that form, or an old flavor is named twice
    """
    found: dict[str, str] = {}
    for item in items:
        old, equals, new = item.partition("=")
        if not (old and equals and new):
            raise FlavorError(f"'{item}' is not of the form OLD=NEW")
        if found.setdefault(old, new) != new:
            raise FlavorError(f"flavor '{old}' is mapped to both '{found[old]}' and '{new}'")
    return found


class _Targets:
    """The flavors that lead out, looked up by the flavor of a server."""

    def __init__(
        self,
        flavors: tuple[CloudFlavor, ...],
        aliases: Mapping[str, Alias],
        flavor_map: Mapping[str, str],
    ) -> None:
        self._aliases = aliases
        self._migratable = tuple(
            flavor
            for flavor in flavors
            if (use := alias_use(flavor.flavor.extra_specs, aliases)) is not None
            and use.meaning is Meaning.YES
        )
        known = {flavor.id: flavor for flavor in flavors} | {
            flavor.name: flavor for flavor in flavors
        }
        self._mapped = {
            # The flavor of a server may be gone; then it can only be named by its name.
            (known[old].name if old in known else old): self._checked(known, new)
            for old, new in flavor_map.items()
        }
        for flavor in self._mapped.values():
            if flavor.name in self._mapped:
                raise FlavorError(
                    f"flavor '{flavor.name}' is both an old and a new one in the map: a server "
                    f"would be resized again and again"
                )

    def _checked(self, known: Mapping[str, CloudFlavor], name: str) -> CloudFlavor:
        flavor = known.get(name)
        if flavor is None:
            raise FlavorError(f"no flavor with the name or ID '{name}' exists")
        use = alias_use(flavor.flavor.extra_specs, self._aliases)
        if use is None or use.meaning is not Meaning.YES:
            said = use.meaning.value if use else "it asks for no device"
            raise FlavorError(
                f"nova would not live migrate servers of flavor '{name}' either: "
                f"live_migratable of its aliases is not yes ({said})"
            )
        return flavor

    def mapped(self, server: Server) -> CloudFlavor | None:
        """Return the flavor that the map names for a server."""
        return self._mapped.get(server.flavor.name)

    def similar(self, server: Server, use: AliasUse) -> tuple[CloudFlavor | None, str]:
        """Return the one flavor like that of a server, or None and why there is none."""
        kinds = self._kinds(use)
        if kinds is None:
            unknown = ", ".join(name for name in use.counts if name not in self._aliases)
            return None, f"the definition of alias {unknown} is not known: give --flavor-map"
        fitting = [
            flavor
            for flavor in self._migratable
            if flavor.flavor.size == server.flavor.size
            and _other_specs(flavor.flavor.extra_specs) == _other_specs(server.flavor.extra_specs)
            and self._kinds_of(flavor) == kinds
        ]
        if len(fitting) == 1:
            return fitting[0], ""
        if not fitting:
            return None, (
                "no flavor of the same size asks for the same devices with live_migratable=yes: "
                "create one with 'openstack vfio flavor create', or give --flavor-map"
            )
        names = ", ".join(flavor.name for flavor in fitting)
        return None, f"{len(fitting)} flavors would do ({names}): choose with --flavor-map"

    def _kinds_of(self, flavor: CloudFlavor) -> collections.Counter[object] | None:
        use = alias_use(flavor.flavor.extra_specs, self._aliases)
        return self._kinds(use) if use else None

    def _kinds(self, use: AliasUse) -> collections.Counter[object] | None:
        """Return how many devices of each kind are asked for; None if an alias is not known."""
        if not use.counts.keys() <= self._aliases.keys():
            return None
        kinds = collections.Counter[object]()
        for name, count in use.counts.items():
            specs = self._aliases[name].specs
            kinds[frozenset((spec.resource_class, spec.device_type) for spec in specs)] += count
        return kinds


def _alias_step(server: Server, use: AliasUse, targets: _Targets) -> UpgradeStep | None:
    is_ours = TAG in server.tags
    if server.status in _RESIZING:
        if is_ours:
            return UpgradeStep(
                server, Action.CONFIRM, "an earlier run of this plan began its resize"
            )
        return UpgradeStep(
            server,
            Action.NONE,
            f"it is {server.status}: somebody else resizes or migrates it, and has to confirm or "
            f"revert that",
        )
    target = targets.mapped(server)
    reason = "its flavor is mapped to another"
    if target is None and use.meaning is Meaning.YES:
        if not is_ours:
            return None
        if server.status not in _TAGGABLE:
            return UpgradeStep(server, Action.NONE, f"it is {server.status} after its resize")
        return UpgradeStep(server, Action.UNTAG, "its resize is confirmed, only the tag is left")
    if target is None:
        reason = f"live_migratable of its aliases: {use.meaning.value}"
        target, why_not = targets.similar(server, use)
    if target is None:
        return UpgradeStep(server, Action.NONE, why_not)
    if server.status not in _RESIZABLE or server.task_state is not None:
        return UpgradeStep(
            server,
            Action.NONE,
            f"it is {server.task_state or server.status}: only ACTIVE and SHUTOFF servers can be "
            f"resized",
            target,
        )
    return UpgradeStep(server, Action.RESIZE, reason, target)


def _other_specs(extra_specs: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in extra_specs.items() if key not in PCI_EXTRA_SPECS}
