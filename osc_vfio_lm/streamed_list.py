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

"""A list of JSON or YAML that is written item by item; cliff would keep all of it in memory."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from cliff.formatters.base import ListFormatter


def write(
    formatter: ListFormatter,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    stream: TextIO,
    parsed_args: argparse.Namespace,
) -> None:
    """Write what the formatter would write for all rows, up to white space.

    :param formatter: cliff's own for ``json`` or ``yaml``
    """
    is_json = parsed_args.formatter == "json"
    is_first = True
    for row in rows:
        buffer = io.StringIO()
        # yaml would name what an item holds twice, and use the name again for that of another one
        values = row if is_json else [_unshared(value) for value in row]
        formatter.emit_list(columns, [values], buffer, parsed_args)
        text = buffer.getvalue()
        if is_json:
            text = text.strip()[1:-1].strip("\n")
            text = f"{'[' if is_first else ','}\n{text}"
        stream.write(text)
        is_first = False
    if is_first:
        formatter.emit_list(columns, [], stream, parsed_args)
    elif is_json:
        stream.write("\n]\n")


def _unshared(value: Any) -> Any:
    """Return a value in which no two places hold the same object."""
    if isinstance(value, Mapping):
        return {key: _unshared(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unshared(each) for each in value]
    return value
