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

"""The directive for the table of error texts, made of the table itself and of its corpus."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator

import yaml
from docutils import nodes, statemachine
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from vfio_lm.error_texts import ROWS, ErrorText, Software

_CORPUS = pathlib.Path(__file__).parents[3] / "tests" / "corpus" / "error_texts.yaml"


class ErrorTexts(SphinxDirective):
    """A table of the error texts of one software, one row for each cause."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write the table as reStructuredText and have it read."""
        self.env.note_dependency(str(_CORPUS))
        entries = {each["id"]: each for each in yaml.safe_load(_CORPUS.read_text())}
        wanted = Software(self.arguments[0])
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 38 10 24 28", ""]
        lines += _cells(("Text", "Version", "Cause", "What to do"))
        for row in ROWS:
            if row.software is wanted:
                lines += _cells(_columns(row, entries[row.id]))
        content = statemachine.StringList(lines, source="vfio_lm.error_texts")
        node = nodes.Element()
        self.state.nested_parse(content, self.content_offset, node)
        return node.children


def _columns(row: ErrorText, entry: dict[str, object]) -> tuple[str, ...]:
    versions = f"{row.since} to {row.until}" if row.until else row.since
    if not row.until and row.since[0].isdigit():
        versions = f"since {row.since}"
    cause = row.sentence(str(entry["text"]))
    checked = f" Check ``{row.check}``." if row.check else ""
    return (
        "\n\n".join(_texts(entry)),
        versions,
        f"{_capital(cause)} (*{row.certainty.value}*).{checked}",
        f"{_capital(row.remedy)}.",
    )


def _texts(entry: dict[str, object]) -> Iterator[str]:
    """Yield what was published with its page, or else the software's own words."""
    published: Iterable[dict[str, str]] = entry.get("published", ())  # type: ignore[assignment]
    for each in published:
        host = each["at"].split("/", 3)[-1]
        yield f"``{each['text'].strip()}`` (`{host} <{each['at']}>`__)"
    if not published:
        yield f"``{entry['text']}``"


def _capital(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")
    return escaped[:1].upper() + escaped[1:]


def _cells(cells: Iterable[str]) -> Iterator[str]:
    for index, cell in enumerate(cells):
        first, *more = cell.splitlines()
        yield f"   {'*' if not index else ' '} - {first}"
        yield from (f"       {line}".rstrip() for line in more)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("error-texts", ErrorTexts)
    return {"parallel_read_safe": True}
