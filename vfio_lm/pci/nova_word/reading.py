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

"""Nova's word read from JSON, from a file or an answer of nova-api."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
from collections.abc import Mapping
from typing import Any

import jsonschema

from vfio_lm.errors import VfioLmError
from vfio_lm.iso_time import read_time
from vfio_lm.pci.input_file import InputFileError, read_text
from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.nova_word import model, stored
from vfio_lm.pci.nova_word.model import NovaWord
from vfio_lm.pci.nova_word.schema import SCHEMA
from vfio_lm.pci.nova_word.writing import VERSION

LARGEST_BYTES = 256 * 1024 * 1024
"""Of a document; 1,000 hosts and 20 different requests take about 10 MiB."""

_LONGEST_MESSAGE = 300

_VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)

#: The class of the items of each field that has some.
_ITEMS: Mapping[type, Mapping[str, type]] = {
    NovaWord: {
        "answers": model.NovaAnswer,
        "servers": stored.StoredServer,
        "hosts": stored.StoredHost,
        "omissions": model.Omission,
    },
    model.NovaAnswer: {"objections": model.Objection, "destinations": model.NovaDestination},
    model.NovaDestination: {"objections": model.Objection},
    stored.StoredServer: {
        "requests": stored.StoredRequest,
        "scheduled_requests": stored.StoredRequest,
        "devices": stored.StoredDevice,
        "cells": stored.ServerCell,
    },
    stored.StoredHost: {"cells": stored.HostCell, "pools": stored.DevicePool},
    stored.HostCell: {"pages": stored.PageCount},
}

_ENUMS: Mapping[str, type[enum.Enum]] = {
    "ending": model.Ending,
    "decider": model.Decider,
    "live_migratable": LiveMigratable,
}


class NovaWordError(VfioLmError):
    """A document that cannot be read, or does not hold nova's word.

    :param location: the file, or the URL
    :param reason: what is wrong with it, and how to mend it
    """

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"{location}: {reason}")
        self.location = location
        self.reason = reason


def parse_nova_word(text: str, location: str) -> NovaWord:
    """Read nova's word from JSON.

    :param location: where the text comes from, for the message
    :raises NovaWordError: if the text does not hold nova's word in this version's form
    """
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
        # Half a surrogate pair could not be printed.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        raise NovaWordError(location, f"not valid JSON: {exc}") from None
    if isinstance(fields, dict) and fields.get("version", VERSION) != VERSION:
        raise NovaWordError(
            location,
            f"has version {fields['version']!r}, but this release reads version {VERSION}: use "
            f"the vfio-lm-nova of the same release",
        )
    mistake = jsonschema.exceptions.best_match(_VALIDATOR.iter_errors(fields))
    if mistake is not None:
        # The message repeats the offending value, however long that is.
        said = mistake.message[:_LONGEST_MESSAGE]
        raise NovaWordError(
            location, f"not the output of vfio-lm-nova: {mistake.json_path}: {said}"
        )
    try:
        taken_at = read_time(fields["taken_at"])
    except ValueError as exc:
        raise NovaWordError(location, f"taken_at: {exc}") from None
    if taken_at.tzinfo is None:
        raise NovaWordError(location, f"taken_at: '{fields['taken_at']}' has no time zone")
    word: NovaWord = _object(NovaWord, {**fields, "taken_at": taken_at})
    return word


def read_nova_word(path: str | os.PathLike[str]) -> NovaWord:
    """Read a file that vfio-lm-nova wrote.

    :raises NovaWordError: if the file cannot be read, or does not hold nova's word
    """
    location = os.fspath(path)
    try:
        text = read_text(location, LARGEST_BYTES)
    except InputFileError as exc:
        raise NovaWordError(location, exc.reason) from None
    return parse_nova_word(text, location)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _object(kind: type[Any], fields: Mapping[str, Any]) -> Any:
    items = _ITEMS.get(kind, {})
    names = [field.name for field in dataclasses.fields(kind) if field.name in fields]
    return kind(**{name: _value(name, fields[name], items.get(name)) for name in names})


def _value(name: str, value: Any, items: type[Any] | None) -> Any:
    if items is not None:
        return tuple(_object(items, each) for each in value)
    if name in _ENUMS:
        return _ENUMS[name](value)
    return tuple(value) if isinstance(value, list) else value
