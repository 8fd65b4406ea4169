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

from vfio_lm.pci import device_spec, names
from vfio_lm.pci.address import FIELDS
from vfio_lm.pci.address_pattern import ANY_ADDRESS, AddressPattern
from vfio_lm.pci.conf_text import PERMIT_POST_COPY, REPORT_IN_PLACEMENT, Setting
from vfio_lm.pci.device_spec import DeviceSpec, DeviceSpecError, parse_device_specs
from vfio_lm.pci.lint.configurations import CloudView, ServiceView, SpecEntry
from vfio_lm.pci.lint.hit import Hit, closest
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.provider_traits import reported_traits
from vfio_lm.pci.release import NovaRelease

_KEYS = (*device_spec.SELECTORS, *device_spec.TAGS)
_TEXTS = ("resource_class", "traits")
_VALUES: Mapping[str, tuple[str, ...]] = {
    "domain": ("0000",),
    "bus": tuple(f"{number:02x}" for number in range(0x100)),
    "slot": tuple(f"{number:02x}" for number in range(0x20)),
    "function": tuple(str(number) for number in range(8)),
}


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


def _mended(entry: SpecEntry) -> Setting | None:
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
                meant = None if key in _KEYS else closest(key, _KEYS)
                if meant and meant not in entry.fields:
                    why = f"nova gives the key {key!r} no meaning; did you mean {meant!r}?"
                    yield Hit(service.label, entry.setting, why, entry.renamed(key, meant))


def unknown_keys(cloud: CloudView) -> Iterator[Hit]:
    """Yield keys that nova only keeps."""
    for service in cloud.services:
        for entry in service.specs:
            for key in entry.fields:
                meant = closest(key, _KEYS)
                if key not in _KEYS and (meant is None or meant in entry.fields):
                    why = f"nova gives the key {key!r} no meaning"
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
                why = f"nova ignores the key {key!r} of the address, so that any value matches" + (
                    f"; did you mean {meant!r}?" if usable else ""
                )
                replacement = entry.changed(address=mended) if usable else None
                yield Hit(service.label, entry.setting, why, replacement)


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
    """Yield devices of a physical network that are declared live migratable."""
    for entry, spec in cloud.specs:
        if spec.live_migratable is LiveMigratable.YES and spec.is_for_neutron:
            why = (
                "with physical_network the tag live_migratable counts for nothing: nova detaches "
                "such a device and attaches it again, and never reports it to placement"
            )
            changed = entry.changed(live_migratable=None)
            yield Hit(entry.label, entry.setting, why, changed)


def shadowed_specs(cloud: CloudView) -> Iterator[Hit]:
    """Yield specifications that never decide, as an earlier one means all of their devices."""
    for service in cloud.services:
        for earlier, one, later, other in _pairs(service):
            if _means_all_of(one, other):
                why = (
                    f"it is never used: the first specification that means a device decides, and "
                    f"{_earlier(earlier, later)} means all of these"
                )
                yield Hit(service.label, later.setting, why)


def disagreeing_vfs(cloud: CloudView) -> Iterator[Hit]:
    """Yield specifications that tell apart what may be VFs of one PF."""
    for service in cloud.services:
        if not service.reports_in_placement:
            continue
        for earlier, one, later, other in _pairs(service):
            if not _may_share_a_pf(one, other):
                continue
            if _provider(one, cloud) != _provider(other, cloud):
                what = "nova-compute does not start"
            elif one.pool_tags != other.pool_tags:
                # nova/pci/stats.py _assert_one_pool_per_rp_uuid (nova 34.0.0, and since 31)
                what = "nova serves no alias with PCI in placement while both are free"
            else:
                continue
            why = (
                f"{what}, if these are VFs of the same PF as those of "
                f"{_earlier(earlier, later)}: they need the same tags"
            )
            tags = {key: earlier.fields.get(key) for key in {**other.tags, **one.tags}}
            yield Hit(service.label, later.setting, why, later.changed(**tags))


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


def _pairs(
    service: ServiceView,
) -> Iterator[tuple[SpecEntry, DeviceSpec, SpecEntry, DeviceSpec]]:
    """Yield all pairs of accepted specifications, the earlier one first."""
    accepted = [(entry, entry.spec) for entry in service.specs if entry.spec]
    for number, (later, other) in enumerate(accepted):
        for earlier, one in accepted[:number]:
            yield earlier, one, later, other


def _earlier(earlier: SpecEntry, later: SpecEntry) -> str:
    """Name the place of a specification; a folder has lines of many files."""
    if earlier.setting == later.setting:
        return f"entry {(earlier.position or 0) + 1} of this list"
    if earlier.setting.file == later.setting.file:
        return f"line {earlier.setting.line}"
    return earlier.setting.place


def _means_all_of(one: DeviceSpec, other: DeviceSpec) -> bool:
    if one.address is None or other.address is None or one.is_remote_managed:
        return False
    taken = _taken(one.address, other.address)
    # A single address may be that of a PF and then means its VFs, wherever they are.
    is_single = all(len(values) == 1 for _, values in taken)
    return (
        one.vendor_id in (None, other.vendor_id)
        and one.product_id in (None, other.product_id)
        and (one.address == ANY_ADDRESS or not is_single)
        and all(values >= others for values, others in taken)
    )


def _may_share_a_pf(one: DeviceSpec, other: DeviceSpec) -> bool:
    """Whether the VFs of one slot are shared out among two specifications."""
    if one.address is None or other.address is None or one.is_for_neutron or other.is_for_neutron:
        return False
    ids = ((one.vendor_id, other.vendor_id), (one.product_id, other.product_id))
    *place, (functions, other_functions) = _taken(one.address, other.address)
    return (
        all(None in pair or pair[0] == pair[1] for pair in ids)
        and all(values & others for values, others in place)
        and not functions >= other_functions
    )


def _taken(
    one: AddressPattern, other: AddressPattern
) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Return for each field of an address which values two patterns take."""
    # There are too many domains to try them all.
    values = dict(_VALUES) | {"domain": (*_VALUES["domain"], one.domain, other.domain)}
    return [
        (
            frozenset(value for value in values[field] if one.takes(field, value)),
            frozenset(value for value in values[field] if other.takes(field, value)),
        )
        for field in FIELDS
    ]


def _provider(spec: DeviceSpec, cloud: CloudView) -> object:
    """Return what must be the same for all VFs of a PF."""
    try:
        resource_class = names.resource_class(spec.tags.get("resource_class"), "", "")
        return resource_class, reported_traits(spec, cloud.release or NovaRelease.R2026_2)
    except AttributeError:
        return None
