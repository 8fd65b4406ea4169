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

"""Directives for what the code says of itself: checks, schemas, helps, transcripts."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
from collections.abc import Callable, Sequence

from docutils import nodes, statemachine
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from osc_vfio_lm import json_schemas
from placement_sync.agent.settings import parse_arguments
from vfio_lm.compute import main as host_helper
from vfio_lm.inside_nova import main as nova_says
from vfio_lm.pci import host_facts
from vfio_lm.pci.nova_word import schema as nova_word_schema
from vfio_lm.preflight import Check
from vfio_lm.preflight.registry import installed_checks


class PreflightChecks(SphinxDirective):
    """A table of all checks of this package, one row for each id."""

    def run(self) -> list[nodes.Node]:
        """Write the table as reStructuredText and have it read."""
        by_id: dict[str, list[Check]] = {}
        for check in installed_checks():
            by_id.setdefault(check.id, []).append(check)
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 24 12 44 20", ""]
        header = ("Check", "About", "Question", "Refused by")
        for row in (header, *(_row(checks) for checks in by_id.values())):
            lines += [f"   {'*' if not index else ' '} - {cell}" for index, cell in enumerate(row)]
        content = statemachine.StringList(lines, source="vfio_lm.preflight.checks")
        node = nodes.Element()
        self.state.nested_parse(content, self.content_offset, node)
        return node.children


class HostFactsSchema(SphinxDirective):
    """The JSON schema of host facts files."""

    def run(self) -> list[nodes.Node]:
        """Show it as it is."""
        text = json.dumps(host_facts.SCHEMA, indent=2)
        return [nodes.literal_block(text, text, language="json")]


class CommandSchemas(SphinxDirective):
    """The JSON schema of each ``openstack vfio`` command."""

    def run(self) -> list[nodes.Node]:
        """Show each in a section of its own."""
        found: list[nodes.Node] = [nodes.paragraph(text=f"Version: {json_schemas.VERSION}")]
        for name, schema in json_schemas.SCHEMAS.items():
            section = nodes.section(ids=[f"json-of-{name.replace(' ', '-')}"])
            section += nodes.title(text=f"openstack vfio {name}")
            text = json.dumps(schema, indent=2)
            section += nodes.literal_block(text, text, language="json")
            found.append(section)
        return found


class HostHelper(SphinxDirective):
    """What ``vfio-lm-host --help`` says, and each of its sub-commands."""

    def run(self) -> list[nodes.Node]:
        """Ask the command."""
        found = [_help(host_helper.main)]
        for name in host_helper.COMMANDS:
            section = nodes.section(ids=[f"vfio-lm-host-{name}"])
            section += nodes.title(text=f"vfio-lm-host {name}")
            section += _help(host_helper.main, name)
            found.append(section)
        return found


class NovaSays(SphinxDirective):
    """What ``vfio-lm-nova --help`` says."""

    def run(self) -> list[nodes.Node]:
        """Ask the command."""
        return [_help(nova_says.main)]


class NovaWordSchema(SphinxDirective):
    """The JSON schema of nova's word."""

    def run(self) -> list[nodes.Node]:
        """Show it as it is."""
        text = json.dumps(nova_word_schema.SCHEMA, indent=2)
        return [nodes.literal_block(text, text, language="json")]


class PlacementSync(SphinxDirective):
    """What ``vfio-placement-sync --help`` says."""

    def run(self) -> list[nodes.Node]:
        """Ask the command."""
        return [_help(parse_arguments)]


class Transcript(SphinxDirective):
    """Commands of the tutorial with what they printed."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Show the file of that name."""
        path = pathlib.Path(self.env.srcdir) / "tutorial" / f"{self.arguments[0]}.txt"
        self.env.note_dependency(str(path))
        text = path.read_text()
        return [nodes.literal_block(text, text, language="console")]


def _help(command: Callable[[Sequence[str]], object], *words: str) -> nodes.Element:
    said = io.StringIO()
    os.environ["COLUMNS"] = "100"
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        command([*words, "--help"])
    text = said.getvalue()
    return nodes.literal_block(text, text, language="text")


def _row(checks: list[Check]) -> tuple[str, str, str, str]:
    first = checks[0]
    mark = "" if first.is_decisive else " *"
    about = ", ".join(check.scope.value for check in checks)
    refusers = ", ".join(dict.fromkeys(check.refused_by.value for check in checks))
    return f"``{first.id}``{mark}", about, first.question, refusers


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("preflight-checks", PreflightChecks)
    app.add_directive("command-schemas", CommandSchemas)
    app.add_directive("host-facts-schema", HostFactsSchema)
    app.add_directive("vfio-lm-host-help", HostHelper)
    app.add_directive("vfio-lm-nova-help", NovaSays)
    app.add_directive("nova-word-schema", NovaWordSchema)
    app.add_directive("vfio-placement-sync-help", PlacementSync)
    app.add_directive("transcript", Transcript)
    return {"parallel_read_safe": True}
