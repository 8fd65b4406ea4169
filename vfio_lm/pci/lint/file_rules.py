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

"""Rules of the linter about files, names of options, and values that cannot be read at all."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Iterator

from vfio_lm.pci.conf_text import (
    ALIAS,
    DEVICE_SPEC,
    OLD_NAMES,
    PCI_IN_PLACEMENT,
    PERMIT_POST_COPY,
    REPORT_IN_PLACEMENT,
    Setting,
)
from vfio_lm.pci.lint.configurations import AliasEntry, CloudView, SpecEntry, boolean
from vfio_lm.pci.lint.hit import Hit, closest
from vfio_lm.quoting import quoted

_BOOLEANS = (REPORT_IN_PLACEMENT, PCI_IN_PLACEMENT, PERMIT_POST_COPY)
_OPTIONS = (ALIAS, DEVICE_SPEC, *_BOOLEANS)
_PCI_KEYS = ("alias", "device_spec", "report_in_placement")

_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


def unreadable_files(cloud: CloudView) -> Iterator[Hit]:
    """Yield what keeps oslo.config from reading a file, and thus nova from starting."""
    for service in cloud.services:
        for problem in service.service.text.problems:
            setting = Setting("", "", problem.file, problem.line)
            yield Hit(service.label, setting, f"nova cannot read the file: {problem.reason}")


def values_that_are_no_boolean(cloud: CloudView) -> Iterator[Hit]:
    """Yield boolean options with another value: nova stops when it asks for them."""
    for service in cloud.services:
        for option in _BOOLEANS:
            setting = service.service.text.last(option)
            if setting and boolean(setting.value) is None:
                value = quoted(setting.value)
                said = f"{value!r} for {option}" if value else f"the value of {option}"
                why = f"nova refuses {said}: it has to be true or false"
                yield Hit(service.label, setting, why)


def values_that_are_no_object(cloud: CloudView) -> Iterator[Hit]:
    """Yield aliases and device specifications that are no JSON objects."""
    for service in cloud.services:
        for setting, reason in service.no_objects:
            yield Hit(service.label, setting, f"nova refuses it: {reason}", _as_json(setting))


def _as_json(setting: Setting) -> Setting | None:
    """Guess the JSON that was meant: Python's quotes, or a comma too many."""
    try:
        content = ast.literal_eval(setting.value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        content = None
    if not isinstance(content, (dict, list)):
        try:
            content = json.loads(_TRAILING_COMMA.sub(r"\1", setting.value))
        except (ValueError, RecursionError):
            return None
    try:
        text = json.dumps(content)
    except (TypeError, ValueError, RecursionError):
        return None
    lists = setting.option == DEVICE_SPEC
    objects = content if lists and isinstance(content, list) else [content]
    if text == setting.value or not all(isinstance(each, dict) for each in objects):
        return None
    return dataclasses.replace(setting, value=text)


def repeated_keys(cloud: CloudView) -> Iterator[Hit]:
    """Yield JSON objects with one key twice: Python takes the last one without a word."""
    for service in cloud.services:
        entries: tuple[AliasEntry | SpecEntry, ...] = (*service.aliases, *service.specs)
        for entry in entries:
            if entry.repeated_keys:
                why = f"of {', '.join(entry.repeated_keys)} nova takes the last value only"
                yield Hit(service.label, entry.setting, why, entry.replaced(entry.fields))


def misspelt_options(cloud: CloudView) -> Iterator[Hit]:
    """Yield options of the section ``[pci]`` that nova does not have."""
    for service in cloud.services:
        for setting in service.service.text.settings:
            if setting.section != "pci" or setting.option in _OPTIONS or _right_name(setting.name):
                continue
            key = closest(setting.name.removeprefix("[pci]"), _PCI_KEYS)
            if key is None:
                # Its name is not quoted: any word may be a password that lost its option.
                why = "nova has no such option in [pci] and ignores it"
                yield Hit(service.label, setting, why)
                continue
            renamed = dataclasses.replace(setting, name=f"[pci]{key}")
            why = f"nova has no option {setting.name} and ignores it"
            yield Hit(service.label, setting, why, renamed, f"did you mean {key}?")


def options_in_a_wrong_section(cloud: CloudView) -> Iterator[Hit]:
    """Yield options that nova looks for in another section."""
    for service in cloud.services:
        for setting in service.service.text.settings:
            name = _right_name(setting.name)
            if name:
                why = f"nova looks for {name} and ignores {setting.name}"
                moved = dataclasses.replace(setting, name=name)
                yield Hit(service.label, setting, why, moved)


def _right_name(name: str) -> str | None:
    """Return the option that was meant where a known key stands in a wrong section."""
    if name in OLD_NAMES or name in _OPTIONS:
        return None
    section, _, key = name.partition("]")
    if key == "alias" and section != "[DEFAULT":
        # A word that other services may use as well.
        return None
    known = {each.partition("]")[2]: each for each in _OPTIONS}
    known |= {old.partition("]")[2]: new for old, new in OLD_NAMES.items()}
    return known.get(key)


def old_names(cloud: CloudView) -> Iterator[Hit]:
    """Yield options under names that nova only takes for the sake of old files."""
    for service in cloud.services:
        for setting in service.service.text.settings:
            if setting.name in OLD_NAMES:
                why = f"{setting.name} is the old name of {setting.option}; nova still takes it"
                renamed = dataclasses.replace(setting, name=setting.option)
                yield Hit(service.label, setting, why, renamed)
