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

"""A drain as a picture, in the language of Graphviz or mermaid: output formats for cliff."""

from __future__ import annotations

import abc
import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from cliff import columns as cliff_columns
from cliff.formatters import base

_Row = dict[str, str]

#: Colours of servers by what becomes of them; others have none.
_COLOURS = {
    "can leave": "#cfe8cf",
    "leaving": "#cfe8cf",
    "left": "#8fcf8f",
    "failed": "#f2a6a6",
    "stays": "#f2d0d0",
    "unknown": "#f5e6b3",
}


class _PictureFormatter(base.ListFormatter):
    """A list as a picture of the drained host, of its servers and of where each goes."""

    @abc.abstractmethod
    def lines(self, source: str, rows: Sequence[_Row]) -> Iterator[str]:
        """Yield the lines of the picture of a host and its servers."""

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """Add nothing: there is nothing to choose."""

    def emit_list(
        self,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        """Write the picture."""
        for line in self.lines(parsed_args.host, _rows(column_names, data)):
            stdout.write(f"{line}\n")


def _rows(column_names: Sequence[str], data: Iterable[Sequence[Any]]) -> list[_Row]:
    return [{name: _text(value) for name, value in zip(column_names, values)} for values in data]


def _text(value: Any) -> str:
    if isinstance(value, cliff_columns.FormattableColumn):
        return str(value.human_readable())
    return "" if value is None else str(value)


def _arrow(row: _Row) -> str:
    """Return what stands at an arrow: the place in the order, and the devices."""
    order = f"{row['Order']}. " if row["Order"] else ""
    return f"{order}{row['Devices']}".strip()


def _hosts(rows: Iterable[_Row]) -> list[str]:
    return sorted({row["Destination"] for row in rows if row["Destination"]})


def _dot(source: str, rows: Sequence[_Row]) -> Iterator[str]:
    yield "digraph drain {"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style="rounded,filled", fillcolor=white];'
    yield "  subgraph cluster_source {"
    yield f"    label={_quoted(source)};"
    for row in rows:
        label = _quoted(f"{row['Name']}\n{row['State']}")
        colour = _COLOURS.get(row["State"], "white")
        tooltip = _quoted(row["Reason"] or row["ID"])
        yield f'    {_quoted(row["ID"])} [label={label}, fillcolor="{colour}", tooltip={tooltip}];'
    yield "  }"
    for host in _hosts(rows):
        yield f"  {_quoted(f'host {host}')} [label={_quoted(host)}, style=solid];"
    for row in rows:
        if row["Destination"]:
            there = _quoted(f"host {row['Destination']}")
            yield f"  {_quoted(row['ID'])} -> {there} [label={_quoted(_arrow(row))}];"
    yield "}"


def _quoted(text: str) -> str:
    """Return a string of the DOT language, https://graphviz.org/doc/info/lang.html."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _mermaid(source: str, rows: Sequence[_Row]) -> Iterator[str]:
    hosts = {host: f"host{number}" for number, host in enumerate(_hosts(rows), start=1)}
    servers = {row["ID"]: f"server{number}" for number, row in enumerate(rows, start=1)}
    yield "flowchart LR"
    yield f"  subgraph source[{_entities(source)}]"
    for row in rows:
        yield f"    {servers[row['ID']]}({_entities(row['Name'], row['State'])})"
    yield "  end"
    for host, node in hosts.items():
        yield f"  {node}[{_entities(host)}]"
    for row in rows:
        if row["Destination"]:
            label = f"|{_entities(_arrow(row))}|" if _arrow(row) else ""
            yield f"  {servers[row['ID']]} -->{label} {hosts[row['Destination']]}"
    for row in rows:
        yield f"  style {servers[row['ID']]} fill:{_COLOURS.get(row['State'], '#fff')}"


def _entities(*lines: str) -> str:
    """Return text in quotes, with what means something to mermaid as its entities."""
    escaped = (
        "".join(c if c.isalnum() or c in " .:-_,×" else f"#{ord(c)};" for c in line)
        for line in lines
    )
    return f'"{"<br/>".join(escaped)}"'


class DotFormatter(_PictureFormatter):
    """Text for Graphviz: a box for each host, an arrow for each server that leaves."""

    def lines(self, source: str, rows: Sequence[_Row]) -> Iterator[str]:
        """Yield the lines of the picture."""
        yield from _dot(source, rows)


class MermaidFormatter(_PictureFormatter):
    """The same for mermaid, which many wikis and forges show in place."""

    def lines(self, source: str, rows: Sequence[_Row]) -> Iterator[str]:
        """Yield the lines of the picture."""
        yield from _mermaid(source, rows)
