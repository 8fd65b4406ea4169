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

"""Which hosts flavors with aliases ask for, and which they should; pure rules.

``trait:…=required|forbidden`` in a flavor is about the root provider of a host. An extra spec
that is there was written by somebody, and nothing shows whether that was us: it is never changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from placement_sync.engine import traits
from placement_sync.engine.finding import AuditFinding, Kind
from placement_sync.engine.plan import FlavorStep
from vfio_lm.inventory import PciFlavor
from vfio_lm.pci.alias_traits import Meaning
from vfio_lm.text import counted

REQUIRED = "required"
FORBIDDEN = "forbidden"

_YES_SPEC = f"trait:{traits.LIVE_MIGRATABLE}"
_NO_SPEC = f"trait:{traits.NOT_LIVE_MIGRATABLE}"

# What contradicts an alias, by what it says.
_CONTRADICTIONS: Mapping[Meaning, Mapping[str, str]] = {
    Meaning.YES: {_YES_SPEC: REQUIRED},
    Meaning.NO: {_YES_SPEC: FORBIDDEN, _NO_SPEC: REQUIRED},
}


def is_mixed(roots: Iterable[Collection[str]]) -> bool:
    """Whether some host has both kinds of devices."""
    both = {traits.LIVE_MIGRATABLE, traits.NOT_LIVE_MIGRATABLE}
    return any(both <= set(root) for root in roots)


def wanted_specs(meaning: Meaning, *, is_mixed_fleet: bool) -> dict[str, str]:
    """Return the extra specs for flavors whose aliases together say this.

    Where hosts have both kinds of devices, forbidding the hosts with migratable ones would leave
    out devices that are right for the alias.
    """
    if meaning is Meaning.YES:
        return {_YES_SPEC: REQUIRED}
    if meaning is Meaning.NO:
        return {_NO_SPEC: REQUIRED} if is_mixed_fleet else {_YES_SPEC: FORBIDDEN}
    return {}


def judge_flavor(
    item: PciFlavor, roots: Collection[Collection[str]], *, is_managed: bool
) -> Iterator[FlavorStep | AuditFinding]:
    """Yield what is to be done about a flavor, or what is wrong with it.

    :param roots: the traits of each root provider of the cloud, as they will be
    :param is_managed: whether extra specs may be written
    """
    now = item.flavor.flavor.extra_specs
    agreeing = _CONTRADICTIONS.get(item.use.meaning)
    if agreeing is None:
        return
    present = {key: now[key] for key in (_YES_SPEC, _NO_SPEC) if key in now}
    wrong = {key: value for key, value in present.items() if agreeing.get(key, value) != value}
    if wrong:
        yield _disagreement(item, wrong, agreeing)
        return
    settled = {key: value for key, value in present.items() if key in agreeing}
    wanted = settled or wanted_specs(item.use.meaning, is_mixed_fleet=is_mixed(roots))
    if not (settled or is_managed):
        return
    if not has_host(wanted, roots):
        yield _stranded(item, wanted, is_there=bool(settled))
    elif not settled:
        yield FlavorStep(flavor=item.flavor, set=wanted, why=_why(item), servers=item.servers)


def has_host(extra_specs: Mapping[str, str], roots: Iterable[Collection[str]]) -> bool:
    """Whether at least one root provider has what is required, and not what is forbidden."""
    return any(
        all(
            (key.removeprefix("trait:") in root) is (value == REQUIRED)
            for key, value in extra_specs.items()
        )
        for root in roots
    )


def _why(item: PciFlavor) -> str:
    text = f"its aliases say live_migratable {item.use.meaning.value}"
    if item.servers:
        text += (
            f"; it is in use by {counted(item.servers, 'server')}: each keeps its own copy of the "
            f"flavor, by which nova also migrates it"
        )
    return text


def _disagreement(
    item: PciFlavor, wrong: Mapping[str, str], agreeing: Mapping[str, str]
) -> AuditFinding:
    better = ", or ".join(f"{key}={value}" for key, value in agreeing.items())
    return AuditFinding(
        kind=Kind.FLAVOR_DISAGREES,
        subject=item.flavor.name,
        text=f"has {_pairs(wrong)}, but its aliases say live_migratable {item.use.meaning.value}",
        remedy=f"somebody set this, so it is not changed here: unset it, or set {better}",
        where=f"flavor {item.flavor.id}",
    )


def _stranded(item: PciFlavor, wanted: Mapping[str, str], *, is_there: bool) -> AuditFinding:
    verb = "has" if is_there else "is not given"
    return AuditFinding(
        kind=Kind.FLAVOR_WITHOUT_HOST,
        subject=item.flavor.name,
        text=f"{verb} {_pairs(wanted)}, because its aliases say live_migratable "
        f"{item.use.meaning.value}: no host would be left for it",
        remedy="declare devices of the aliases in [pci]device_spec of at least one host",
        where=f"flavor {item.flavor.id}",
    )


def _pairs(extra_specs: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(extra_specs.items()))
