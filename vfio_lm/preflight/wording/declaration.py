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

"""The remedy for devices that are there, but not declared live migratable; no check."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

import os_traits

from vfio_lm.cloud.model import Provider
from vfio_lm.pci import LiveMigratable
from vfio_lm.pci.conf_text import DEVICE_SPEC, Setting
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.rewrite import device_spec_with
from vfio_lm.preflight.wording.remedy import (
    BEFORE_OTHERS,
    IN_PLACE,
    conf_of,
    in_nova_conf,
    on_host,
    probe,
    steps,
)

_OF_IDS = re.compile(r"^CUSTOM_PCI_([0-9A-F]{4})_([0-9A-F]{4})$")


def declare(
    host: str,
    knowledge: Host,
    providers: Collection[Provider] = (),
    *,
    names_trait: bool = False,
) -> str:
    """Say how to declare devices of a host live migratable, as the lines of its nova.conf.

    :param knowledge: what is known of the host; the lines are those of its nova.conf, changed
    :param providers: PCI providers of the devices, from which the lines are made where nova.conf
        is not known
    :param names_trait: whether the lines name the trait, which nova-compute before 34.0.0 needs
    """
    specs = None if knowledge.conf is None else knowledge.device_specs
    if specs is None:
        lines = _made_of(providers, names_trait)
    else:
        lines = [
            device_spec_with(spec, LiveMigratable.YES, names_trait=names_trait)
            for spec in specs
            if not spec.is_for_neutron and spec.live_migratable is not LiveMigratable.YES
        ]
    why = "where the driver of the devices can migrate them, "
    if not lines:
        trait = f', "traits": "{os_traits.HW_PCI_LIVE_MIGRATABLE}"' if names_trait else ""
        why += f'with "live_migratable": "yes"{trait} in the device_spec of each, '
    else:
        why += BEFORE_OTHERS if specs is None else IN_PLACE
    return in_nova_conf(host, "pci", *(line.text for line in lines), why=why)


def declare_or_tell(host: str, knowledge: Host, providers: Collection[Provider]) -> str:
    """Say what settles whether devices in placement are declared live migratable."""
    if knowledge.conf is None:
        return steps(conf_of(host), "or " + declare(host, knowledge, providers, names_trait=True))
    return same_tags(host) if knowledge.facts else probe(host)


def same_tags(host: str) -> str:
    """Say what to do about VFs of one PF that are declared differently."""
    return steps(
        f"give all VFs of a PF the same tags in [pci]device_spec on {host}",
        on_host(host, "systemctl restart nova-compute"),
    )


def _made_of(providers: Collection[Provider], names_trait: bool) -> list[Setting]:
    """Return lines for devices by the identifiers in their resource classes."""
    classes = sorted({name for provider in providers for name in provider.inventories})
    return [
        Setting(DEVICE_SPEC, json.dumps(fields))
        for name in classes
        if (match := _OF_IDS.match(name)) is not None
        for fields in [dict(_fields(match, providers, name, names_trait))]
    ]


def _fields(
    ids: re.Match[str], providers: Collection[Provider], resource_class: str, names_trait: bool
) -> Iterator[tuple[str, str]]:
    yield "vendor_id", ids.group(1).lower()
    yield "product_id", ids.group(2).lower()
    yield "live_migratable", LiveMigratable.YES.value
    known = {t for p in providers if resource_class in p.inventories for t in p.traits}
    traits = sorted(trait for trait in known if trait.startswith("CUSTOM_"))
    traits += [os_traits.HW_PCI_LIVE_MIGRATABLE] if names_trait else []
    if traits:
        yield "traits", ",".join(traits)
