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

"""Rules of the linter about ``[pci]device_spec`` of one host; what aliases need is elsewhere."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping
from typing import Any

import os_traits

from vfio_lm.pci import alias, device_spec, names
from vfio_lm.pci.address import FIELDS
from vfio_lm.pci.address_pattern import ANY_ADDRESS
from vfio_lm.pci.conf_text import PERMIT_POST_COPY, REPORT_IN_PLACEMENT, Setting
from vfio_lm.pci.device_spec import DeviceSpecError, parse_device_specs
from vfio_lm.pci.lint.configurations import CloudView, Edit, SpecEntry
from vfio_lm.pci.lint.hit import Hit, closest
from vfio_lm.pci.live_migratable import LiveMigratable

_KEYS = (*device_spec.SELECTORS, *device_spec.TAGS)
_TEXTS = ("resource_class", "traits")


def refused_specs(cloud: CloudView) -> Iterator[Hit]:
    """Yield specifications with which nova-compute does not start."""
    for service in cloud.services:
        for entry in service.specs:
            if reason := _refusal(entry.fields, service.reports_in_placement):
                yield Hit(
                    service.label, entry.setting, f"nova refuses it: {reason}", _mended(entry)
                )


def _refusal(fields: Mapping[str, Any], report_in_placement: bool) -> str:
    value = json.dumps(dict(fields))
    try:
        parse_device_specs([value], report_in_placement=report_in_placement)
    except DeviceSpecError as exc:
        return exc.reason
    return ""


def _mended(entry: SpecEntry) -> Edit | None:
    """Guess what was meant: numbers instead of texts, or an address that devname says as well."""
    fields = dict(entry.fields)
    for key in ("vendor_id", "product_id"):
        if isinstance(fields.get(key), int) and not isinstance(fields[key], bool):
            fields[key] = str(fields[key]).zfill(4)
    if fields.get("address") and fields.get("devname"):
        del fields["devname"]
    if fields == dict(entry.fields) or _refusal(fields, report_in_placement=True):
        return None
    return entry.replaced(fields)


def misspelt_keys(cloud: CloudView) -> Iterator[Hit]:
    """Yield keys that look like one that nova knows."""
    for service in cloud.services:
        for entry in service.specs:
            for key in entry.fields:
                if (meant := _meant(key)) and meant not in entry.fields:
                    yield Hit(
                        service.label,
                        entry.setting,
                        f"nova gives the key {key!r} no meaning",
                        entry.renamed(key, meant),
                        f"did you mean {meant!r}?",
                        entry.changed(**{key: None}),
                    )


def _meant(key: str) -> str | None:
    """Return the key that was probably meant, unless it is known, or one of an alias."""
    return None if key in _KEYS or key in alias.KEYS else closest(key, _KEYS)


def unknown_keys(cloud: CloudView) -> Iterator[Hit]:
    """Yield keys that nova only keeps."""
    for service in cloud.services:
        for entry in service.specs:
            for key in entry.fields:
                meant = _meant(key)
                if key not in _KEYS and (meant is None or meant in entry.fields):
                    why = f"nova gives the key {key!r} no meaning"
                    if key in alias.KEYS:
                        why += ": it is one of an alias"
                    yield Hit(service.label, entry.setting, why, entry.changed(**{key: None}))


def unknown_address_keys(cloud: CloudView) -> Iterator[Hit]:
    """Yield keys of an address by regular expressions that nova ignores."""
    for service in cloud.services:
        for entry in service.specs:
            address = entry.fields.get("address")
            if not isinstance(address, dict):
                continue
            for key in address:
                if key in FIELDS:
                    continue
                meant = closest(key, FIELDS)
                mended = {meant if k == key else k: v for k, v in address.items()}
                usable = meant is not None and meant not in address
                why = f"nova ignores the key {key!r} of the address, so that any value matches"
                replacement = entry.changed(address=mended) if usable else None
                guess = f"did you mean {meant!r}?" if usable else ""
                yield Hit(service.label, entry.setting, why, replacement, guess)


def short_identifiers(cloud: CloudView) -> Iterator[Hit]:
    """Yield identifiers that nova takes although they have not four digits."""
    for entry, spec in cloud.specs:
        for key, meaning in (("vendor_id", spec.vendor_id), ("product_id", spec.product_id)):
            if meaning is not None and entry.fields[key].lower() != meaning:
                why = f"nova reads {key} {entry.fields[key]!r} as {meaning}"
                yield Hit(entry.label, entry.setting, why, entry.changed(**{key: meaning}))


def upper_case_identifiers(cloud: CloudView) -> Iterator[Hit]:
    """Yield identifiers in upper case: nova takes them, other tools may not."""
    for entry, spec in cloud.specs:
        changes = {
            key: meaning
            for key, meaning in (("vendor_id", spec.vendor_id), ("product_id", spec.product_id))
            if meaning is not None
            and set(entry.fields[key]) & set(string.ascii_uppercase)
            and entry.fields[key].lower() == meaning
        }
        if changes:
            why = f"{' and '.join(changes)} in upper case: nova takes it, write it as lspci does"
            yield Hit(entry.label, entry.setting, why, entry.changed(**changes))


def every_device(cloud: CloudView) -> Iterator[Hit]:
    """Yield specifications that mean all devices of the host."""
    for entry, spec in cloud.specs:
        if spec.vendor_id is spec.product_id is None and spec.address == ANY_ADDRESS:
            why = "it means every PCI device of the host: servers may get any of them"
            yield Hit(entry.label, entry.setting, why)


def tags_that_are_no_text(cloud: CloudView) -> Iterator[Hit]:
    """Yield tags that stop nova-compute when it reports its devices."""
    for service in cloud.services:
        for entry in service.specs:
            for key in _TEXTS:
                value = entry.fields.get(key)
                if value and not isinstance(value, str) and service.reports_in_placement:
                    why = f"nova-compute fails to report the devices: {key} is not a text"
                    words = value if isinstance(value, list) else []
                    usable = key == "traits" and words and all(isinstance(w, str) for w in words)
                    replacement = entry.changed(traits=",".join(words)) if usable else None
                    yield Hit(service.label, entry.setting, why, replacement)


def devnames_in_placement(cloud: CloudView) -> Iterator[Hit]:
    """Yield devices by name that nova-compute refuses to report."""
    for service in cloud.services:
        for entry in service.specs:
            if service.reports_in_placement and entry.spec and entry.spec.devname:
                why = (
                    f"nova-compute does not start with devname while {REPORT_IN_PLACEMENT} is "
                    f"true: give the device's address instead"
                )
                yield Hit(service.label, entry.setting, why)


def live_migratable_for_neutron(cloud: CloudView) -> Iterator[Hit]:
    """Yield devices of a physical network that are declared live migratable.

    Without placement, ``PciDeviceStats._filter_pools_for_spec`` (nova/pci/stats.py, 31 to 34)
    gives such a device to an alias all the same, and then it does move.
    """
    for service in cloud.services:
        for entry in service.specs:
            spec = entry.spec
            if (
                spec is None
                or spec.live_migratable is not LiveMigratable.YES
                or not spec.is_for_neutron
            ):
                continue
            why = (
                "nova unplugs a port's VF before a live migration, whatever live_migratable says, "
                "and never reports a device with physical_network to placement"
            )
            if service.reports_in_placement:
                changed = entry.changed(live_migratable=None)
                yield Hit(service.label, entry.setting, f"{why}: no alias gets it", changed)
            else:
                why = f"{why}; while devices are not in placement, aliases get it as well"
                yield Hit(service.label, entry.setting, why)


def missing_trait(cloud: CloudView) -> Iterator[Hit]:
    """Yield devices that nova does not report as live migratable before 2026.2."""
    if cloud.release is None or cloud.release.reports_live_migratable:
        return
    trait = os_traits.HW_PCI_LIVE_MIGRATABLE
    for service in cloud.services:
        for entry in service.specs:
            spec = entry.spec
            if (
                spec is None
                or not service.reports_in_placement
                or spec.is_for_neutron
                or spec.live_migratable is not LiveMigratable.YES
                or not isinstance(spec.tags.get("traits") or "", str)
                or trait in names.traits(spec.tags.get("traits"))
            ):
                continue
            why = (
                f"nova {cloud.release.value} does not report {trait} unless the traits tag says "
                f"so, and removes it if others put it there"
            )
            text = spec.tags.get("traits")
            changed = entry.changed(traits=f"{text},{trait}" if text else trait)
            yield Hit(service.label, entry.setting, why, changed)


def trait_without_yes(cloud: CloudView) -> Iterator[Hit]:
    """Yield devices that placement takes for live migratable and nova does not."""
    trait = os_traits.HW_PCI_LIVE_MIGRATABLE
    for entry, spec in cloud.specs:
        text = spec.tags.get("traits")
        if not isinstance(text, str) or trait not in names.traits(text):
            continue
        if spec.live_migratable is not LiveMigratable.YES:
            why = (
                f"placement offers the devices because of {trait}, but nova does not give them to "
                f"aliases that say live_migratable yes"
            )
            yield Hit(entry.label, entry.setting, why, entry.changed(live_migratable="yes"))


def post_copy(cloud: CloudView) -> Iterator[Hit]:
    """Yield hosts that may switch a live migration of VFIO devices to post-copy."""
    for service in cloud.services:
        said = {entry.spec.live_migratable for entry in service.specs if entry.spec}
        setting = service.service.text.last(PERMIT_POST_COPY)
        if setting and service.permits_post_copy and LiveMigratable.YES in said:
            why = "QEMU refuses VFIO devices with post-copy when the migration is already running"
            replacement = Setting(PERMIT_POST_COPY, "false", setting.file, setting.line)
            yield Hit(service.label, setting, why, replacement)


def hypervisor_versions(cloud: CloudView) -> Iterator[Hit]:
    """Yield hosts that need a recent hypervisor.

    Source: ``nova/virt/libvirt/driver.py`` ``_check_pci_whitelist`` (nova 34.0.0), for which
    a live_migratable of "no" counts as well.
    """
    for service in cloud.services:
        for entry in service.specs:
            if entry.spec and entry.spec.tags.get("live_migratable"):
                why = (
                    "nova-compute does not start with a live_migratable tag, even one that says "
                    "no, unless the host has libvirt 10.0.0 and QEMU 8.2.2 or newer"
                )
                yield Hit(service.label, entry.setting, why)
                break
