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

"""Which devices satisfy an alias on a host; neither NUMA nodes nor placement have a say here."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from oslo_utils import strutils

from vfio_lm.pci import names
from vfio_lm.pci.address_pattern import ANY
from vfio_lm.pci.alias import Alias, AliasSpec
from vfio_lm.pci.device import Device, DeviceKind
from vfio_lm.pci.device_spec import DeviceSpec
from vfio_lm.pci.live_migratable import LiveMigratable

_TAG_VALUES = {LiveMigratable.YES: "true", LiveMigratable.NO: "false"}


def satisfies(alias: Alias, device: Device, spec: DeviceSpec) -> bool:
    """Whether a device, declared by its device specification, is what an alias asks for.

    Source: ``nova/pci/stats.py`` ``PciDeviceStats._filter_pools`` (nova 34.0.0) for a server
    without NUMA topology and without an allocation in placement.
    """
    properties = _properties(device, spec)
    return (
        any(_fits(wanted, properties) for wanted in alias.specs)
        and _is_requested_kind(alias, properties)
        and not strutils.bool_from_string(properties.get("remote_managed"))
    )


def may_serve(wanted: AliasSpec, spec: DeviceSpec, *, in_placement: bool) -> bool:
    """Whether some device may be meant by an alias and by a device specification.

    Which of them is live migratable is not looked at. Where nova asks placement, as it has to for
    an alias without identifiers, the resource class counts, and devices with a physical network
    are not there; where it does not, an alias gets such devices like others.

    Source: as of :func:`satisfies`; ``get_resource_class`` in
    ``nova/compute/pci_placement_translator.py`` for the class (nova 34.0.0).

    :param in_placement: ``[filter_scheduler]pci_in_placement``
    """
    asks_placement = in_placement or not wanted.has_ids
    if spec.is_remote_managed or (asks_placement and spec.is_for_neutron):
        return False
    pairs = ((wanted.vendor_id, spec.vendor_id), (wanted.product_id, spec.product_id))
    if any(a and b and a.lower() != b for a, b in pairs):
        return False
    return not asks_placement or may_have_class(spec, wanted.resource_class)


def may_have_class(spec: DeviceSpec, resource_class: str) -> bool:
    """Whether nova may count devices of a specification in a resource class."""
    requested = spec.tags.get("resource_class")
    if requested and not isinstance(requested, str):
        return False  # nova-compute does not start
    if requested:
        return names.resource_class(requested, None, None) == resource_class
    pattern = names.resource_class(None, spec.vendor_id or ANY, spec.product_id or ANY)
    return fnmatch.fnmatchcase(resource_class, pattern)


def _properties(device: Device, spec: DeviceSpec) -> dict[str, Any]:
    """Return what nova compares: a tag wins over the property of the same name."""
    properties = {
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
        "dev_type": device.kind.value,
    }
    return properties | spec.pool_tags


def _fits(wanted: AliasSpec, properties: Mapping[str, Any]) -> bool:
    """Compare without regard to case, like ``nova/pci/utils.py`` ``pci_device_prop_match``."""
    wishes = {
        "vendor_id": wanted.vendor_id,
        "product_id": wanted.product_id,
        "dev_type": wanted.device_type,
        "live_migratable": _TAG_VALUES.get(wanted.live_migratable),
        # No hypervisor reports this one: an alias with it gets no device, unless a tag says so.
        "capability_type": wanted.capability_type,
    }
    return all(
        _lower(properties.get(key)) == value.lower()
        for key, value in wishes.items()
        if value is not None
    )


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _is_requested_kind(alias: Alias, properties: Mapping[str, Any]) -> bool:
    """Give PFs only to who asks for PFs, and vDPA devices to no alias at all."""
    kind = properties["dev_type"]
    if kind == DeviceKind.PF.value:
        return any(spec.device_type == DeviceKind.PF.value for spec in alias.specs)
    return bool(kind != DeviceKind.VDPA.value)
