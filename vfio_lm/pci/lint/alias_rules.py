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

"""Rules of the linter about one ``[pci]alias``; what needs device specifications is elsewhere."""

from __future__ import annotations

import dataclasses
import json
import string
from collections.abc import Iterator, Mapping
from typing import Any

import os_traits

from vfio_lm.pci import alias as aliases
from vfio_lm.pci import device_spec
from vfio_lm.pci.alias import Alias, AliasError, parse_aliases
from vfio_lm.pci.conf_text import ALIAS, PCI_IN_PLACEMENT, Setting
from vfio_lm.pci.flavor import can_be_requested
from vfio_lm.pci.lint.configurations import AliasEntry, CloudView, Edit, ServiceView
from vfio_lm.pci.lint.hit import Hit, closest
from vfio_lm.pci.live_migratable import LiveMigratable

_ID_DIGITS = 4
_KEYS_OF_A_SPEC = (*device_spec.SELECTORS, *device_spec.TAGS)
_ENUMERATIONS = {"device_type": aliases.DEVICE_TYPES, "numa_policy": aliases.NUMA_POLICIES}


def unknown_keys(cloud: CloudView) -> Iterator[Hit]:
    """Yield keys that the schema of an alias does not have."""
    for service in cloud.services:
        for entry in service.aliases:
            for key in entry.fields:
                if key in aliases.KEYS:
                    continue
                why = f"nova refuses the key {key!r}: an alias cannot have it"
                without = entry.changed(**{key: None})
                meant = None if key in _KEYS_OF_A_SPEC else closest(key, aliases.KEYS)
                if meant and meant not in entry.fields:
                    renamed, guess = entry.renamed(key, meant), f"did you mean {meant!r}?"
                    yield Hit(service.label, entry.setting, why, renamed, guess, without)
                else:
                    yield Hit(service.label, entry.setting, why, without)


def wrong_values(cloud: CloudView) -> Iterator[Hit]:
    """Yield values that nova refuses, apart from unknown keys and missing identifiers."""
    for service in cloud.services:
        for entry in service.aliases:
            if reason := _refusal(entry.fields):
                why = f"nova refuses the alias: {reason}"
                yield Hit(service.label, entry.setting, why, _mended(entry))


def _refusal(fields: Mapping[str, Any]) -> str:
    known = {key: value for key, value in fields.items() if key in aliases.KEYS}
    # With a resource class no identifiers are needed: these are another rule's business.
    value = json.dumps({"resource_class": "x"} | known)
    try:
        parse_aliases([value], pci_in_placement=True)
    except AliasError as exc:
        return exc.reason
    return ""


def _mended(entry: AliasEntry) -> Edit | None:
    """Guess what was meant: booleans and numbers instead of texts, prefixes, short names."""
    fields = {key: _mended_value(key, value) for key, value in entry.fields.items()}
    return None if _refusal(fields) else entry.replaced(fields)


def _mended_value(key: str, value: Any) -> Any:
    if key == "live_migratable" and isinstance(value, bool):
        return "yes" if value else "no"
    if key == "traits" and isinstance(value, list):
        return ",".join(map(str, value))
    if key in ("vendor_id", "product_id"):
        digits = str(value).strip().lower().removeprefix("0x")
        if 0 < len(digits) <= _ID_DIGITS and set(digits) <= set(string.hexdigits):
            return digits.zfill(_ID_DIGITS)
    if key in _ENUMERATIONS and isinstance(value, str):
        choices = _ENUMERATIONS[key]
        return closest(value, choices) or closest(f"type-{value.strip()}", choices) or value
    return value


def missing_identifiers(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases that do not say which devices they mean."""
    for service in cloud.services:
        for entry in service.aliases:
            if {"vendor_id", "product_id"} <= set(entry.fields):
                continue
            if "resource_class" not in entry.fields:
                why = "nova refuses an alias without vendor_id and product_id or resource_class"
                yield Hit(service.label, entry.setting, why)
            elif not service.pci_in_placement:
                why = (
                    f"nova refuses alias {entry.fields.get('name')!r}, which has no vendor_id and "
                    f"product_id, unless {PCI_IN_PLACEMENT} is true here; nova-compute does so, too"
                )
                last = service.service.text.last(PCI_IN_PLACEMENT)
                place = last or Setting(PCI_IN_PLACEMENT, "", entry.setting.file)
                replacement = dataclasses.replace(place, value="true")
                yield Hit(service.label, last, why, replacement)


def contradicting_definitions(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases defined several times in a way that nova refuses."""
    for service in cloud.services:
        for name, entries in service.aliases_by_name.items():
            if len(entries) > 1 and (reason := _contradiction(service, entries)):
                why = f"nova refuses the second definition of alias {name!r}: {reason}"
                yield Hit(service.label, entries[-1].setting, why)


def _contradiction(service: ServiceView, entries: list[AliasEntry]) -> str:
    # Missing identifiers are another rule's business.
    ids = {"vendor_id": "0000", "product_id": "0000"}
    known = [{k: v for k, v in each.fields.items() if k in aliases.KEYS} for each in entries]
    fields = [ids | each for each in known]
    try:
        parse_aliases(map(json.dumps, fields), pci_in_placement=bool(service.pci_in_placement))
    except AliasError as exc:
        return exc.reason
    return ""


def mixed_live_migratable(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases whose definitions do not agree whether the devices can live migrate."""
    for service in cloud.services:
        for name, entries in service.aliases_by_name.items():
            said = {e.alias.live_migratable for e in entries if e.alias}
            if LiveMigratable.YES in said and len(said) > 1:
                why = (
                    f"not all definitions of alias {name!r} say yes: nova never live migrates "
                    f"its servers"
                )
                for entry in entries:
                    if entry.alias and entry.alias.live_migratable is not LiveMigratable.YES:
                        changed = entry.changed(live_migratable="yes")
                        yield Hit(service.label, entry.setting, why, changed)


def unusable_names(cloud: CloudView) -> Iterator[Hit]:
    """Yield names that the extra spec of a flavor cannot express."""
    for entry, alias in cloud.aliases:
        if not can_be_requested(alias.name):
            why = (
                "no flavor can ask for it: the extra spec takes names apart at ':' and ',' and "
                "drops blanks around them"
            )
            name = alias.name.replace(":", "-").replace(",", "-").strip()
            yield Hit(entry.label, entry.setting, why, entry.changed(name=name))


def capability_types(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases that ask for a property that no device has."""
    for entry, _ in cloud.aliases:
        if "capability_type" in entry.fields:
            why = (
                "nova compares capability_type with the device, and no device has one: the alias "
                "never gets a device"
            )
            yield Hit(entry.label, entry.setting, why, entry.changed(capability_type=None))


def upper_case_identifiers(cloud: CloudView) -> Iterator[Hit]:
    """Yield identifiers in upper case: nova takes them, other tools may not."""
    for entry, _ in cloud.aliases:
        changes = {
            key: entry.fields[key].lower()
            for key in ("vendor_id", "product_id")
            if key in entry.fields and entry.fields[key] != entry.fields[key].lower()
        }
        if changes:
            why = f"{' and '.join(changes)} in upper case: nova takes it, write it as lspci does"
            yield Hit(entry.label, entry.setting, why, entry.changed(**changes))


def fields_without_placement(cloud: CloudView) -> Iterator[Hit]:
    """Yield what nova ignores while PCI devices are not in placement."""
    for service in cloud.services:
        if service.pci_in_placement is not False or cloud.pci_in_placement:
            continue
        for entry in service.aliases:
            ignored = [key for key in ("resource_class", "traits") if key in entry.fields]
            if ignored and entry.alias and entry.alias.specs[0].has_ids:
                why = f"nova ignores {' and '.join(ignored)} while {PCI_IN_PLACEMENT} is false"
                yield Hit(service.label, entry.setting, why)


def missing_trait(cloud: CloudView) -> Iterator[Hit]:
    """Yield live migratable aliases that do not tell placement so."""
    if not cloud.pci_in_placement:
        return
    trait = os_traits.HW_PCI_LIVE_MIGRATABLE
    for entry, alias in cloud.aliases:
        (spec,) = alias.specs
        if spec.live_migratable is LiveMigratable.YES and trait not in spec.traits:
            why = (
                f"placement does not know that only live migratable devices fit: it also offers "
                f"others, and nova may run out of candidates; require {trait}"
            )
            text = spec.requested_traits
            traits = f"{text},{trait}" if text else trait
            yield Hit(entry.label, entry.setting, why, entry.changed(traits=traits))


def trait_without_yes(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases that require live migratable providers and yet forbid live migration."""
    trait = os_traits.HW_PCI_LIVE_MIGRATABLE
    for entry, alias in cloud.aliases:
        if trait in alias.specs[0].traits and alias.live_migratable is not LiveMigratable.YES:
            why = (
                f"it requires {trait} but does not say live_migratable yes: nova does not live "
                f"migrate its servers"
            )
            changed = entry.changed(live_migratable="yes")
            yield Hit(entry.label, entry.setting, why, changed)


def differing_definitions(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases that mean something else to another service."""
    first: dict[str, tuple[ServiceView, list[AliasEntry]]] = {}
    for service in cloud.services:
        for name, entries in service.aliases_by_name.items():
            reference, known = first.setdefault(name, (service, entries))
            if _meaning(known) == _meaning(entries):
                continue
            why = (
                f"alias {name!r} is another one for {reference.label}: nova-api reads it when a "
                f"server is created or resized, nova-compute when it is moved"
            )
            for number, entry in enumerate(entries):
                replacement: Setting | None = None
                if len(known) == len(entries):
                    value = known[number].setting.value
                    replacement = dataclasses.replace(entry.setting, value=value)
                yield Hit(service.label, entry.setting, why, replacement)


def missing_definitions(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases that only some services have."""
    known: dict[str, AliasEntry] = {}
    for service in cloud.services:
        for name, entries in service.aliases_by_name.items():
            known.setdefault(name, entries[0])
    for service in cloud.services:
        for name, entry in known.items():
            # An alias that is there but wrong is another rule's business.
            written = {str(each.fields.get("name")).strip() for each in service.aliases}
            if name not in written and not service.no_objects:
                why = f"alias {name!r} of {entry.label} is missing: moving its servers needs it"
                file = service.service.text.sources[0] if service.service.text.sources else ""
                replacement = Setting(ALIAS, entry.setting.value, file)
                yield Hit(service.label, None, why, replacement)


def _meaning(entries: list[AliasEntry]) -> tuple[object, ...]:
    """Return what nova makes of definitions, however they are written."""
    return tuple(_one_meaning(entry.alias) for entry in entries if entry.alias)


def _one_meaning(alias: Alias) -> tuple[object, ...]:
    (spec,) = alias.specs
    ids = (str(spec.vendor_id).lower(), str(spec.product_id).lower())
    return (
        alias.numa_policy,
        ids,
        spec.device_type,
        spec.resource_class,
        spec.traits,
        spec.live_migratable,
    )
