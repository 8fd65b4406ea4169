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

"""Rules of the linter about two device specifications of one host that mean the same devices."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from vfio_lm.pci import names
from vfio_lm.pci.address_pattern import ANY, ANY_ADDRESS, AddressGlob, AddressPattern
from vfio_lm.pci.device_spec import DeviceSpec
from vfio_lm.pci.lint.configurations import CloudView, ServiceView, SpecEntry
from vfio_lm.pci.lint.hit import Hit
from vfio_lm.pci.provider_traits import reported_traits
from vfio_lm.pci.release import NovaRelease

_VALUES: Mapping[str, tuple[str, ...]] = {
    "bus": tuple(f"{number:02x}" for number in range(0x100)),
    "slot": tuple(f"{number:02x}" for number in range(0x20)),
    "function": tuple(str(number) for number in range(8)),
}

_Known = tuple[int, SpecEntry, DeviceSpec]
"""A specification that nova accepts, with its number."""


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
            # Of devices of another kind, the tags of these may be wrong.
            is_same_kind = one.product_id is not None and one.product_id == other.product_id
            replacement = later.changed(**tags) if is_same_kind else None
            yield Hit(service.label, later.setting, why, replacement)


def _pairs(
    service: ServiceView,
) -> Iterator[tuple[SpecEntry, DeviceSpec, SpecEntry, DeviceSpec]]:
    """Yield the pairs of accepted specifications that may mean one device or VFs of one PF.

    The earlier one comes first. Two single addresses in different slots have nothing to do with
    each other, and lists of hundreds of them are common.
    """
    known: list[_Known] = []
    patterns: list[_Known] = []
    by_slot: dict[tuple[str, ...], list[_Known]] = {}
    for number, later in enumerate(service.specs):
        if (other := later.spec) is None or other.address is None:
            continue
        slot = _slot(other.address)
        near = (
            known
            if slot is None
            else sorted((*patterns, *by_slot.get(slot, ())), key=lambda each: each[0])
        )
        for _, earlier, one in near:
            yield earlier, one, later, other
        this = (number, later, other)
        known.append(this)
        if slot is None:
            patterns.append(this)
        else:
            by_slot.setdefault(slot, []).append(this)


def _slot(address: AddressPattern) -> tuple[str, ...] | None:
    """Return domain, bus and slot of a single address; None for a pattern of several."""
    if not isinstance(address, AddressGlob) or ANY in address.fields:
        return None
    return address.fields[:-1]


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
    domains = ("0000", one.domain, other.domain)
    pairs = [(_values(one, field), _values(other, field)) for field in _VALUES]
    return [
        (
            frozenset(domain for domain in domains if one.takes("domain", domain)),
            frozenset(domain for domain in domains if other.takes("domain", domain)),
        ),
        *pairs,
    ]


@functools.lru_cache(maxsize=4096)
def _values(pattern: AddressPattern, field: str) -> frozenset[str]:
    return frozenset(value for value in _VALUES[field] if pattern.takes(field, value))


def _provider(spec: DeviceSpec, cloud: CloudView) -> object:
    """Return what must be the same for all VFs of a PF."""
    try:
        resource_class = names.resource_class(spec.tags.get("resource_class"), "", "")
        return resource_class, reported_traits(spec, cloud.release or NovaRelease.R2026_2)
    except AttributeError:
        return None
