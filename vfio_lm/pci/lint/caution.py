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
"""Corrections that are left to a human, whichever rule proposes them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from oslo_utils import strutils

from vfio_lm.pci.conf_text import DEVICE_SPEC, Setting

#: The keys of a device specification that tell devices of one vendor apart.
_NAMING = ("product_id", "address", "devname")

ONLY_A_HUMAN_KNOWS = (
    "it means all devices of a vendor, and which of them can live migrate only you know: name "
    "them by product_id or address"
)


def declares_too_much(before: Setting | None, after: Setting) -> bool:
    """Whether a correction would declare all devices of a vendor live migratable.

    Some of them may be of another kind, and nova would believe it of all.
    """
    if after.option != DEVICE_SPEC:
        return False
    old_text = before.value if before else "{}"
    old = _objects(old_text)
    if old is None:
        # Only the form is corrected: what it says, it said before.
        return "live_migratable" not in old_text
    nothing: Mapping[str, Any] = {}
    pairs = itertools.zip_longest(old, _objects(after.value) or (), fillvalue=nothing)
    return any(_says_yes(new) and not _says_yes(said) and _is_wide(new) for said, new in pairs)


def _objects(value: str) -> list[Mapping[str, Any]] | None:
    """Return the objects of an option's value; None if it is not JSON."""
    try:
        content = json.loads(value)
    except (ValueError, RecursionError):
        return None
    found = content if isinstance(content, list) else [content]
    return [each if isinstance(each, dict) else {} for each in found]


def _is_wide(spec: Mapping[str, Any]) -> bool:
    return not any(spec.get(key) not in (None, "", "*") for key in _NAMING)


def _says_yes(spec: Mapping[str, Any]) -> bool:
    return bool(strutils.bool_from_string(spec.get("live_migratable")))
