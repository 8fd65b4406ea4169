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

"""Writing the settings for a kind of device: an alias with its device specifications, no file."""

from __future__ import annotations

import dataclasses
import json

import os_traits

from vfio_lm.pci import names
from vfio_lm.pci.alias import AliasError, parse_aliases
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, Setting
from vfio_lm.pci.device_spec import parse_device_specs
from vfio_lm.pci.flavor import can_be_requested
from vfio_lm.pci.release import NovaRelease


@dataclasses.dataclass(frozen=True)
class DeviceWish:
    """The kind of device that an alias is for; with identifiers, a resource class, or both."""

    name: str
    device_type: str
    live_migratable: bool
    vendor_id: str | None = None
    product_id: str | None = None
    resource_class: str | None = None
    numa_policy: str | None = None
    traits: tuple[str, ...] = ()
    """Further traits that the devices have."""


@dataclasses.dataclass(frozen=True)
class Composition:
    """Settings for nova.conf."""

    alias: Setting
    """For all services."""
    device_spec: Setting | None
    """For the hosts with such devices; None if it is not said how to recognise them."""
    tags: str
    """The JSON object of what a device specification has to say of the devices."""
    needs_placement: bool
    """Whether ``[filter_scheduler]pci_in_placement`` has to be on for nova to take the alias."""

    @property
    def lines(self) -> tuple[str, ...]:
        """A text ready to paste, with comments that say where each line belongs."""
        lines = ["# nova.conf of nova-api, nova-scheduler, nova-conductor and every compute host"]
        if self.needs_placement:
            # Nova-compute refuses such an alias at its start as well.
            lines += ["[filter_scheduler]", "pci_in_placement = true"]
        lines += ["[pci]", self.alias.text, "", "# nova.conf of the compute hosts with the devices"]
        lines.append("[pci]")
        if self.device_spec:
            lines.append(self.device_spec.text)
        else:
            lines.append(f"# add to the device_spec of each of these devices: {self.tags}")
        if self.needs_placement:
            lines.append("report_in_placement = true")
        else:
            lines.append("# with PCI devices in placement, also: report_in_placement = true")
        return tuple(lines)


def compose(wish: DeviceWish, release: NovaRelease) -> Composition:
    """Return settings that nova accepts and that fit together.

    The alias requires the trait HW_PCI_LIVE_MIGRATABLE, so that placement offers providers that
    fit alone. Before 2026.2 the device specification has to name it, see
    :attr:`vfio_lm.pci.release.NovaRelease.reports_live_migratable`.

    :raises AliasError: if the wish cannot be an alias, or no flavor could ask for it
    :raises DeviceSpecError: if the wish cannot be a device specification
    """
    flag = "yes" if wish.live_migratable else "no"
    trait = (os_traits.HW_PCI_LIVE_MIGRATABLE,) if wish.live_migratable else ()
    ids = _given(vendor_id=_lower(wish.vendor_id), product_id=_lower(wish.product_id))
    resource_class = wish.resource_class and names.resource_class(wish.resource_class, None, None)
    alias = _given(
        name=wish.name,
        **({"resource_class": resource_class} if resource_class else ids),
        device_type=wish.device_type,
        numa_policy=wish.numa_policy,
        live_migratable=flag,
        traits=_joined(*trait, *wish.traits),
    )
    reported = wish.traits if release.reports_live_migratable else (*trait, *wish.traits)
    tags = _given(live_migratable=flag, resource_class=resource_class, traits=_joined(*reported))
    alias_value = json.dumps(alias)
    parse_aliases([alias_value], pci_in_placement=bool(resource_class))
    if not can_be_requested(wish.name):
        raise AliasError(
            wish.name,
            "no flavor can ask for an alias of this name: leave out ':' and ',', and blanks around "
            "it",
        )
    spec_value = json.dumps(ids | tags)
    parse_device_specs([spec_value])
    return Composition(
        alias=Setting(ALIAS, alias_value),
        device_spec=Setting(DEVICE_SPEC, spec_value) if ids else None,
        tags=json.dumps(tags),
        needs_placement=bool(resource_class),
    )


def _given(**fields: str | None) -> dict[str, str]:
    return {key: value for key, value in fields.items() if value}


def _lower(identifier: str | None) -> str | None:
    return identifier.lower() if identifier else None


def _joined(*traits: str) -> str:
    """Return traits as nova names them, each only once."""
    return ",".join(dict.fromkeys(name for each in traits for name in sorted(names.traits(each))))
