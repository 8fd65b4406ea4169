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

"""What the rules of the linter look at: all configurations, as far as they can be understood."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from oslo_config import types

from vfio_lm.pci import alias as aliases
from vfio_lm.pci.alias import Alias, AliasError, parse_aliases
from vfio_lm.pci.conf_text import (
    ALIAS,
    DEVICE_SPEC,
    PCI_IN_PLACEMENT,
    PERMIT_POST_COPY,
    REPORT_IN_PLACEMENT,
    ConfText,
    Setting,
)
from vfio_lm.pci.device_spec import DeviceSpec, DeviceSpecError, parse_device_specs
from vfio_lm.pci.release import NovaRelease

Fields = Mapping[str, Any]
"""Of a JSON object."""


@dataclasses.dataclass(frozen=True)
class Service:
    """One nova service, with the files that it reads."""

    label: str
    """What its findings are shown with, for example ``api`` or ``compute1``."""
    text: ConfText

    def with_settings(
        self, replaced: Mapping[Setting, Setting], added: Sequence[Setting] = ()
    ) -> Service:
        """Return the service with other settings in the place of some, and with more of them."""
        settings = (*(replaced.get(each, each) for each in self.text.settings), *added)
        return dataclasses.replace(self, text=dataclasses.replace(self.text, settings=settings))


@dataclasses.dataclass(frozen=True)
class Entry:
    """One JSON object in a setting."""

    label: str
    setting: Setting
    fields: Mapping[str, Any]
    repeated_keys: tuple[str, ...]
    position: int | None
    """In the list that the setting holds; None where it holds the object itself."""

    def changed(self, **changes: object) -> Edit:
        """Set some fields; those that are None are removed."""

        def change(fields: Fields) -> Fields:
            changed = dict(fields) | changes
            return {k: v for k, v in changed.items() if k not in changes or v is not None}

        return Edit(self, change)

    def renamed(self, old: str, new: str) -> Edit:
        """Give a field another key."""
        return Edit(self, lambda fields: {new if k == old else k: v for k, v in fields.items()})

    def replaced(self, fields: Fields) -> Edit:
        """Put these fields in the place of all."""
        return Edit(self, lambda _: fields)


@dataclasses.dataclass(frozen=True)
class Edit:
    """A change of one JSON object in a setting, which may hold a long list of them."""

    entry: Entry
    change: Callable[[Fields], Fields]

    @property
    def alone(self) -> tuple[Setting, Setting]:
        """The setting before and after it, as if the object were all that it holds."""
        before, after = self.entry.fields, self.change(self.entry.fields)
        setting = self.entry.setting
        return (
            dataclasses.replace(setting, value=json.dumps(dict(before))),
            dataclasses.replace(setting, value=json.dumps(dict(after))),
        )


def edited(setting: Setting, edits: Iterable[Edit]) -> Setting:
    """Return a setting after changes of objects in it, one after the other."""
    content = json.loads(setting.value)
    for edit in edits:
        position = edit.entry.position
        if position is None:
            content = edit.change(content)
        else:
            content[position] = edit.change(content[position])
    return dataclasses.replace(setting, value=json.dumps(content))


@dataclasses.dataclass(frozen=True)
class AliasEntry(Entry):
    """One definition of an alias."""

    alias: Alias | None
    """What it means, unknown keys aside and with PCI in placement; None if nova refuses it."""


@dataclasses.dataclass(frozen=True)
class SpecEntry(Entry):
    """One device specification."""

    spec: DeviceSpec | None
    """What it means with devices reported to placement; None if nova refuses it."""


@dataclasses.dataclass(frozen=True)
class ServiceView:
    """One service's configuration, understood as far as possible."""

    service: Service
    aliases: tuple[AliasEntry, ...]
    specs: tuple[SpecEntry, ...]
    no_objects: tuple[tuple[Setting, str], ...]
    """Settings that should hold JSON objects and do not, with the reason."""

    @property
    def label(self) -> str:
        """What its findings are shown with."""
        return self.service.label

    def flag(self, option: str) -> bool | None:
        """Return a boolean option's value; None where it is absent or no boolean."""
        setting = self.service.text.last(option)
        return boolean(setting.value) if setting else None

    @property
    def pci_in_placement(self) -> bool | None:
        """``[filter_scheduler]pci_in_placement``."""
        return self.flag(PCI_IN_PLACEMENT)

    @property
    def reports_in_placement(self) -> bool:
        """``[pci]report_in_placement``, which is off by default."""
        return bool(self.flag(REPORT_IN_PLACEMENT))

    @property
    def permits_post_copy(self) -> bool:
        """``[libvirt]live_migration_permit_post_copy``, which is off by default."""
        return bool(self.flag(PERMIT_POST_COPY))

    @property
    def aliases_by_name(self) -> dict[str, list[AliasEntry]]:
        """The definitions that nova accepts one by one, with the name that flavors use."""
        found: dict[str, list[AliasEntry]] = {}
        for entry in self.aliases:
            if entry.alias is not None:
                found.setdefault(entry.alias.name, []).append(entry)
        return found


@dataclasses.dataclass(frozen=True)
class CloudView:
    """The configurations of all services that were given."""

    services: tuple[ServiceView, ...]
    release: NovaRelease | None
    """None where it is not given: rules that depend on it are silent."""

    @property
    def pci_in_placement(self) -> bool:
        """Whether the scheduler asks placement for PCI devices, as far as the files say."""
        return any(service.pci_in_placement for service in self.services)

    @property
    def specs(self) -> Iterator[tuple[SpecEntry, DeviceSpec]]:
        """All device specifications that nova accepts."""
        for service in self.services:
            for entry in service.specs:
                if entry.spec is not None:
                    yield entry, entry.spec

    @property
    def aliases(self) -> Iterator[tuple[AliasEntry, Alias]]:
        """All definitions of aliases that nova accepts one by one."""
        for service in self.services:
            for entry in service.aliases:
                if entry.alias is not None:
                    yield entry, entry.alias


def view_cloud(services: Iterable[Service], release: NovaRelease | None) -> CloudView:
    """Understand the configurations of all services, as far as possible."""
    return CloudView(services=tuple(map(_view_service, services)), release=release)


def boolean(value: str) -> bool | None:
    """Read a boolean as oslo.config does; None if it is no boolean."""
    try:
        return bool(types.Boolean()(value))
    except ValueError:
        return None


def _view_service(service: Service) -> ServiceView:
    no_objects: list[tuple[Setting, str]] = []
    entries: dict[str, list[Entry]] = {ALIAS: [], DEVICE_SPEC: []}
    for option, found in entries.items():
        for setting in service.text.of(option):
            try:
                found += _objects(service.label, setting, lists=option == DEVICE_SPEC)
            except RecursionError:
                no_objects.append((setting, "too deeply nested"))
            except ValueError as exc:
                no_objects.append((setting, str(exc)))
    return ServiceView(
        service=service,
        aliases=tuple(AliasEntry(*_parts(each), _alias(each)) for each in entries[ALIAS]),
        specs=tuple(SpecEntry(*_parts(each), _spec(each)) for each in entries[DEVICE_SPEC]),
        no_objects=tuple(no_objects),
    )


def _parts(entry: Entry) -> tuple[str, Setting, Mapping[str, Any], tuple[str, ...], int | None]:
    return entry.label, entry.setting, entry.fields, entry.repeated_keys, entry.position


def _objects(label: str, setting: Setting, *, lists: bool) -> Iterator[Entry]:
    """Yield the JSON objects of a setting.

    :raises ValueError: if there is something else
    """
    repeated: dict[int, tuple[str, ...]] = {}

    def keep_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated[id(fields)] = tuple(sorted({key for key in keys if keys.count(key) > 1}))
        return fields

    try:
        content = json.loads(setting.value, object_pairs_hook=keep_repeated_keys)
    except ValueError as exc:
        raise ValueError(f"not valid JSON: {exc}") from None
    json.dumps(content)  # what is too deep to be written again is of no use
    objects = content if lists and isinstance(content, list) else [content]
    if not all(isinstance(each, dict) for each in objects):
        raise ValueError("not a JSON object")
    for position, fields in enumerate(objects):
        yield Entry(
            label=label,
            setting=setting,
            fields=fields,
            repeated_keys=repeated.get(id(fields), ()),
            position=position if objects is content else None,
        )


def _alias(entry: Entry) -> Alias | None:
    known = {key: value for key, value in entry.fields.items() if key in aliases.KEYS}
    try:
        (alias,) = parse_aliases([json.dumps(known)], pci_in_placement=True).values()
    except AliasError:
        return None
    return alias


def _spec(entry: Entry) -> DeviceSpec | None:
    try:
        (spec,) = parse_device_specs([json.dumps(dict(entry.fields))], report_in_placement=True)
    except DeviceSpecError:
        return None
    return spec
