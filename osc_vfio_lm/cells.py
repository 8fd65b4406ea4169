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

"""Cells of tables and lists: how values read in each format, whatever the command."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from cliff import columns as cliff_columns

from osc_vfio_lm import screen

#: Formats whose cells are plain text; in the others a value keeps its type.
_PLAIN = ("csv", "shell", "value")


class AliasesColumn(cliff_columns.FormattableColumn[Mapping[str, int]]):
    """Devices by alias, as the flavor's extra spec has them."""

    def human_readable(self) -> str:
        return ", ".join(f"{name}:{count}" for name, count in self._value.items())

    def machine_readable(self) -> dict[str, int]:
        return dict(self._value)


class DevicesColumn(cliff_columns.FormattableColumn[Mapping[str, int]]):
    """Units by the address of the device."""

    def human_readable(self) -> str:
        return ", ".join(f"{address} × {units}" for address, units in self._value.items())

    def machine_readable(self) -> dict[str, int]:
        return dict(self._value)


class LiveMigratableColumn(cliff_columns.FormattableColumn[Mapping[str, str]]):
    """What each alias says; one word where they all say the same."""

    def human_readable(self) -> str:
        if len(set(self._value.values())) == 1:
            return next(iter(self._value.values()))
        return ", ".join(f"{alias}: {said}" for alias, said in self._value.items())

    def machine_readable(self) -> dict[str, str]:
        return dict(self._value)


class HostColumn(cliff_columns.FormattableColumn[Any]):
    """The name of a host, and whether nova has it."""

    def human_readable(self) -> str:
        """Mark one that nova does not have."""
        name, exists = self._value
        return name if exists else f"{name} (no such host)"

    def machine_readable(self) -> str:
        """Return the name alone."""
        return str(self._value[0])


class LinesColumn(cliff_columns.FormattableColumn[Sequence[str]]):
    """Sentences in their order, each on a line of its own."""

    def human_readable(self) -> str:
        return "\n".join(self._value)

    def machine_readable(self) -> list[str]:
        return list(self._value)


class VerificationColumn(cliff_columns.FormattableColumn[Sequence[Mapping[str, str]]]):
    """The answers of checks, each on a line of its own."""

    def human_readable(self) -> str:
        return "\n".join(
            f"{each['status']}: {each['check']}: {each['message']}" for each in self._value
        )

    def machine_readable(self) -> list[dict[str, str]]:
        return [dict(each) for each in self._value]


class CausesColumn(cliff_columns.FormattableColumn[Sequence[Mapping[str, Any]]]):
    """Causes of a failure, each on a line of its own."""

    def human_readable(self) -> str:
        return "\n".join(f"{each['certainty']}: {each['cause']}" for each in self._value)

    def machine_readable(self) -> list[dict[str, Any]]:
        return [dict(each) for each in self._value]


class Adapted:
    """A formatter of cliff's that is given cells which read well in its format.

    What has no value is null in json and yaml, and empty elsewhere. A list or a mapping is text on
    one line in csv, value and shell, not what Python writes for it. A table is as wide as the
    terminal, unless the user asks for another width.
    """

    def __init__(self, formatter: Any, name: str) -> None:
        self._formatter = formatter
        self._name = name

    def emit_list(
        self,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        """Write rows."""
        rows: Iterable[Sequence[Any]] = (tuple(map(self._cell, row)) for row in data)
        if self._is_fitted(parsed_args):
            rows = screen.fitted(column_names, rows, screen.width())
        self._formatter.emit_list(column_names, rows, stdout, parsed_args)

    def emit_one(
        self,
        column_names: Sequence[str],
        data: Sequence[Any],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        """Write one thing."""
        values = tuple(map(self._cell, data))
        if self._is_fitted(parsed_args):
            rows = screen.fitted(("Field", "Value"), zip(column_names, values), screen.width())
            values = tuple(value for _, value in rows)
        self._formatter.emit_one(column_names, values, stdout, parsed_args)

    def _is_fitted(self, parsed_args: argparse.Namespace) -> bool:
        if self._name != "table":
            return False
        return not (int(parsed_args.max_width) or parsed_args.fit_width)

    def _cell(self, value: Any) -> Any:
        if value is None:
            return "" if self._name in (*_PLAIN, "table") else None
        is_text = self._name in (*_PLAIN, "table")
        if is_text and isinstance(value, cliff_columns.FormattableColumn):
            value = value.human_readable()
        if self._name in _PLAIN and isinstance(value, str):
            return "; ".join(value.splitlines())
        return value
