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

"""What nova-compute reports of a host's PCI devices; what placement holds is asked elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import os_traits

from vfio_lm.errors import VfioLmError
from vfio_lm.pci import names
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.device import Device
from vfio_lm.pci.device_spec import DeviceSpec, first_match
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.release import NovaRelease


@dataclasses.dataclass(frozen=True, slots=True)
class ReportedProvider:
    """The resource provider of one PF or PCI device, as nova-compute makes it."""

    address: PciAddress
    """Of the device itself, or of the PF of its VFs."""
    resource_class: str
    traits: frozenset[str]
    total: int
    """Number of devices behind it."""


@dataclasses.dataclass(frozen=True, slots=True)
class PlacementView:
    """All PCI providers of a host, or why nova-compute refuses to report them."""

    providers: Mapping[PciAddress, ReportedProvider]
    conflicts: tuple[str, ...] = ()
    """Where there is one, nova-compute does not start, and reports nothing."""


class _ConflictError(VfioLmError):
    pass


def placement_view(
    devices: Iterable[Device],
    specs: Iterable[DeviceSpec],
    *,
    release: NovaRelease = NovaRelease.R2026_2,
) -> PlacementView:
    """Work out the PCI providers of a host with ``[pci]report_in_placement``.

    Devices that servers hold although no specification means them any more stay in placement
    until they are free; they are not part of the view.

    Source: ``nova/compute/pci_placement_translator.py`` ``update_provider_tree_for_pci``
    (nova 34.0.0; the differences of earlier releases are those of nova 31.3.1, 32.2.1, 33.0.2).
    """
    specs = tuple(specs)
    providers: dict[PciAddress, ReportedProvider] = {}
    conflicts = [
        f"device_spec with devname '{spec.devname}': use the address of the device, because nova "
        f"does not report devices by name"
        for spec in specs
        if spec.devname
    ]
    members: dict[PciAddress, list[Device]] = {}
    for device in devices:
        spec = first_match(specs, device)
        if spec is None or spec.is_for_neutron:
            continue
        try:
            reported = _report(device, spec, release)
            others = members.setdefault(reported.address, [])
            if others:
                _refuse_conflict(providers[reported.address], others, reported, device)
            others.append(device)
            providers[reported.address] = dataclasses.replace(reported, total=len(others))
        except _ConflictError as exc:
            conflicts.append(str(exc))
    return PlacementView(providers=providers, conflicts=tuple(conflicts))


def reported_traits(spec: DeviceSpec, release: NovaRelease) -> frozenset[str]:
    """Return the traits of the provider of a device without parent, by its specification.

    :raises AttributeError: if the ``traits`` tag is no text, as nova-compute does
    """
    traits = {*names.traits(spec.tags.get("traits")), os_traits.COMPUTE_MANAGED_PCI_DEVICE}
    if release.reports_live_migratable:
        traits.add(os_traits.OWNER_NOVA)
        if spec.live_migratable is LiveMigratable.YES:
            traits.add(os_traits.HW_PCI_LIVE_MIGRATABLE)
    if release.knows_one_time_use and spec.is_one_time_use:
        traits.add(os_traits.HW_PCI_ONE_TIME_USE)
    return frozenset(traits)


def _report(device: Device, spec: DeviceSpec, release: NovaRelease) -> ReportedProvider:
    """Return the provider of a device as if there was no other device behind it."""
    address = device.address
    if device.kind.has_parent:
        if device.parent_address is None:
            raise _ConflictError(f"{address}: a {device.kind.value} without the address of its PF")
        if release.knows_one_time_use and "one_time_use" in spec.tags:
            raise _ConflictError(f"{address}: one_time_use is not for VFs, not even with 'no'")
        address = device.parent_address
    try:
        return ReportedProvider(
            address=address,
            resource_class=names.resource_class(
                spec.tags.get("resource_class"), device.vendor_id, device.product_id
            ),
            traits=reported_traits(spec, release),
            total=1,
        )
    except AttributeError:
        raise _ConflictError(f"{device.address}: resource_class or traits is not a text") from None


def _refuse_conflict(
    known: ReportedProvider, others: list[Device], more: ReportedProvider, device: Device
) -> None:
    addresses = ", ".join(str(other.address) for other in others)
    if not device.kind.has_parent or not others[0].kind.has_parent:
        raise _ConflictError(
            f"{device.address} and {addresses}: either a PF or its VFs can be in device_spec, "
            f"not both"
        )
    if more.resource_class != known.resource_class:
        raise _ConflictError(
            f"{device.address} and {addresses} are VFs of one PF and cannot have different "
            f"resource classes: {more.resource_class} and {known.resource_class}"
        )
    if more.traits != known.traits:
        raise _ConflictError(
            f"{device.address} and {addresses} are VFs of one PF and cannot have different "
            f"traits: they differ in {', '.join(sorted(more.traits ^ known.traits))}"
        )
