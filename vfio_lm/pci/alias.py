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

"""The ``[pci]alias`` option: what a flavor may ask for. Reading files is not its business."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Mapping
from typing import cast

import jsonschema

from vfio_lm.errors import OptionError
from vfio_lm.pci import names
from vfio_lm.pci.live_migratable import LiveMigratable

DEVICE_TYPES = ("type-PCI", "type-PF", "type-VF")
NUMA_POLICIES = ("required", "legacy", "preferred", "socket")
DEFAULT_NUMA_POLICY = "legacy"

_ID = {"type": "string", "pattern": r"^([\da-fA-F]{4})$"}

# nova/pci/request.py _ALIAS_SCHEMA (nova 34.0.0)
_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 256},
        "capability_type": {"type": "string", "enum": ["pci"]},
        "product_id": _ID,
        "vendor_id": _ID,
        "device_type": {"type": "string", "enum": list(DEVICE_TYPES)},
        "numa_policy": {"type": "string", "enum": list(NUMA_POLICIES)},
        "resource_class": {"type": "string"},
        "traits": {"type": "string"},
        "live_migratable": {"type": "string"},
    },
    "required": ["name"],
}


# jsonschema.validate would check the schema itself again for each alias.
_VALIDATOR = jsonschema.validators.validator_for(_SCHEMA)(_SCHEMA)

KEYS = tuple(cast("Mapping[str, object]", _SCHEMA["properties"]))
"""The keys that an alias may have."""


class AliasError(OptionError):
    """Nova would refuse this alias."""


@dataclasses.dataclass(frozen=True)
class AliasSpec:
    """One kind of device that satisfies an alias."""

    vendor_id: str | None = None
    product_id: str | None = None
    device_type: str | None = None
    requested_resource_class: str | None = None
    requested_traits: str | None = None
    live_migratable: LiveMigratable = LiveMigratable.UNSPECIFIED
    capability_type: str | None = None
    location: str = dataclasses.field(default="", compare=False)
    """``FILE:LINE`` of its definition; empty where it was read from no file."""

    @property
    def has_ids(self) -> bool:
        """Whether both identifiers are there."""
        return self.vendor_id is not None and self.product_id is not None

    @property
    def resource_class(self) -> str:
        """The resource class that nova asks placement for."""
        return names.resource_class(self.requested_resource_class, self.vendor_id, self.product_id)

    @property
    def traits(self) -> frozenset[str]:
        """The traits that nova requires of the provider of each device."""
        return names.traits(self.requested_traits)


@dataclasses.dataclass(frozen=True)
class Alias:
    """A name that flavors use, with the kinds of device that satisfy it."""

    name: str
    numa_policy: str
    specs: tuple[AliasSpec, ...]

    @property
    def live_migratable(self) -> LiveMigratable:
        """What nova makes of all specifications together: they count only if they agree.

        Source: ``InstancePCIRequest.is_live_migratable`` in
        ``nova/objects/instance_pci_requests.py`` and
        ``PciDeviceStats._filter_pools_for_live_migratable_devices`` in ``nova/pci/stats.py``
        (nova 34.0.0).
        """
        said = {spec.live_migratable for spec in self.specs}
        return said.pop() if len(said) == 1 else LiveMigratable.UNSPECIFIED

    @property
    def locations(self) -> tuple[str, ...]:
        """``FILE:LINE`` of each of its definitions that were read from a file."""
        return tuple(spec.location for spec in self.specs if spec.location)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The devices as they are written: a resource class, or ``vendor_id:product_id``."""
        return tuple(
            spec.resource_class
            if spec.requested_resource_class
            else f"{spec.vendor_id}:{spec.product_id}"
            for spec in self.specs
        )

    @property
    def required_traits(self) -> tuple[str, ...]:
        """The traits that nova requires of the providers of any of its devices."""
        return tuple(sorted({trait for spec in self.specs for trait in spec.traits}))


def parse_aliases(
    values: Iterable[str], *, pci_in_placement: bool = False, locations: Iterable[str] = ()
) -> dict[str, Alias]:
    """Read the values of ``[pci]alias`` with nova's rules.

    Source: ``nova/pci/request.py`` ``get_alias_from_config`` (nova 34.0.0).

    :param values: the option's values, each a JSON object
    :param pci_in_placement: ``[filter_scheduler]pci_in_placement``; nova is stricter with it
    :param locations: ``FILE:LINE`` of each value, where known
    :returns: aliases by name, in the order of their first appearance
    :raises AliasError: for the first value that nova would refuse
    """
    aliases: dict[str, Alias] = {}
    written: dict[str, str] = {}
    places = itertools.chain(locations, itertools.repeat(""))
    for value, location in zip(values, places):
        alias = _parse_one(value, location)
        known = aliases.get(alias.name)
        if known is not None:
            alias = _merge(known, alias, value)
        aliases[alias.name] = alias
        written[alias.name] = value
    for alias in aliases.values():
        _refuse_what_cannot_be_placed(alias, written[alias.name], pci_in_placement)
    return aliases


def _parse_one(value: str, location: str) -> Alias:
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError) as exc:
        raise AliasError(value, f"not valid JSON: {exc}") from None
    mistake = jsonschema.exceptions.best_match(_VALIDATOR.iter_errors(fields))
    if mistake is not None:
        where = ".".join(str(step) for step in mistake.absolute_path)
        raise AliasError(value, f"{where}: {mistake.message}" if where else mistake.message)
    try:
        live_migratable = LiveMigratable.parse(fields.get("live_migratable"))
    except ValueError as exc:
        raise AliasError(value, f"live_migratable: {exc}") from None
    spec = AliasSpec(
        vendor_id=fields.get("vendor_id"),
        product_id=fields.get("product_id"),
        device_type=fields.get("device_type"),
        requested_resource_class=fields.get("resource_class"),
        requested_traits=fields.get("traits"),
        live_migratable=live_migratable,
        capability_type=fields.get("capability_type"),
        location=location,
    )
    return Alias(
        name=fields["name"].strip(),
        numa_policy=fields.get("numa_policy", DEFAULT_NUMA_POLICY),
        specs=(spec,),
    )


def _merge(known: Alias, more: Alias, value: str) -> Alias:
    """Add an alternative under a name that is already there."""
    if known.numa_policy != more.numa_policy:
        raise AliasError(
            value,
            f"alias '{more.name}' is already defined with numa_policy '{known.numa_policy}'; "
            f"all its definitions must have the same",
        )
    types = known.specs[0].device_type, more.specs[0].device_type
    # Nova compares the two by key, so that an absent device_type is refused as well.
    if None in types or types[0] != types[1]:
        raise AliasError(
            value,
            f"alias '{more.name}' is already defined; all its definitions must have the same "
            f"device_type, and have one",
        )
    return dataclasses.replace(known, specs=known.specs + more.specs)


def _refuse_what_cannot_be_placed(alias: Alias, value: str, pci_in_placement: bool) -> None:
    """Apply nova's rules on all definitions of one name together."""
    if pci_in_placement and len(alias.specs) > 1:
        raise AliasError(
            value,
            f"alias '{alias.name}' is defined {len(alias.specs)} times, but with "
            f"[filter_scheduler]pci_in_placement there may be only one definition; give the "
            f"devices one resource_class in [pci]device_spec instead",
        )
    for spec in alias.specs:
        if spec.has_ids or (pci_in_placement and spec.requested_resource_class is not None):
            continue
        needed = "vendor_id and product_id"
        if pci_in_placement:
            needed += ", or resource_class"
        raise AliasError(value, f"alias '{alias.name}' needs {needed}")
