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

"""The ``[pci]device_spec`` option: which devices nova may use; aliases are not its business."""

from __future__ import annotations

import dataclasses
import itertools
import json
import types
from collections.abc import Iterable, Mapping
from typing import Any

from oslo_utils import strutils

from vfio_lm.errors import OptionError
from vfio_lm.pci.address import AddressError, PciAddress, hexadecimal
from vfio_lm.pci.address_pattern import ANY, ANY_ADDRESS, AddressPattern, parse_address_pattern
from vfio_lm.pci.device import Device
from vfio_lm.pci.live_migratable import LiveMigratable

SELECTORS = ("vendor_id", "product_id", "address", "devname")
"""The keys that say which devices are meant; all others are tags on these devices."""
TAGS = (
    "physical_network",
    "trusted",
    "remote_managed",
    "managed",
    "live_migratable",
    "one_time_use",
    "resource_class",
    "traits",
)
"""The tags that nova 34 gives a meaning; it keeps others without a word."""
# nova/pci/stats.py ignored_pool_tags (nova 34.0.0)
_FOR_PLACEMENT = ("resource_class", "traits")
_STRICT_FLAGS = ("managed", "live_migratable", "one_time_use")
_LARGEST_ID = 0xFFFF


class DeviceSpecError(OptionError):
    """Nova would refuse this device specification."""


@dataclasses.dataclass(frozen=True)
class DeviceSpec:
    """Devices that nova may use, with what the operator declares of them."""

    vendor_id: str | None = None
    """Four hexadecimal digits in lower case, or None for any."""
    product_id: str | None = None
    """Four hexadecimal digits in lower case, or None for any."""
    address: AddressPattern | None = ANY_ADDRESS
    """None where a devname is given instead."""
    devname: str | None = None
    """The network interface of the device or of its PF."""
    tags: Mapping[str, Any] = dataclasses.field(
        default_factory=lambda: types.MappingProxyType({}), hash=False
    )
    """All other keys, as nova keeps them: ``managed``, ``live_migratable`` and ``one_time_use``
    are "true" or "false" where they are given, the values of all others are as written."""
    location: str = dataclasses.field(default="", compare=False)
    """``FILE:LINE`` of the option's value; empty where it was read from no file."""

    @property
    def live_migratable(self) -> LiveMigratable:
        """What the operator declares of the devices."""
        return LiveMigratable.parse(self.tags.get("live_migratable"))

    @property
    def is_for_neutron(self) -> bool:
        """Whether the devices are on a physical network, and thus never in placement."""
        return bool(self.tags.get("physical_network"))

    @property
    def is_remote_managed(self) -> bool:
        """Whether a remote networking backend manages the devices; nova reads this one loosely."""
        return bool(strutils.bool_from_string(self.tags.get("remote_managed")))

    @property
    def is_one_time_use(self) -> bool:
        """Whether nova reserves a device for good once a server had it."""
        return self.tags.get("one_time_use") == "true"

    @property
    def pool_tags(self) -> dict[str, Any]:
        """The tags that nova counts VFs and PFs apart by; the others are for placement.

        Source: ``nova/pci/stats.py`` ``PciDeviceStats._create_pool_keys_from_dev`` (nova 34.0.0).
        """
        tags = {key: value for key, value in self.tags.items() if key not in _FOR_PLACEMENT}
        if tags.get("remote_managed") is None:
            tags["remote_managed"] = "false"
        return tags

    def matches(
        self, device: Device, *, interfaces: Mapping[str, PciAddress] | None = None
    ) -> bool:
        """Whether the specification means a device.

        Source: ``nova/pci/devspec.py`` ``PciDeviceSpec.match`` (nova 34.0.0).

        :param interfaces: the address of each network interface of the host, for specifications
            by devname: nova finds no device with a name that the host does not have
        """
        address = self._pattern(interfaces or {})
        return (
            address is not None
            and self.vendor_id in (None, device.vendor_id)
            and self.product_id in (None, device.product_id)
            and address.matches(device.address, device.parent_address)
            and bool(device.card_serial_number or not self.is_remote_managed)
        )

    def _pattern(self, interfaces: Mapping[str, PciAddress]) -> AddressPattern | None:
        if self.devname is None:
            return self.address
        address = interfaces.get(self.devname)
        return None if address is None else parse_address_pattern(str(address))


def parse_device_specs(
    values: Iterable[str], *, report_in_placement: bool = False, locations: Iterable[str] = ()
) -> tuple[DeviceSpec, ...]:
    """Read the values of ``[pci]device_spec`` with nova's rules.

    Whether nova accepts a remotely managed PF depends on its host and is not judged here.

    Source: ``nova/pci/whitelist.py`` ``Whitelist`` and ``nova/pci/devspec.py``
    ``PciDeviceSpec`` (nova 34.0.0).

    :param values: the option's values, each a JSON object or a list of them
    :param report_in_placement: ``[pci]report_in_placement``; ``one_time_use`` needs it
    :param locations: ``FILE:LINE`` of each value, where known
    :returns: the specifications in order: the first one that matches a device decides
    :raises DeviceSpecError: for the first value that nova would refuse
    """
    specs: list[DeviceSpec] = []
    places = itertools.chain(locations, itertools.repeat(""))
    for value, location in zip(values, places):
        try:
            specs += (
                _parse_one(fields, report_in_placement, location) for fields in _objects(value)
            )
        except (ValueError, AddressError) as exc:
            raise DeviceSpecError(value, str(exc)) from None
        except RecursionError:
            raise DeviceSpecError(value, "too deeply nested") from None
    return tuple(specs)


def first_match(
    specs: Iterable[DeviceSpec],
    device: Device,
    *,
    interfaces: Mapping[str, PciAddress] | None = None,
) -> DeviceSpec | None:
    """Return the specification that decides about a device, or None if nova may not use it.

    Source: ``nova/pci/whitelist.py`` ``Whitelist.get_devspec`` (nova 34.0.0).

    :param interfaces: see :meth:`DeviceSpec.matches`
    """
    return next((spec for spec in specs if spec.matches(device, interfaces=interfaces)), None)


def _objects(value: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(value)
    except ValueError as exc:
        raise ValueError(f"not valid JSON: {exc}") from None
    objects = [content] if isinstance(content, dict) else content
    if not isinstance(objects, list):
        raise ValueError("neither a JSON object nor a list of them")
    for each in objects:
        if not isinstance(each, dict):
            raise ValueError("the list holds something that is not a JSON object")
    return objects


def _parse_one(fields: Mapping[str, Any], report_in_placement: bool, location: str) -> DeviceSpec:
    tags = {key: value for key, value in fields.items() if key not in SELECTORS}
    for key in _STRICT_FLAGS:
        if tags.get(key) is not None:
            tags[key] = _strict_flag(key, tags[key])
    if tags.get("one_time_use") == "true" and not report_in_placement:
        raise ValueError("one_time_use needs [pci]report_in_placement = true")
    devname = fields.get("devname")
    address = fields.get("address")
    if address and devname:
        raise ValueError("address and devname exclude each other")
    return DeviceSpec(
        vendor_id=_id("vendor_id", fields),
        product_id=_id("product_id", fields),
        # An empty address or devname counts as absent.
        address=None if devname else parse_address_pattern(address) if address else ANY_ADDRESS,
        devname=str(devname) if devname else None,
        tags=types.MappingProxyType(tags),
        location=location,
    )


def _id(key: str, fields: Mapping[str, Any]) -> str | None:
    text = fields.get(key, ANY)
    if not isinstance(text, str):
        raise ValueError(f"{key} is not a text")
    # Nova strips blanks around the wildcard of the vendor alone.
    if text == ANY or (key == "vendor_id" and text.strip() == ANY):
        return None
    return hexadecimal(key, text, _LARGEST_ID)


def _strict_flag(key: str, value: object) -> str:
    try:
        return "true" if strutils.bool_from_string(value, strict=True) else "false"
    except ValueError as exc:
        raise ValueError(f"{key}: {exc}") from None
