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

"""Which device specifications may have made a PCI provider, and what they declare of its devices.

A provider in placement shows the address of a PF or PCI device, a resource class and traits. Which
devices are behind it, and which specification decides about each of them, only nova-compute knows;
with host facts it can be worked out, without them it is narrowed down.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import json
from collections.abc import Iterable, Iterator, Sequence

import os_traits

from vfio_lm.pci import names
from vfio_lm.pci.address import PciAddress, format_fields
from vfio_lm.pci.address_pattern import ANY, AddressPattern
from vfio_lm.pci.device_spec import DeviceSpec
from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.matching import may_have_class
from vfio_lm.pci.provider_traits import reported_traits
from vfio_lm.pci.release import NovaRelease

_ANYTHING = (ANY, ".*")


@dataclasses.dataclass(frozen=True)
class PciProvider:
    """What placement shows of the provider of one PF or PCI device."""

    address: PciAddress | None
    """The one in its name, which is that of the PF where its VFs are behind it."""
    resource_classes: frozenset[str] = frozenset()
    """Empty where its inventory was not read."""
    is_marked: bool = False
    """Whether it carries HW_PCI_LIVE_MIGRATABLE."""
    release: NovaRelease | None = None
    """Of the nova-compute that sets its traits; None: another service does."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """The specifications of the devices behind a provider."""

    specs: tuple[DeviceSpec, ...] = ()
    """In their order; without facts, each that may decide about one of the devices."""
    is_by_facts: bool = False
    """Whether host facts show the devices."""

    @property
    def declared(self) -> frozenset[LiveMigratable]:
        """What is declared of the devices behind the provider, more than one where it differs.

        Empty where no specification explains the provider: then nova-compute runs with another
        configuration than the one that is known.
        """
        return frozenset(map(declared, self.specs))


class Split(enum.Enum):
    """Whether nova counts the free devices of a provider in more than one pool."""

    NO = "no"
    PERHAPS = "perhaps"
    YES = "yes"


def declared(spec: DeviceSpec) -> LiveMigratable:
    """Return what a specification declares for aliases.

    A remotely managed device is never given to an alias, so its tag means nothing.

    Source: ``PciDeviceStats._filter_pools_for_unrequested_remote_managed_devices`` in
    ``nova/pci/stats.py`` (nova 34.0.0).
    """
    return LiveMigratable.UNSPECIFIED if spec.is_remote_managed else spec.live_migratable


def origin(host: Host, provider: PciProvider, *, holder: str | None = None) -> Origin:
    """Return which specifications of a host are behind a provider.

    :param holder: ID of a server: only the devices that it has count, where the facts show them
    """
    if devices := _behind(host, provider, holder):
        return Origin(
            tuple(
                spec
                for device in devices
                for spec in host.possible_specs(device)
                if not spec.is_for_neutron
            ),
            is_by_facts=True,
        )
    # Facts are about SR-IOV functions and what is bound to a VFIO driver, not about every device.
    return Origin(tuple(_may_decide(_reported(host.device_specs), provider)))


def split(host: Host, provider: PciProvider, free: int) -> Split:
    """Say whether the free devices of a provider are in more than one of nova's pools.

    A pool is only there while one of its devices is free, so it depends on which are left. And
    nova may take a tag that is null for one that is not there.

    Source: ``_find_pool`` and ``_decrease_pool_count`` in ``nova/pci/stats.py`` (nova 34.0.0, and
    the same in 31.3.1, 32.2.1 and 33.0.2).

    :param free: how many devices are free
    """
    found = origin(host, provider)
    sizes = collections.Counter(json.dumps(spec.pool_tags, sort_keys=True) for spec in found.specs)
    if len(sizes) < 2 or free < 2:
        return Split.NO
    if not found.is_by_facts or free <= max(sizes.values()):
        return Split.PERHAPS
    is_unsure = any(
        spec.is_remote_managed or None in spec.pool_tags.values() for spec in found.specs
    )
    return Split.PERHAPS if is_unsure else Split.YES


def reports_live_migratable(spec: DeviceSpec, release: NovaRelease) -> bool:
    """Whether nova-compute puts HW_PCI_LIVE_MIGRATABLE on the providers of a specification.

    With a ``traits`` tag that is no string nova-compute does not start.
    """
    try:
        return os_traits.HW_PCI_LIVE_MIGRATABLE in reported_traits(spec, release)
    except AttributeError:
        return False


def _behind(host: Host, provider: PciProvider, holder: str | None) -> Sequence[DeviceFacts]:
    """Return the devices behind a provider that the host's facts show, if they show all."""
    behind = [
        device
        for device in (host.facts.devices if host.facts and not host.facts.missing_devices else ())
        if provider.address in (device.address, device.parent_address)
    ]
    held = [d for d in behind if holder is not None and d.user and d.user.uuid == holder]
    return held or behind


def _reported(specs: Iterable[DeviceSpec]) -> tuple[DeviceSpec, ...]:
    """Leave out the specifications whose devices nova never reports in placement.

    Source: ``PlacementView._add_dev`` and ``ensure_no_dev_spec_with_devname`` in
    ``nova/compute/pci_placement_translator.py`` (nova 34.0.0).
    """
    return tuple(spec for spec in specs if not spec.is_for_neutron and spec.address is not None)


def _may_decide(specs: Sequence[DeviceSpec], provider: PciProvider) -> Iterator[DeviceSpec]:
    """Yield each specification that may be the first that matches a device behind a provider."""
    near = [s for s in specs if _is_near(s, provider) and _fits_class(s, provider)]
    for spec in near:
        if _fits_trait(spec, provider):
            yield spec
        if _takes_all(spec, near, provider):
            return


def _is_near(spec: DeviceSpec, provider: PciProvider) -> bool:
    """Whether a specification can mean a device or its VFs: these are on its bus or the next."""
    if spec.address is None or provider.address is None:
        return True
    domain, bus, _, _ = provider.address.fields
    buses = (bus, f"{min(provider.address.bus + 1, 0xFF):02x}")
    return spec.address.takes("domain", domain) and any(
        spec.address.takes("bus", each) for each in buses
    )


def _fits_class(spec: DeviceSpec, provider: PciProvider) -> bool:
    """Whether the devices of a specification may be units of the provider's resource class."""
    if not provider.resource_classes:
        return True
    return any(may_have_class(spec, name) for name in provider.resource_classes)


def _fits_trait(spec: DeviceSpec, provider: PciProvider) -> bool:
    """Whether the trait of a provider, or its absence, can be due to a specification."""
    return (
        provider.release is None
        or reports_live_migratable(spec, provider.release) is provider.is_marked
    )


def _takes_all(spec: DeviceSpec, near: Iterable[DeviceSpec], provider: PciProvider) -> bool:
    """Whether no later specification can decide about a device behind a provider."""
    return (
        spec.address is not None
        and not spec.is_remote_managed  # it is passed over for a device without a serial number
        and _has_ids(spec, near, provider)
        and _means_all_behind(spec.address, provider.address)
    )


def _has_ids(spec: DeviceSpec, near: Iterable[DeviceSpec], provider: PciProvider) -> bool:
    """Whether every device behind a provider has the identifiers of a specification."""
    ids = spec.vendor_id, spec.product_id
    if ids == (None, None):
        return True
    own = names.resource_class(None, *ids)
    if own in provider.resource_classes and not any(s.tags.get("resource_class") for s in near):
        return True
    return all((each.vendor_id, each.product_id) == ids for each in near)


def _means_all_behind(pattern: AddressPattern, address: PciAddress | None) -> bool:
    """Whether a pattern means the device at an address as well as any VF of it."""
    if all(field in _ANYTHING for field in pattern.fields):
        return True
    if address is None:
        return False
    is_exact = format_fields(*pattern.fields) == str(address)
    on_any_bus = pattern.takes("domain", address.fields[0]) and all(
        field in _ANYTHING for field in pattern.fields[1:]
    )
    return is_exact or on_any_bus
