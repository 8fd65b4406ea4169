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

"""The small language of values that nova's filters compare extra specs in; no I/O."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

# The first word of a value, if it is one of these: ``op_methods`` in
# nova/scheduler/filters/extra_specs_ops.py (nova 34.0.0).
_OF_TWO: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: float(value) >= float(wanted),
    "<in>": lambda value, wanted: wanted in value,
    "==": lambda value, wanted: float(value) == float(wanted),
    "!=": lambda value, wanted: float(value) != float(wanted),
    ">=": lambda value, wanted: float(value) >= float(wanted),
    "<=": lambda value, wanted: float(value) <= float(wanted),
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
}


def satisfies_extra_spec(value: str, asked: str) -> bool:
    """Whether a value is what an extra spec asks for: ``match`` of the same file.

    :raises ValueError: if numbers are to be compared and one is none; nova's scheduler fails
    """
    words = asked.split()
    first, rest = (words[0], words[1:]) if words else ("", [])
    if first == "<or>":
        return value in _alternatives(rest)
    if first == "<all-in>":
        return bool(rest) and all(word in value for word in rest)
    if first in _OF_TWO:
        return bool(rest) and _OF_TWO[first](value, rest[0])
    return value == asked


def _alternatives(words: Sequence[str]) -> Sequence[str]:
    """Return what stands between the words ``<or>``."""
    return words[::2]
