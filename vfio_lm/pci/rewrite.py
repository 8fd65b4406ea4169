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

"""Existing settings, rewritten with one thing changed and ready to paste; no file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import os_traits

from vfio_lm.pci.address import format_fields
from vfio_lm.pci.address_pattern import ANY_ADDRESS, AddressPattern, AddressRegex
from vfio_lm.pci.alias import DEFAULT_NUMA_POLICY, Alias
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, Setting
from vfio_lm.pci.device_spec import DeviceSpec
from vfio_lm.pci.live_migratable import LiveMigratable


def alias_with_trait(alias: Alias) -> tuple[Setting, ...]:
    """Return the settings of an alias that also asks for the trait HW_PCI_LIVE_MIGRATABLE."""
    return tuple(
        _setting(
            ALIAS,
            {},
            name=alias.name,
            vendor_id=spec.vendor_id,
            product_id=spec.product_id,
            device_type=spec.device_type,
            numa_policy=None if alias.numa_policy == DEFAULT_NUMA_POLICY else alias.numa_policy,
            resource_class=spec.requested_resource_class,
            capability_type=spec.capability_type,
            live_migratable=_flag(spec.live_migratable),
            traits=_with_trait(spec.requested_traits),
        )
        for spec in alias.specs
    )


def device_spec_with(
    spec: DeviceSpec, live_migratable: LiveMigratable, *, names_trait: bool = False
) -> Setting:
    """Return the setting of a device specification that declares something else of its devices.

    :param names_trait: whether it names the trait HW_PCI_LIVE_MIGRATABLE as well: before 2026.2
        nova-compute does not report it by itself
    """
    tags = {key: value for key, value in spec.tags.items() if key != "live_migratable"}
    if names_trait:
        tags["traits"] = _with_trait(tags.get("traits"))
    return _setting(
        DEVICE_SPEC,
        tags,
        vendor_id=spec.vendor_id,
        product_id=spec.product_id,
        address=None if spec.address in (None, ANY_ADDRESS) else _written(spec.address),
        devname=spec.devname,
        live_migratable=_flag(live_migratable),
    )


def _setting(option: str, tags: Mapping[str, Any], /, **fields: Any) -> Setting:
    """Leave out the fields that are absent; a tag that is null says something."""
    given = {key: value for key, value in fields.items() if value is not None}
    return Setting(option, json.dumps({**given, **tags}))


def _flag(said: LiveMigratable) -> str | None:
    return None if said is LiveMigratable.UNSPECIFIED else said.value


def _written(pattern: AddressPattern) -> str | dict[str, str]:
    if isinstance(pattern, AddressRegex):
        return dataclasses.asdict(pattern)
    return format_fields(*pattern.fields)


def _with_trait(written: str | None) -> str:
    present = [name for name in (written or "").split(",") if name]
    return ",".join(dict.fromkeys([*present, os_traits.HW_PCI_LIVE_MIGRATABLE]))
