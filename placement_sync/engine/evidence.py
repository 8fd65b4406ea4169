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

"""What is known of each device of a host: what is declared of it, and whether it can migrate.

Nothing is said here about providers; see :mod:`placement_sync.engine.desired`.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Iterator

import os_traits

from placement_sync.engine.hosts import HostConfig
from vfio_lm.cloud.model import Provider
from vfio_lm.pci import (
    DeviceKind,
    DeviceSpec,
    LiveMigratable,
    NovaRelease,
    PciAddress,
    first_match,
)
from vfio_lm.pci import names as pci_names
from vfio_lm.pci.address import AddressError
from vfio_lm.pci.address_pattern import ANY
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.migratability import Obstacle, is_managed, obstacles
from vfio_lm.pci.provider_traits import reported_traits


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one device, or of the devices behind one provider."""

    said: LiveMigratable | None
    """What the device specification declares; None where it cannot be told which one decides."""
    source: str
    """Where that is known from, in words."""
    spec: DeviceSpec | None = None
    """The specification that decides."""
    may_give_yes: bool = True
    """Whether the device, if declared so, makes its host one that has migratable devices."""
    driver: str | None = None
    """The VFIO variant driver that it is bound to."""
    address: PciAddress | None = None
    """Of the device itself, or of the provider."""
    obstacle: Obstacle | None = None
    """Why the device cannot live migrate, whatever is declared."""


def is_for_aliases(spec: DeviceSpec) -> bool:
    """Whether servers get these devices by alias, so that ``live_migratable`` means something.

    Devices with a physical network, and remotely managed ones, are for neutron's ports: nova
    detaches and attaches them instead (``nova/pci/stats.py``, nova 34.0.0).
    """
    return not (spec.is_for_neutron or spec.is_remote_managed)


def from_facts(host: HostConfig, facts: HostFacts) -> Iterator[Evidence]:
    """Yield what is known of each device of a host that its kernel knows and nova may use."""
    with_vfs = {device.parent_address for device in facts.devices}
    for device in facts.devices:
        spec = first_match(host.device_specs, device.device, interfaces=facts.interfaces)
        if spec is None or not is_for_aliases(spec):
            continue
        why_not = next(obstacles(device, is_managed=is_managed(spec)), None)
        # A PF that is there for its VFs is not what live migrates, whatever its pattern covers.
        is_carrier = device.kind is DeviceKind.PF and device.address in with_vfs
        yield Evidence(
            said=spec.live_migratable,
            source="host facts",
            spec=spec,
            may_give_yes=why_not is None and not (is_carrier and not device.has_variant_driver),
            driver=device.driver if device.has_variant_driver else None,
            address=device.address,
            obstacle=None if is_carrier else why_not,
        )


def from_provider(
    host: HostConfig, provider: Provider, address: PciAddress, release: NovaRelease | None
) -> Evidence:
    """Return what the configuration says of the devices behind a provider.

    :param address: the one in the provider's name
    :param release: of the nova-compute that owns the provider; None if nova does not own it
    """
    specs = _deciders(host.device_specs, address, provider)
    if release is not None and len({spec.live_migratable for spec in specs}) > 1:
        specs = _as_reported(specs, provider, release) or specs
    said = {spec.live_migratable for spec in specs}
    if not said:
        return Evidence(LiveMigratable.UNSPECIFIED, "placement", address=address)
    return Evidence(
        said=said.pop() if len(said) == 1 else None,
        source="placement",
        spec=specs[0],
        address=address,
    )


def from_configuration(host: HostConfig) -> Iterator[Evidence]:
    """Yield what the configuration declares, where nothing is known of the devices themselves."""
    for spec in host.device_specs:
        if is_for_aliases(spec):
            yield Evidence(spec.live_migratable, "configuration alone", spec)


def address_of(provider: Provider) -> PciAddress | None:
    """Return the PCI address at the end of a provider's name, if there is one."""
    tail = provider.name[-len("0000:00:00.0") :]
    before = provider.name[: -len(tail)][-1:]
    if tail.count(":") != 2 or before.isalnum():
        return None
    try:
        return PciAddress.parse(tail)
    except AddressError:
        return None


def _deciders(
    specs: Iterable[DeviceSpec], address: PciAddress, provider: Provider
) -> tuple[DeviceSpec, ...]:
    """Return the specifications one of which decides about the devices behind a provider.

    The name of a provider has the address of the PF, while patterns may mean its VFs, whose
    addresses nobody knows here; and identifiers are only known from the resource class.
    """
    usable = [s for s in specs if s.address and is_for_aliases(s) and _fits_class(s, provider)]
    found: list[DeviceSpec] = []
    for spec in usable:
        if spec.address and spec.address.matches(address):
            found.append(spec)
            if _is_sure(spec, provider):
                break
    return tuple(found or (spec for spec in usable if _may_mean_vfs_of(spec, address)))


def _is_sure(spec: DeviceSpec, provider: Provider) -> bool:
    """Whether a specification that fits so far also fits by its identifiers."""
    return bool(provider.inventories) or (spec.vendor_id is None and spec.product_id is None)


def _may_mean_vfs_of(spec: DeviceSpec, address: PciAddress) -> bool:
    """Whether a pattern may mean VFs of a PF: they are on the same bus, or the one after it."""
    domain, bus, _, _ = address.fields
    buses = (bus, f"{min(address.bus + 1, 0xFF):02x}")
    pattern = spec.address
    return (
        pattern is not None
        and pattern.takes("domain", domain)
        and any(pattern.takes("bus", each) for each in buses)
    )


def _fits_class(spec: DeviceSpec, provider: Provider) -> bool:
    """Whether the devices of a specification may be units of a provider's resource class."""
    if not provider.inventories:
        return True
    requested = spec.tags.get("resource_class")
    if requested and not isinstance(requested, str):
        return False
    if requested or (spec.vendor_id and spec.product_id):
        expected = pci_names.resource_class(requested, spec.vendor_id, spec.product_id)
        return expected in provider.inventories
    pattern = pci_names.resource_class(None, spec.vendor_id or ANY, spec.product_id or ANY)
    return any(fnmatch.fnmatchcase(name, pattern) for name in provider.inventories)


def _as_reported(
    specs: tuple[DeviceSpec, ...], provider: Provider, release: NovaRelease
) -> tuple[DeviceSpec, ...]:
    """Return those specifications that explain what nova-compute itself reports."""
    return tuple(
        spec
        for spec in specs
        if reports_live_migratable(spec, release) is provider.is_marked_live_migratable
    )


def reports_live_migratable(spec: DeviceSpec, release: NovaRelease) -> bool:
    """Whether nova-compute puts HW_PCI_LIVE_MIGRATABLE on the providers of a specification."""
    try:
        return os_traits.HW_PCI_LIVE_MIGRATABLE in reported_traits(spec, release)
    except AttributeError:
        # A traits tag that is no text: nova-compute does not start.
        return False
