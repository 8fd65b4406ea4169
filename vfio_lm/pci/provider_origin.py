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

"""Which device specifications made a PCI provider of a host, and what that tells of its devices.

Pure rules. Without the host's nova.conf there are none, and the traits in placement have to do.
"""

from __future__ import annotations

import collections
import enum
import json
from collections.abc import Iterable

import os_traits

from vfio_lm.cloud.model import Marking, Provider
from vfio_lm.pci import DeviceSpec, LiveMigratable, PciAddress, names
from vfio_lm.pci.provider_traits import reported_traits
from vfio_lm.pci.release import NovaRelease
from vfio_lm.preflight.inputs import HostKnowledge


class Split(enum.Enum):
    """Whether nova counts the free devices of a provider in more than one pool."""

    NO = "no"
    PERHAPS = "perhaps"
    YES = "yes"


def marking(provider: Provider, knowledge: HostKnowledge, *, holder: str | None = None) -> Marking:
    """Say what the host's own nova.conf declares of a PCI provider's devices, or else its traits.

    Nova serves an alias from devices with the tag ``live_migratable``; the trait is only its
    shadow, and the tag ``traits`` casts the same shadow without it. Where nova.conf says yes but a
    nova-compute that reports the trait of its own accord does not, it runs with another
    configuration than the one given, and nobody knows. Before nova 34 the VFs of one PF may
    differ; which of them a server gets, nobody knows either.

    :param holder: ID of a server: only the devices that it has count, where the facts tell them
    """
    declared = {spec.live_migratable for spec in _makers(provider, knowledge, holder)}
    if not declared:
        return provider.marking
    if LiveMigratable.YES not in declared:
        return Marking.NOT_MARKED
    if len(declared) > 1 or provider.marking is Marking.NOT_MARKED:
        return Marking.UNKNOWN
    return Marking.MARKED


def split(provider: Provider, knowledge: HostKnowledge) -> Split:
    """Say whether the free devices of a PCI provider are in more than one of nova's pools.

    A pool is only there while one of its devices is free, so it depends on which are left. And
    nova may take a tag that is null for one that is not there.

    Source: ``_find_pool`` and ``_decrease_pool_count`` in ``nova/pci/stats.py`` (nova 34.0.0, and
    the same in 31.3.1, 32.2.1 and 33.0.2).
    """
    makers = _makers(provider, knowledge)
    sizes = collections.Counter(_pool(spec) for spec in makers)
    free = sum(units.free for units in provider.inventories.values())
    if len(sizes) < 2 or free < 2:
        return Split.NO
    if knowledge.facts is None or free <= max(sizes.values()):
        return Split.PERHAPS
    has_null = any(None in spec.pool_tags.values() for spec in makers)
    return Split.PERHAPS if has_null else Split.YES


def _pool(spec: DeviceSpec) -> str:
    return json.dumps(spec.pool_tags, sort_keys=True)


def _makers(
    provider: Provider, knowledge: HostKnowledge, holder: str | None = None
) -> tuple[DeviceSpec, ...]:
    """Return the specification of each device behind a provider.

    Without facts no device is known: then those that may have made the provider. If what placement
    has fits none of them, another configuration made it, and any may be meant.
    """
    if knowledge.facts is None:
        in_placement = [s for s in knowledge.device_specs or () if not s.is_for_neutron]
        return tuple(_may_have_made(in_placement, provider)) or tuple(in_placement)
    behind = [
        device
        for device in knowledge.facts.devices
        if provider.pci_address in (str(device.address), str(device.parent_address))
    ]
    held = [d for d in behind if holder is not None and d.user and d.user.uuid == holder]
    found = (knowledge.spec_of(device) for device in held or behind)
    return tuple(spec for spec in found if spec and not spec.is_for_neutron)


def _may_have_made(specs: Iterable[DeviceSpec], provider: Provider) -> Iterable[DeviceSpec]:
    return (
        spec
        for spec in specs
        if _is_near(spec, provider) and _fits_class(spec, provider) and _fits_trait(spec, provider)
    )


def _is_near(spec: DeviceSpec, provider: Provider) -> bool:
    """Whether a specification can mean a device or its VFs: these are on its bus or the next."""
    if spec.address is None or provider.pci_address is None:
        return True
    domain, bus, _, _ = PciAddress.parse(provider.pci_address).fields
    buses = (bus, f"{int(bus, 16) + 1:02x}")
    return spec.address.takes("domain", domain) and any(
        spec.address.takes("bus", each) for each in buses
    )


def _fits_class(spec: DeviceSpec, provider: Provider) -> bool:
    requested = spec.tags.get("resource_class")
    if not provider.inventories or (requested and not isinstance(requested, str)):
        return True
    if not requested and None in (spec.vendor_id, spec.product_id):
        return True
    return names.resource_class(requested, spec.vendor_id, spec.product_id) in provider.inventories


def _fits_trait(spec: DeviceSpec, provider: Provider) -> bool:
    """Whether the trait of a provider, or its absence, can be due to a specification."""
    is_new = provider.is_marked_live_migratable or provider.reports_live_migratable
    release = NovaRelease.R2026_2 if is_new else NovaRelease.R2026_1
    try:
        reported = reported_traits(spec, release)
    except AttributeError:
        return True
    return (os_traits.HW_PCI_LIVE_MIGRATABLE in reported) is provider.is_marked_live_migratable
