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

"""``openstack vfio alias …``: what nova.conf says about PCI devices, and who uses it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, nova_conf

if TYPE_CHECKING:
    from vfio_lm.inventory import AliasUsage
    from vfio_lm.pci import Alias, NovaRelease
    from vfio_lm.pci.lint.linter import Finding, Service

# Written again here because vfio_lm is not imported before a command runs; a test compares them.
_RELEASES = ("2025.1", "2025.2", "2026.1", "2026.2")
_DEVICE_TYPES = ("type-PCI", "type-PF", "type-VF")
_NUMA_POLICIES = ("required", "legacy", "preferred", "socket")

_EXIT_STATUS_OF_ERRORS = 2


def _nova_conf_paths(parsed_args: argparse.Namespace) -> Sequence[str]:
    paths = nova_conf.paths(parsed_args)
    if not paths:
        raise exceptions.CommandError(
            "/etc/nova/nova.conf cannot be read: name a file with --nova-conf or OS_VFIO_NOVA_CONF"
        )
    return paths


class ListAlias(command.Lister):
    _description = """\
List PCI aliases

Shows what flavors can ask for, as nova reads [pci]alias: the devices meant, whether a server that
uses the alias can live migrate (yes, no, or unspecified, which nova treats as no), the traits that
placement is asked for, and the trait that flavors with the alias may require or forbid of hosts
where an agent keeps it true. Only --long asks the cloud."""

    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        nova_conf.add_option(parser)
        parser.add_argument(
            "--long",
            action="store_true",
            help="List additional fields in output, with the flavors and the number of servers "
            "that use each alias",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from osc_lib.cli import format_columns

        defined = _defined_aliases(parsed_args)
        columns: tuple[str, ...] = (
            "Name",
            "Device Type",
            "Resource Class or IDs",
            "Live Migratable",
            "Required Traits",
            "Host Traits",
        )
        if not parsed_args.long:
            return columns, (_row(alias) for alias, _ in defined.values())
        usage = _usage(self)
        columns += ("NUMA Policy", "Defined In", "Flavors", "Servers")
        return columns, (
            (
                *_row(alias),
                alias.numa_policy,
                format_columns.ListColumn(list(locations)),
                format_columns.ListColumn(list(usage[name].flavors) if name in usage else []),
                len(usage[name].servers) if name in usage else 0,
            )
            for name, (alias, locations) in defined.items()
        )


class ShowAlias(command.ShowOne):
    _description = """\
Show a PCI alias

Only --long asks the cloud."""

    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("alias", metavar="<alias>", help="Alias to show (name)")
        nova_conf.add_option(parser)
        parser.add_argument(
            "--long",
            action="store_true",
            help="Show the names of the flavors and the IDs of the servers that use it, too",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from osc_lib.cli import format_columns

        defined = _defined_aliases(parsed_args)
        if parsed_args.alias not in defined:
            raise exceptions.CommandError(
                f"No alias {parsed_args.alias} in {', '.join(_nova_conf_paths(parsed_args))}; "
                f"defined there: {', '.join(sorted(defined)) or 'none'}"
            )
        alias, locations = defined[parsed_args.alias]
        devices = [
            {
                "vendor_id": spec.vendor_id,
                "product_id": spec.product_id,
                "resource_class": spec.resource_class,
            }
            for spec in alias.specs
        ]
        fields = {
            "name": alias.name,
            "device_type": alias.specs[0].device_type,
            "devices": format_columns.ListDictColumn(devices),
            "live_migratable": alias.live_migratable.value,
            "numa_policy": alias.numa_policy,
            "required_traits": format_columns.ListColumn(list(alias.required_traits)),
            "host_traits": format_columns.DictColumn(_host_traits(alias)),
            "defined_in": format_columns.ListColumn(list(locations)),
        }
        if parsed_args.long:
            used = _usage(self).get(alias.name)
            fields["flavors"] = format_columns.ListColumn(list(used.flavors) if used else [])
            fields["servers"] = format_columns.ListColumn(list(used.servers) if used else [])
        return tuple(fields), tuple(fields.values())


def _defined_aliases(
    parsed_args: argparse.Namespace,
) -> dict[str, tuple[Alias, Sequence[str]]]:
    """Read each alias, and where it is defined, by name."""
    from vfio_lm.errors import VfioLmError
    from vfio_lm.pci import read_nova_conf

    paths = _nova_conf_paths(parsed_args)
    try:
        aliases = read_nova_conf(paths).aliases
    except VfioLmError as exc:
        raise exceptions.CommandError(str(exc)) from exc
    return {name: (alias, alias.locations) for name, alias in aliases.items()}


def _usage(asking: ListAlias | ShowAlias) -> Mapping[str, AliasUsage]:
    """Ask nova who uses the aliases."""
    from vfio_lm.errors import VfioLmError
    from vfio_lm.inventory import collect_alias_usage

    # Only with --long the command needs to authenticate, which the shell does before it knows
    # the options.
    asking.auth_required = True
    asking.app.prepare_to_run_command(asking)
    try:
        return collect_alias_usage(asking.app.client_manager.sdk_connection)
    except VfioLmError as exc:
        raise exceptions.CommandError(str(exc)) from exc


def _row(alias: Alias) -> tuple[Any, ...]:
    from osc_lib.cli import format_columns

    return (
        alias.name,
        alias.specs[0].device_type,
        ", ".join(alias.kinds),
        alias.live_migratable.value,
        format_columns.ListColumn(list(alias.required_traits)),
        format_columns.DictColumn(_host_traits(alias)),
    )


def _host_traits(alias: Alias) -> dict[str, str]:
    from vfio_lm.pci.alias_traits import flavor_traits

    return dict(flavor_traits(alias))


class ValidateAlias(command.Lister):
    _description = """\
Look for mistakes in the PCI configuration of nova

Reads the nova.conf files of one or of many services and shows what nova would refuse, what it
accepts but cannot work, and what is good to know; with the corrected line where there is one. Give
each service a label to have them compared, nova-api's first:

  openstack vfio alias validate --nova-conf api=/tmp/api.conf --nova-conf compute1=/tmp/c1.conf

Files with the same label are read as one configuration. Nothing is changed.

The exit status is 0 if there is no error, 2 if there is one, and 1 if the command itself failed."""

    auth_required = False

    findings: tuple[Finding, ...] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        nova_conf.add_option(parser, is_labelled=True)
        parser.add_argument(
            "--nova-release",
            choices=_RELEASES,
            help="Also apply the rules that depend on the release of nova",
        )
        parser.add_argument(
            "--fix",
            action="store_true",
            help="Print the corrected sections instead of the findings; no file is changed",
        )
        parser.add_argument("--long", action="store_true", help="List additional fields in output")
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        return super().run(parsed_args) or (_EXIT_STATUS_OF_ERRORS if self._has_errors() else 0)

    def _has_errors(self) -> bool:
        return any(finding.severity.value == "error" for finding in self.findings)

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.pci.lint.linter import lint

        self.findings = lint(_services(parsed_args), release=_release(parsed_args))
        columns: tuple[str, ...] = ("Severity", "Source", "Line", "Rule", "Why", "Corrected")
        if parsed_args.long:
            columns += ("File", "Option", "Value")
        return columns, (_finding_row(finding, parsed_args.long) for finding in self.findings)

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        from vfio_lm.pci.lint.linter import corrected_sections, fix

        if not parsed_args.fix:
            return super().produce_output(parsed_args, column_names, data)
        services = _services(parsed_args)
        for line in corrected_sections(services, fix(services, release=_release(parsed_args))):
            self.app.stdout.write(f"{line}\n")
        return 0


def _services(parsed_args: argparse.Namespace) -> tuple[Service, ...]:
    """Read the files of each label."""
    from vfio_lm.pci.conf_text import read_conf_text
    from vfio_lm.pci.lint.linter import Service

    paths_by_label: dict[str, list[str]] = {}
    for text in _nova_conf_paths(parsed_args):
        label, is_labelled, path = text.partition("=")
        if not is_labelled or os.sep in label:
            label = path = text
        paths_by_label.setdefault(label, []).append(path)
    return tuple(Service(label, read_conf_text(paths)) for label, paths in paths_by_label.items())


def _release(parsed_args: argparse.Namespace) -> NovaRelease | None:
    from vfio_lm.pci import NovaRelease

    return NovaRelease(parsed_args.nova_release) if parsed_args.nova_release else None


def _finding_row(finding: Finding, is_long: bool) -> tuple[Any, ...]:
    row = (
        finding.severity.value,
        finding.source,
        finding.line,
        finding.rule,
        finding.why,
        finding.corrected or None,
    )
    if not is_long:
        return row
    return (*row, finding.file, finding.option or None, finding.value or None)


class CreateAlias(command.Command):
    _description = """\
Print an alias and the device specification that goes with it

Nothing is changed: the lines belong into nova.conf as the comments above them say. Which devices
a resource class stands for is said with --vendor-id and --product-id as well, or else by you."""

    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<name>", help="Name for flavors to ask with")
        parser.add_argument(
            "--vendor-id", metavar="<id>", help="Vendor of the devices, four hexadecimal digits"
        )
        parser.add_argument(
            "--product-id", metavar="<id>", help="Product of the devices, four hexadecimal digits"
        )
        parser.add_argument(
            "--resource-class",
            metavar="<resource-class>",
            help="Resource class of the devices in placement, to ask for different products alike",
        )
        parser.add_argument(
            "--device-type", choices=_DEVICE_TYPES, required=True, help="Type of the devices"
        )
        parser.add_argument(
            "--live-migratable",
            choices=("yes", "no"),
            required=True,
            help="Whether the devices, and thus servers with them, can live migrate",
        )
        parser.add_argument(
            "--numa-policy",
            choices=_NUMA_POLICIES,
            help="NUMA affinity of the devices (default: that of nova, legacy)",
        )
        parser.add_argument(
            "--trait",
            metavar="<trait>",
            action="append",
            default=[],
            help="Trait that the devices have and the alias requires (repeat option for several)",
        )
        parser.add_argument(
            "--nova-release",
            choices=_RELEASES,
            default=_RELEASES[-1],
            help=f"Release of nova (default: {_RELEASES[-1]})",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from vfio_lm.errors import VfioLmError
        from vfio_lm.pci import NovaRelease
        from vfio_lm.pci.compose import DeviceWish, compose

        has_ids = bool(parsed_args.vendor_id), bool(parsed_args.product_id)
        if any(has_ids) != all(has_ids) or not (all(has_ids) or parsed_args.resource_class):
            raise exceptions.CommandError(
                "Say which devices: --vendor-id and --product-id, or --resource-class, or all three"
            )
        wish = DeviceWish(
            name=parsed_args.name,
            device_type=parsed_args.device_type,
            live_migratable=parsed_args.live_migratable == "yes",
            vendor_id=parsed_args.vendor_id,
            product_id=parsed_args.product_id,
            resource_class=parsed_args.resource_class,
            numa_policy=parsed_args.numa_policy,
            traits=tuple(parsed_args.trait),
        )
        try:
            composition = compose(wish, NovaRelease(parsed_args.nova_release))
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc
        for line in composition.lines:
            self.app.stdout.write(f"{line}\n")
