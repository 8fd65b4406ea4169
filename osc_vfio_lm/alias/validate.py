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
"""``openstack vfio alias validate``: what the linter finds in the nova.conf of services."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from osc_vfio_lm.alias.choices import RELEASES
from vfio_lm.text import counted

if TYPE_CHECKING:
    from vfio_lm.pci import NovaRelease
    from vfio_lm.pci.lint.linter import Finding, Service

_ERRORS = 2

_API = "nova-api"


class ValidateAlias(command.Lister):
    _description = """\
Look for mistakes in the PCI configuration of nova

Reads the nova.conf of one or of many services and shows what nova would refuse, what it accepts
but cannot work, and what is good to know; with the corrected line where there is one. Name the
nova.conf of nova-api and those of the compute hosts to have them compared:

  openstack vfio alias validate --nova-conf /tmp/api.conf --nova-conf compute1=/tmp/c1.conf
  openstack vfio alias validate --nova-conf /tmp/api.conf --nova-conf-dir /tmp/hosts

A folder given to --nova-conf is the configuration of one service, and each entry of the folder
given to --nova-conf-dir is that of a host. Nothing is changed."""

    auth_required = False
    exit_statuses = ((0, "there is no error"), (_ERRORS, "there is an error"))

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        inputs.add_confs(parser)
        parser.add_argument(
            "--nova-release",
            choices=RELEASES,
            help="Also apply the rules that depend on the release of nova",
        )
        parser.add_argument(
            "--fix",
            action="store_true",
            help="Print the corrected sections instead of the findings, with comments that say "
            "what each change is for and what only you can mend; no file is changed",
        )
        parser.add_argument("--long", action="store_true", help="List additional fields in output")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.pci.lint.linter import Severity, lint

        if parsed_args.fix and parsed_args.formatter != "table":
            raise exceptions.CommandError("--fix prints lines of nova.conf: leave out --format")
        services = _services(parsed_args)
        findings = lint(services, release=_release(parsed_args))
        if any(finding.severity is Severity.ERROR for finding in findings):
            self.status = _ERRORS
        self.nothing = _looked_at(services)
        columns: tuple[str, ...] = (
            "Severity",
            "Source",
            "File",
            "Line",
            "Rule",
            "Why",
            "Corrected",
        )
        if parsed_args.long:
            columns += ("Option", "Value")
        return columns, (_row(finding, parsed_args.long) for finding in findings)

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        from vfio_lm.pci.lint.corrections import corrected_sections, fix

        if not parsed_args.fix:
            return super().produce_output(parsed_args, column_names, data)
        services = _services(parsed_args)
        lines = tuple(corrected_sections(services, fix(services, release=_release(parsed_args))))
        self.write(lines)
        if not lines:
            self.say(self.nothing)
        return 0


def _services(parsed_args: argparse.Namespace) -> tuple[Service, ...]:
    """Read the files of each service, nova-api's first.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read or is no configuration file at all
    :raises osc_lib.exceptions.CommandError: if there is no file
    """
    from vfio_lm.pci.conf_text import not_a_configuration, read_conf_text, refuse_unreadable
    from vfio_lm.pci.lint.linter import Service

    paths = inputs.conf_paths(parsed_args)
    by_label = {_API: paths.api} if paths.api else {}
    by_label |= paths.hosts
    if not by_label:
        raise exceptions.CommandError(inputs.NO_API_CONF)
    services = []
    for label, names in by_label.items():
        for name in names:
            refuse_unreadable(name)
        text = read_conf_text(names)
        if text.problems and not text.settings:
            # Line by line it would be a long way of saying that the wrong file was named.
            raise not_a_configuration(text.problems[0].file)
        services.append(Service(label, text))
    return tuple(services)


def _looked_at(services: Sequence[Service]) -> str:
    """Say what was looked at where nothing is to be said about it."""
    from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC

    aliases = sum(len(service.text.of(ALIAS)) for service in services)
    specs = sum(len(service.text.of(DEVICE_SPEC)) for service in services)
    files = ", ".join(name for service in services for name in service.text.sources)
    if not (aliases or specs):
        return f"neither [pci]alias nor [pci]device_spec is set in {files}"
    return (
        f"no mistake in {counted(aliases, '[pci]alias', '[pci]alias lines')} and "
        f"{counted(specs, '[pci]device_spec', '[pci]device_spec lines')} of {files}"
    )


def _release(parsed_args: argparse.Namespace) -> NovaRelease | None:
    from vfio_lm.pci import NovaRelease

    return NovaRelease(parsed_args.nova_release) if parsed_args.nova_release else None


def _row(finding: Finding, is_long: bool) -> tuple[Any, ...]:
    row = (
        finding.severity.value,
        finding.source,
        finding.file or None,
        finding.line,
        finding.rule,
        finding.why,
        finding.corrected or None,
    )
    return (*row, finding.option or None, finding.value or None) if is_long else row
