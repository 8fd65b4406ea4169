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

"""``openstack vfio flavor …``: flavors that ask for PCI devices by alias."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cliff import columns as cliff_columns
from osc_lib import exceptions
from osc_lib.cli import parseractions

from osc_vfio_lm import command, nova_conf

if TYPE_CHECKING:
    from vfio_lm.cloud.model import CloudFlavor
    from vfio_lm.cloud.nova import ComputeClient
    from vfio_lm.inventory import AliasUse, PciFlavor

_GROUP_POLICIES = ("none", "isolate")

_UNCHECKED = "without a nova.conf (--nova-conf) it is not checked whether the aliases are defined"


class AliasesColumn(cliff_columns.FormattableColumn[Mapping[str, int]]):
    """Devices by alias, as the flavor's extra spec has them."""

    def human_readable(self) -> str:
        return ", ".join(f"{name}:{count}" for name, count in self._value.items())

    def machine_readable(self) -> dict[str, int]:
        return dict(self._value)


class CreateFlavor(command.ShowOne):
    _description = """\
Create a flavor that asks for PCI devices by alias

Everything else is as with 'openstack flavor create'. With --nova-conf the aliases must be
defined there."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<flavor-name>", help="New flavor name")
        parser.add_argument("--id", metavar="<id>", help="Unique flavor ID")
        parser.add_argument(
            "--ram",
            type=int,
            metavar="<size-mb>",
            default=256,
            help="Memory size in MB (default 256M)",
        )
        parser.add_argument(
            "--disk",
            type=int,
            metavar="<size-gb>",
            default=0,
            help="Disk size in GB (default 0G)",
        )
        parser.add_argument(
            "--ephemeral",
            type=int,
            metavar="<size-gb>",
            default=0,
            help="Ephemeral disk size in GB (default 0G)",
        )
        parser.add_argument(
            "--swap",
            type=int,
            metavar="<size-mb>",
            default=0,
            help="Additional swap space size in MB (default 0M)",
        )
        parser.add_argument(
            "--vcpus", type=int, metavar="<vcpus>", default=1, help="Number of vcpus (default 1)"
        )
        parser.add_argument("--rxtx-factor", type=float, metavar="<factor>", help="RX/TX factor")
        public_group = parser.add_mutually_exclusive_group()
        public_group.add_argument(
            "--public",
            dest="public",
            action="store_true",
            default=True,
            help="Flavor is available to other projects (default)",
        )
        public_group.add_argument(
            "--private",
            dest="public",
            action="store_false",
            help="Flavor is not available to other projects",
        )
        parser.add_argument(
            "--property",
            metavar="<key=value>",
            action=parseractions.KeyValueAction,
            dest="properties",
            default={},
            help="Property to add for this flavor (repeat option to set multiple properties)",
        )
        parser.add_argument(
            "--project",
            metavar="<project>",
            help="Allow <project> to access private flavor (name or ID) "
            "(Must be used with --private option)",
        )
        parser.add_argument(
            "--project-domain",
            metavar="<project-domain>",
            help="Domain the project belongs to (name or ID). This can be used in case "
            "collisions between project names exist.",
        )
        parser.add_argument(
            "--description", metavar="<description>", help="Description for the flavor"
        )
        _add_alias_option(parser, is_required=True)
        _add_policy_options(parser)
        _add_dry_run_option(parser, "Show the flavor as it would be, and create nothing")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from vfio_lm.cloud.model import NewFlavor
        from vfio_lm.errors import VfioLmError
        from vfio_lm.inventory.flavor import alias_use, desired_specs, parse_counts
        from vfio_lm.inventory.write_flavor import create_flavor
        from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC

        if parsed_args.project and parsed_args.public:
            raise exceptions.CommandError("--project is only allowed with --private")
        if ALIAS_EXTRA_SPEC in parsed_args.properties:
            raise exceptions.CommandError(
                f"aliases are given with --alias, not with --property {ALIAS_EXTRA_SPEC}"
            )
        new = NewFlavor(
            name=parsed_args.name,
            id=parsed_args.id,
            vcpus=parsed_args.vcpus,
            ram_mib=parsed_args.ram,
            root_gib=parsed_args.disk,
            ephemeral_gib=parsed_args.ephemeral,
            swap_mib=parsed_args.swap,
            is_public=parsed_args.public,
            rxtx_factor=parsed_args.rxtx_factor,
            description=parsed_args.description,
        )
        try:
            aliases = nova_conf.read_aliases(parsed_args)
            if aliases is None:
                self.log.warning(_UNCHECKED)
            extra_specs = desired_specs(
                parsed_args.properties,
                parse_counts(parsed_args.aliases),
                group_policy=parsed_args.group_policy,
                host_trait=parsed_args.host_trait,
                aliases=aliases,
            )
            if parsed_args.dry_run:
                flavor = new.as_created(extra_specs)
            else:
                flavor = create_flavor(
                    _nova(self), new, extra_specs, self._project_ids(parsed_args)
                )
            return _shown(flavor, alias_use(flavor.flavor.extra_specs, aliases))
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc

    def _project_ids(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        from openstack import exceptions as sdk_exceptions

        if parsed_args.project is None:
            return ()
        identity: Any = self.app.client_manager.sdk_connection.identity
        domain, query = parsed_args.project_domain, {}
        try:
            if domain is not None:
                query["domain_id"] = identity.find_domain(domain, ignore_missing=False).id
            project = identity.find_project(parsed_args.project, ignore_missing=False, **query)
        except sdk_exceptions.SDKException as exc:
            raise exceptions.CommandError(str(exc)) from exc
        return (str(project.id),)


class SetFlavor(command.Command):
    _description = """\
Change which PCI devices a flavor asks for

What a server asked for is stored with it: a flavor that servers run on is not changed, unless
--force is given. Setting what is set already changes nothing."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="<flavor>", help="Flavor to modify (name or ID)")
        parser.add_argument(
            "--no-alias",
            action="store_true",
            help="Remove all aliases from this flavor (specify both --no-alias and --alias to "
            "remove the current aliases before setting new ones)",
        )
        _add_alias_option(parser)
        _add_policy_options(parser)
        _add_change_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from vfio_lm.errors import VfioLmError
        from vfio_lm.inventory.flavor import current_counts, desired_specs, parse_counts

        try:
            wanted = parse_counts(parsed_args.aliases)
            aliases = nova_conf.read_aliases(parsed_args)
            if wanted and aliases is None:
                self.log.warning(_UNCHECKED)
            flavor = _nova(self).flavor(parsed_args.flavor)
            before = flavor.flavor.extra_specs
            counts = {} if parsed_args.no_alias else current_counts(before)
            after = desired_specs(
                before,
                counts | wanted,
                group_policy=parsed_args.group_policy,
                host_trait=parsed_args.host_trait,
                aliases=aliases,
            )
            _change(self, parsed_args, flavor, after)
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc


class UnsetFlavor(command.Command):
    _description = """\
Remove PCI devices from a flavor

What a server asked for is stored with it: a flavor that servers run on is not changed, unless
--force is given. Removing what is not there changes nothing."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="<flavor>", help="Flavor to modify (name or ID)")
        parser.add_argument(
            "--alias",
            metavar="<name>",
            action="append",
            default=[],
            dest="aliases",
            help="Alias to remove from flavor (repeat option to remove multiple aliases)",
        )
        parser.add_argument(
            "--group-policy", action="store_true", help="Remove the group policy from flavor"
        )
        parser.add_argument(
            "--host-trait",
            action="store_true",
            help="Do not require or forbid hosts with HW_PCI_LIVE_MIGRATABLE any longer",
        )
        _add_change_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from vfio_lm.errors import VfioLmError
        from vfio_lm.inventory.flavor import without

        try:
            flavor = _nova(self).flavor(parsed_args.flavor)
            after = without(
                flavor.flavor.extra_specs,
                parsed_args.aliases,
                group_policy=parsed_args.group_policy,
                host_trait=parsed_args.host_trait,
            )
            _change(self, parsed_args, flavor, after)
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc


class ListFlavor(command.Lister):
    _description = """\
List flavors that ask for PCI devices by alias

Live Migratable is what the aliases together say, which only nova.conf tells:
  yes            nova live migrates the servers of the flavor
  no             nova does not: every alias says no
  unspecified    nova does not: no alias says anything
  mixed          nova does not: the aliases differ
  alias unknown  the definition of an alias is not in the files given with --nova-conf
  malformed      nova cannot read the flavor's extra spec"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        nova_conf.add_option(parser)
        parser.add_argument("--long", action="store_true", help="List additional fields in output")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.errors import VfioLmError
        from vfio_lm.inventory import collect_flavors

        try:
            found = collect_flavors(
                self.app.client_manager.sdk_connection, nova_conf.read_aliases(parsed_args)
            )
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc
        columns: tuple[str, ...] = ("ID", "Name", "Aliases", "Live Migratable", "Servers")
        if parsed_args.long:
            columns += ("Outdated Servers", "VCPUs", "RAM", "Disk", "Is Public", "Properties")
        return columns, (_row(item, parsed_args.long) for item in found)


class ShowFlavor(command.ShowOne):
    _description = """\
Show a flavor that asks for PCI devices by alias

Outdated servers are those that asked for other devices when they were made, and keep these."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="<flavor>", help="Flavor to display (name or ID)")
        nova_conf.add_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from vfio_lm.errors import VfioLmError
        from vfio_lm.inventory import find_flavor

        try:
            item = find_flavor(
                self.app.client_manager.sdk_connection,
                parsed_args.flavor,
                nova_conf.read_aliases(parsed_args),
            )
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc
        columns, values = _shown(item.flavor, item.use)
        return (
            (*columns, "servers", "outdated_servers"),
            (*values, item.servers, item.outdated_servers),
        )


def _add_alias_option(parser: argparse.ArgumentParser, is_required: bool = False) -> None:
    parser.add_argument(
        "--alias",
        metavar="<name>[:<count>]",
        action="append",
        default=[],
        required=is_required,
        dest="aliases",
        help="Alias of [pci]alias to ask for, and how many devices of it (default: 1) "
        "(repeat option to ask for devices of multiple aliases)",
    )


def _add_policy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--group-policy",
        choices=_GROUP_POLICIES,
        help="Whether all devices must come from different providers (isolate) or need not (none)",
    )
    parser.add_argument(
        "--host-trait",
        action="store_true",
        help="Require hosts with the trait HW_PCI_LIVE_MIGRATABLE for aliases that say yes, and "
        "forbid them for aliases that say no. Only right where an agent keeps this trait on the "
        "root provider of each host: elsewhere no host is left (needs --nova-conf)",
    )
    nova_conf.add_option(parser)


def _add_dry_run_option(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--dry-run", action="store_true", help=text)


def _add_change_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force",
        action="store_true",
        help="Change the devices although servers run on the flavor; these keep what they have",
    )
    _add_dry_run_option(parser, "Print what would be changed, and change nothing")


def _nova(this: command.Command) -> ComputeClient:
    from vfio_lm.cloud.nova import ComputeClient

    return ComputeClient(this.app.client_manager.sdk_connection.compute)


def _change(
    this: command.Command,
    parsed_args: argparse.Namespace,
    flavor: CloudFlavor,
    after: Mapping[str, str],
) -> None:
    """Bring a flavor's extra specs to what they shall be, or only say how."""
    from vfio_lm.inventory.flavor import change, keeps_host_trait, refuse_while_in_use
    from vfio_lm.inventory.write_flavor import apply_change

    wanted = change(flavor.flavor.extra_specs, after)
    if wanted.is_about_devices and not parsed_args.force:
        refuse_while_in_use(flavor, _nova(this).servers())
    if keeps_host_trait(wanted, after):
        this.log.warning(
            "flavor %s still asks for hosts by the trait that its aliases needed before",
            flavor.name,
        )
    if not parsed_args.dry_run:
        apply_change(_nova(this), flavor, wanted)
        return
    for key, value in sorted(wanted.set.items()):
        this.app.stdout.write(f"set {key}={value}\n")
    for key in wanted.unset:
        this.app.stdout.write(f"unset {key}\n")


def _row(item: PciFlavor, is_long: bool) -> tuple[Any, ...]:
    row: tuple[Any, ...] = (
        item.flavor.id,
        item.flavor.name,
        AliasesColumn(item.use.counts),
        item.use.meaning.value,
        item.servers,
    )
    if not is_long:
        return row
    from osc_lib.cli import format_columns

    size = item.flavor.flavor
    return (
        *row,
        item.outdated_servers,
        size.vcpus,
        size.ram_mib,
        size.root_gib,
        item.flavor.is_public,
        format_columns.DictColumn(dict(size.extra_specs)),
    )


def _shown(flavor: CloudFlavor, use: AliasUse | None) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    from osc_lib.cli import format_columns

    size = flavor.flavor
    fields = {
        "id": flavor.id,
        "name": flavor.name,
        "description": flavor.description,
        "aliases": AliasesColumn(use.counts if use else {}),
        "live_migratable": use.meaning.value if use else None,
        "vcpus": size.vcpus,
        "ram": size.ram_mib,
        "disk": size.root_gib,
        "ephemeral": size.ephemeral_gib,
        "swap": size.swap_mib,
        "is_public": flavor.is_public,
        "properties": format_columns.DictColumn(dict(size.extra_specs)),
    }
    return tuple(fields), tuple(fields.values())
