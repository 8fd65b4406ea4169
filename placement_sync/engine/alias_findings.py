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

"""Aliases that no host satisfies, or that placement cannot tell hosts apart by; pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from placement_sync.engine import traits
from placement_sync.engine.desired import Desired
from placement_sync.engine.finding import AuditFinding, Kind
from vfio_lm.pci import Alias, AliasSpec, DeviceSpec, LiveMigratable
from vfio_lm.pci.conf_text import ALIAS
from vfio_lm.pci.matching import may_serve
from vfio_lm.pci.rewrite import alias_with_trait


def aliases_without_provider(
    aliases: Mapping[str, Alias], hosts: Iterable[Desired]
) -> Iterator[AuditFinding]:
    """Yield aliases that no device of these hosts satisfies.

    :param hosts: all hosts of the cloud
    """
    devices = [each for host in hosts for each in host.devices]
    # An alias that asks for migratable devices needs some that can be migrated.
    usable = {
        LiveMigratable.YES: _specs(s for each in devices if each.may_give_yes for s in each.specs),
        LiveMigratable.NO: _specs(s for each in devices for s in each.specs),
        LiveMigratable.UNSPECIFIED: _specs(s for each in devices for s in each.specs),
    }
    for name, alias in aliases.items():
        specs = usable[alias.live_migratable]
        if any(_fits(wanted, spec) for wanted in alias.specs for spec in specs):
            continue
        said = alias.live_migratable.value
        yield AuditFinding(
            kind=Kind.ALIAS_WITHOUT_PROVIDER,
            subject=name,
            text=f"no host has a device for it (live_migratable {said})",
            remedy="declare such devices in [pci]device_spec of a host, or remove the alias if no "
            "flavor and no server uses it",
            where=ALIAS,
        )


def aliases_without_trait(
    aliases: Mapping[str, Alias], hosts: Iterable[Desired]
) -> Iterator[AuditFinding]:
    """Yield aliases for which placement also offers providers that do not fit.

    The trait is only advised where nova's own providers carry it.

    :param hosts: hosts whose devices may be in placement
    """
    if not any(host.has_marked_provider for host in hosts):
        return
    for name, alias in aliases.items():
        (spec, *others) = alias.specs
        is_yes = alias.live_migratable is LiveMigratable.YES
        if others or not is_yes or traits.LIVE_MIGRATABLE in spec.traits:
            continue
        yield AuditFinding(
            kind=Kind.ALIAS_WITHOUT_TRAIT,
            subject=name,
            text=f"does not require {traits.LIVE_MIGRATABLE}, so placement also offers devices "
            f"that nova refuses afterwards",
            remedy=f"on all nova services, put {alias_with_trait(alias)[0].text} into [pci]",
            where=ALIAS,
        )


def _specs(specs: Iterable[DeviceSpec]) -> list[DeviceSpec]:
    """Return each specification once; those of several hosts are often the same."""
    found: list[DeviceSpec] = []
    for spec in specs:
        if spec not in found:
            found.append(spec)
    return found


def _fits(wanted: AliasSpec, spec: DeviceSpec) -> bool:
    """Whether some device may be meant by both, and is declared as the alias asks for it."""
    return wanted.live_migratable in (
        LiveMigratable.UNSPECIFIED,
        spec.live_migratable,
    ) and may_serve(wanted, spec, in_placement=False)
