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

"""Nova's word as JSON."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from typing import Any

from vfio_lm.pci.nova_word.model import NovaWord

VERSION = 1
"""Of the form. Another version is refused, never guessed at."""


def to_json(word: NovaWord, *, indent: int | None = 1) -> str:
    """Return the JSON text that :func:`~vfio_lm.pci.nova_word.parse_nova_word` reads back.

    Fields that have their default are left out: what nova says about a thousand hosts is long.
    """
    return json.dumps({"version": VERSION, **_object(word)}, indent=indent)


def _object(value: Any) -> dict[str, Any]:
    return {
        field.name: _plain(each)
        for field in dataclasses.fields(value)
        if not _is_default(field, each := getattr(value, field.name))
    }


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return field.default is not dataclasses.MISSING and bool(value == field.default)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat(timespec="seconds")
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return _object(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
