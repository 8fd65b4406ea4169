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
from collections.abc import Iterator

from vfio_lm.cloud.model import Provider
from vfio_lm.pci import (
    DeviceKind,
    DeviceSpec,
    LiveMigratable,
    NovaRelease,
    PciAddress,
    first_match,
)
from vfio_lm.pci.address import AddressError
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.migratability import Obstacle, is_managed, obstacles
from vfio_lm.pci.provider_origin import origin


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What is known of one device, or of the devices behind one provider."""

    said: LiveMigratable | None
    """What the device specification declares; None where it is unknown which one decides."""
    source: str
    """Where that is known from, in words."""
    specs: tuple[DeviceSpec, ...] = ()
    """The specifications one of which decides."""
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


def from_facts(host: Host, facts: HostFacts) -> Iterator[Evidence]:
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
            specs=(spec,),
            may_give_yes=why_not is None and not (is_carrier and not device.has_variant_driver),
            driver=device.driver if device.has_variant_driver else None,
            address=device.address,
            obstacle=None if is_carrier else why_not,
        )


def from_provider(
    host: Host, provider: Provider, address: PciAddress, release: NovaRelease | None
) -> Evidence:
    """Return what the configuration says of the devices behind a provider.

    A provider that no specification explains has no declared device: nova-compute will remove it.

    :param address: the one in the provider's name
    :param release: of the nova-compute that owns the provider; None if nova does not own it
    """
    without_facts = dataclasses.replace(host, facts=None)
    reported = dataclasses.replace(provider.reported, address=address, release=release)
    found = origin(without_facts, reported)
    if not found.specs:
        # nova-compute has not reported yet what its nova.conf says by now.
        found = origin(without_facts, dataclasses.replace(reported, release=None))
    said = found.declared or {LiveMigratable.UNSPECIFIED}
    return Evidence(
        said=next(iter(said)) if len(said) == 1 else None,
        source="placement",
        specs=found.specs,
        address=address,
    )


def from_configuration(host: Host) -> Iterator[Evidence]:
    """Yield what the configuration declares, where nothing is known of the devices themselves."""
    for spec in host.device_specs:
        if is_for_aliases(spec):
            yield Evidence(spec.live_migratable, "configuration alone", (spec,))


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
