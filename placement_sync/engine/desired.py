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

"""What placement should say of a host, from what is known of its devices; not what it says now.

A trait has three cases here, because "we do not know" must never become "take it away": it should
be there, it should not, or it stays as it is.

Which way is the honest one where configuration and kernel differ? A host with the trait
HW_PCI_LIVE_MIGRATABLE promises that servers can be live migrated to and from it. The operator's
``live_migratable = yes`` is that promise as long as nothing speaks against it. A device of which
the host facts show that it cannot migrate does not give its host the trait, whatever is declared:
a promise that is not kept strands a server, and a missing one only keeps it where it is. The
facts never make a device migratable that the operator did not declare so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from placement_sync.engine import evidence, traits
from placement_sync.engine.evidence import Evidence
from vfio_lm.cloud.model import Tree
from vfio_lm.pci import LiveMigratable, NovaRelease, PciAddress
from vfio_lm.pci.driver_traits import driver_trait, is_driver_trait
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.hosts import Host


@dataclasses.dataclass(frozen=True)
class WantedTraits:
    """What one provider should carry; foreign traits are not its business."""

    present: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Traits that it should have, with the reason."""
    absent: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Traits that it should not have, with the reason."""
    are_drivers_known: bool = False
    """Whether it should have no other driver trait than those in ``present``."""

    def missing(self, now: frozenset[str]) -> frozenset[str]:
        """Return the traits to add to those that the provider has."""
        return frozenset(self.present) - now

    def surplus(self, now: frozenset[str]) -> frozenset[str]:
        """Return the traits to remove from those that the provider has; all of them are ours."""
        return frozenset(
            trait
            for trait in traits.ours(now) - self.present.keys()
            if trait in self.absent or (self.are_drivers_known and is_driver_trait(trait))
        )

    def reasons(self, changed: Iterable[str]) -> dict[str, str]:
        """Return why each of some traits is to be added or removed."""
        known = {**self.present, **self.absent}
        unused = "no live migratable device is bound to it"
        return {trait: known.get(trait, unused) for trait in changed}


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the whole tree of one host should say."""

    root: WantedTraits
    children: Mapping[str, WantedTraits]
    """For providers of PCI devices that nova does not own, by UUID."""
    of_nova: Mapping[str, Evidence]
    """What is declared of the devices behind each PCI provider of nova's, by UUID."""
    devices: tuple[Evidence, ...]
    """What is known of each device."""
    release: NovaRelease
    """Of the host's nova-compute, as far as placement shows."""
    has_marked_provider: bool
    """Whether a PCI provider of nova's carries HW_PCI_LIVE_MIGRATABLE."""

    @property
    def is_ambiguous(self) -> bool:
        """Whether resource classes of the providers would tell more."""
        return any(each.said is None and each.address for each in self._known)

    @property
    def _known(self) -> tuple[Evidence, ...]:
        return (*self.of_nova.values(), *self.devices)


def usable_facts(host: Host) -> HostFacts | None:
    """Return the facts of a host if they say which devices there are."""
    return None if host.facts is None or host.facts.missing_devices else host.facts


def release_of(tree: Tree) -> NovaRelease:
    """Return which nova-compute reports a tree; of those before 2026.2, the oldest stands for all.

    Source: OWNER_NOVA is reported since nova 34, on the root and on each PCI provider.
    """
    is_new = any(provider.reports_live_migratable for provider in tree.providers.values())
    return NovaRelease.R2026_2 if is_new else NovaRelease.R2025_1


def desired(host: Host, tree: Tree) -> Desired:
    """Work out what the tree of a host should say.

    What the host has is taken from its facts; without, from the PCI providers that nova reports;
    and where it reports none, from the configuration alone.
    """
    release = release_of(tree)
    facts = usable_facts(host)
    own: dict[str, Evidence] = {}
    others: dict[str, Evidence] = {}
    for provider in sorted(tree.providers.values(), key=lambda each: each.name):
        address = evidence.address_of(provider)
        if address is None or provider.uuid == tree.root_uuid:
            continue
        owner, group = (release, own) if provider.is_pci else (None, others)
        group[provider.uuid] = evidence.from_provider(host, provider, address, owner)
    if facts is not None:
        devices = tuple(evidence.from_facts(host, facts))
        known = (*devices, *_beyond(facts, own.values()), *_unseen(host, devices, own))
        children = {
            uuid: wish(behind, are_drivers_known=True)
            for uuid, each in others.items()
            if each.address and (behind := _behind(facts, each.address, devices))
        }
    else:
        known = (*own.values(), *others.values())
        if not (own or host.reports_in_placement):
            known += tuple(evidence.from_configuration(host))
        devices = known
        children = {uuid: wish((each,)) for uuid, each in others.items() if each.specs}
    return Desired(
        root=wish(known, are_drivers_known=facts is not None),
        children=children,
        of_nova=own,
        devices=devices,
        release=release,
        has_marked_provider=any(p.is_marked_live_migratable for p in tree.pci_providers),
    )


def wish(known: Iterable[Evidence], *, are_drivers_known: bool = False) -> WantedTraits:
    """Return what a provider should carry that stands for some devices."""
    known = tuple(known)
    migratable = [e for e in known if e.said is LiveMigratable.YES and e.may_give_yes]
    bound = [e for e in known if e.said is LiveMigratable.NO]
    unclear = [e for e in known if e.said is None]
    present: dict[str, str] = {}
    absent: dict[str, str] = {}
    if migratable:
        present[traits.LIVE_MIGRATABLE] = _reason(migratable, "yes")
    elif not any(each.may_give_yes for each in unclear):
        absent[traits.LIVE_MIGRATABLE] = _no_reason(known)
    if bound:
        present[traits.NOT_LIVE_MIGRATABLE] = _reason(bound, "no")
    elif not unclear:
        absent[traits.NOT_LIVE_MIGRATABLE] = "no device is declared live_migratable no"
    for each in migratable if are_drivers_known else ():
        if each.driver:
            present[driver_trait(each.driver)] = f"live migratable devices use {each.driver}"
    return WantedTraits(present=present, absent=absent, are_drivers_known=are_drivers_known)


def _behind(
    facts: HostFacts, address: PciAddress, devices: Iterable[Evidence]
) -> tuple[Evidence, ...]:
    """Return the devices of the facts that a provider at an address stands for."""
    members = {d.address for d in facts.devices if address in (d.address, d.parent_address)}
    return tuple(each for each in devices if each.address in members)


def _beyond(facts: HostFacts, own: Iterable[Evidence]) -> Iterable[Evidence]:
    """Yield what placement has that the facts have not.

    Facts are about SR-IOV functions and about what is bound to a VFIO driver. Another device
    cannot live migrate as it is, but may well be declared so that it should not.
    """
    known = {a for device in facts.devices for a in (device.address, device.parent_address)}
    for each in own:
        if each.address not in known:
            yield dataclasses.replace(each, may_give_yes=False)


def _unseen(
    host: Host, devices: Iterable[Evidence], own: Mapping[str, Evidence]
) -> Iterable[Evidence]:
    """Yield specifications that say no, and whose devices would show neither here nor there."""
    if own or host.reports_in_placement:
        return
    seen = [spec for each in devices for spec in each.specs]
    for each in evidence.from_configuration(host):
        is_seen = any(each.specs[0] is spec for spec in seen)
        if each.said is LiveMigratable.NO and not is_seen:
            yield dataclasses.replace(each, said=None, may_give_yes=False)


def _reason(devices: list[Evidence], word: str) -> str:
    sources = sorted({each.source for each in devices})
    return f"a device_spec of its devices says live_migratable {word} ({', '.join(sources)})"


def _no_reason(known: tuple[Evidence, ...]) -> str:
    if any(each.said is LiveMigratable.YES and each.obstacle for each in known):
        return "no device that is declared live_migratable yes can be live migrated (host facts)"
    return "no device is declared live_migratable yes"
