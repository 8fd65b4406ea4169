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

"""The text of an oslo.config file; not what is in it."""

from __future__ import annotations

from collections.abc import Mapping

Value = str | int | float | bool | list[str]
Sections = dict[str, dict[str, Value]]


def merged(*parts: Mapping[str, Mapping[str, Value]]) -> Sections:
    """Put several sets of sections together; a later value of an option wins."""
    whole: Sections = {}
    for part in parts:
        for section, options in part.items():
            whole.setdefault(section, {}).update(options)
    return whole


def text(sections: Mapping[str, Mapping[str, Value]]) -> str:
    """Write sections as an INI file; a list is a multi-valued option."""
    lines: list[str] = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        for option, value in options.items():
            values = value if isinstance(value, list) else [value]
            lines.extend(f"{option} = {_escaped(each)}" for each in values)
        lines.append("")
    return "\n".join(lines)


def _escaped(value: object) -> str:
    # oslo.config replaces $name by another option's value
    return str(value).replace("$", "$$")
