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

"""Rules of the linter about what the services of one cloud have to agree on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from vfio_lm.pci.alias import Alias
from vfio_lm.pci.conf_text import PCI_IN_PLACEMENT, REPORT_IN_PLACEMENT, Setting
from vfio_lm.pci.device import DeviceKind
from vfio_lm.pci.device_spec import DeviceSpec
from vfio_lm.pci.lint.configurations import AliasEntry, CloudView, SpecEntry
from vfio_lm.pci.lint.hit import Hit
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.matching import may_serve
from vfio_lm.text import listed

_SHOWN = 4


def aliases_without_device(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases that no device specification satisfies."""
    known = list(cloud.specs)
    # What nova refuses may mean any device once it is mended.
    if not known or any(entry.spec is None for each in cloud.services for entry in each.specs):
        return
    by_name: dict[str, list[tuple[AliasEntry, Alias]]] = {}
    for entry, alias in cloud.aliases:
        by_name.setdefault(alias.name, []).append((entry, alias))
    for (entry, alias), *others in by_name.values():
        definitions = [alias, *(other for _, other in others)]
        fitting = [
            each for each in known if any(_may_serve(one, each[1], cloud) for one in definitions)
        ]
        if not fitting:
            yield Hit(entry.label, entry.setting, _unmet(definitions, known))
            continue
        wanted = alias.live_migratable
        if wanted is LiveMigratable.UNSPECIFIED:
            continue
        if not any(spec.live_migratable is wanted for _, spec in fitting):
            for other, spec in fitting:
                yield _undeclared(alias, other, spec)


def _unmet(aliases: Sequence[Alias], known: Iterable[tuple[SpecEntry, DeviceSpec]]) -> str:
    """Say what an alias asks for, and what there is instead.

    Source: ``PciDeviceSpec.match`` in ``nova/pci/devspec.py`` (nova 34.0.0): a device has the IDs
    that sysfs shows for itself; a VF's are not those of its PF.
    """
    asked = dict.fromkeys(kind for alias in aliases for kind in alias.kinds)
    there = [(_kind(spec), entry.setting.place) for entry, spec in known]
    named = dict.fromkeys(f"{kind} ({place})" for kind, place in there)
    why = (
        f"the alias gets no device: {aliases[0].name!r} asks for {listed(asked, _SHOWN)}, and "
        f"device_spec in the files given means {listed(named, _SHOWN)}"
    )
    if any(spec.device_type == DeviceKind.VF.value for alias in aliases for spec in alias.specs):
        why += "; nova compares the IDs that sysfs shows for the VF itself, not those of its PF"
    return why


def _kind(spec: DeviceSpec) -> str:
    """Return which devices a specification means, as far as an alias asks for it."""
    if spec.is_for_neutron:
        return "devices with physical_network, which are for ports"
    ids = f"{spec.vendor_id or '*'}:{spec.product_id or '*'}"
    resource_class = spec.tags.get("resource_class")
    return f"{ids} of class {resource_class}" if resource_class else ids


def _undeclared(alias: Alias, entry: SpecEntry, spec: DeviceSpec) -> Hit:
    wanted = alias.live_migratable.value
    said = spec.live_migratable.value
    why = (
        f"alias {alias.name!r} asks for live_migratable {wanted}, here it is {said}, and nova "
        f"takes only devices that say {wanted}: the alias gets no device"
    )
    return Hit(entry.label, entry.setting, why, entry.changed(live_migratable=wanted))


def _may_serve(alias: Alias, spec: DeviceSpec, cloud: CloudView) -> bool:
    """Whether an alias is meant to get devices of a specification.

    Without placement, nova also gives it those with a physical network, which are for ports.
    """
    (wanted,) = alias.specs
    return not spec.is_for_neutron and may_serve(wanted, spec, in_placement=cloud.pci_in_placement)


def unreported_devices(cloud: CloudView) -> Iterator[Hit]:
    """Yield hosts whose devices the scheduler cannot find in placement."""
    if not cloud.pci_in_placement:
        return
    for service in cloud.services:
        for_aliases = [e for e in service.specs if e.spec and not e.spec.is_for_neutron]
        if for_aliases and not service.reports_in_placement:
            last = service.service.text.last(REPORT_IN_PLACEMENT)
            why = (
                f"{PCI_IN_PLACEMENT} is true, but this host does not report its devices: no "
                f"server with an alias is placed here"
            )
            place = last or Setting(REPORT_IN_PLACEMENT, "", for_aliases[0].setting.file)
            yield Hit(service.label, last, why, dataclasses.replace(place, value="true"))


def unused_reports(cloud: CloudView) -> Iterator[Hit]:
    """Yield hosts that report devices to placement although the scheduler does not look there."""
    explicit = {service.pci_in_placement for service in cloud.services}
    if explicit & {True} or False not in explicit:
        return
    for service in cloud.services:
        setting = service.service.text.last(REPORT_IN_PLACEMENT)
        if setting and service.reports_in_placement:
            why = f"devices are reported to placement, but {PCI_IN_PLACEMENT} is false"
            yield Hit(service.label, setting, why)


def differing_placement(cloud: CloudView) -> Iterator[Hit]:
    """Yield services that do not ask placement while others do."""
    if not cloud.pci_in_placement:
        return
    for service in cloud.services:
        setting = service.service.text.last(PCI_IN_PLACEMENT)
        if setting and service.pci_in_placement is False:
            why = (
                f"{PCI_IN_PLACEMENT} is true elsewhere: nova-api, nova-scheduler and "
                f"nova-conductor need the same value"
            )
            yield Hit(service.label, setting, why, dataclasses.replace(setting, value="true"))
