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

"""``openstack vfio flavor list|show``: what flavors ask for, and who uses them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from osc_vfio_lm import command, inputs
from osc_vfio_lm.cells import AliasesColumn

if TYPE_CHECKING:
    from vfio_lm.cloud.model import CloudFlavor
    from vfio_lm.inventory import AliasUse, PciFlavor


class ListFlavor(command.Lister):
    _description = """\
List flavors that ask for PCI devices by alias

Live Migratable is what the aliases together say, known from nova.conf only:
  yes            nova live migrates the servers of the flavor
  no             nova does not: every alias says no
  unspecified    nova does not: no alias says anything
  mixed          nova does not: the aliases differ
  alias unknown  the definition of an alias is not in the files given with --nova-conf
  malformed      nova cannot read the flavor's extra spec"""

    exit_statuses = ((0, "the flavors are listed, also if there is none"),)
    nothing = "no flavor asks for PCI devices by alias (extra spec pci_passthrough:alias)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        inputs.add_api_conf(parser)
        parser.add_argument("--long", action="store_true", help="List additional fields in output")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.cloud.snapshot import WholeCloud
        from vfio_lm.inventory import collect_flavors

        cloud = WholeCloud(self.app.client_manager.sdk_connection)
        found = collect_flavors(cloud, inputs.read_aliases(parsed_args))
        columns: tuple[str, ...] = ("ID", "Name", "Aliases", "Live Migratable", "Server Count")
        if parsed_args.long:
            columns += (
                "Outdated Server Count",
                "VCPUs",
                "RAM",
                "Disk",
                "Is Public",
                "Properties",
            )
        return columns, (_row(item, parsed_args.long) for item in found)


class ShowFlavor(command.ShowOne):
    _description = """\
Show a flavor that asks for PCI devices by alias

Outdated servers are those that asked for other devices when they were made, and keep these."""

    exit_statuses = ((0, "the flavor is shown"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="<flavor>", help="Flavor to display (name or ID)")
        inputs.add_api_conf(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from vfio_lm.cloud.snapshot import WholeCloud
        from vfio_lm.inventory import find_flavor

        cloud = WholeCloud(self.app.client_manager.sdk_connection)
        item = find_flavor(cloud, parsed_args.flavor, inputs.read_aliases(parsed_args))
        columns, values = shown(item.flavor, item.use)
        return (
            (*columns, "server_count", "outdated_server_count"),
            (*values, item.servers, item.outdated_servers),
        )


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


def shown(flavor: CloudFlavor, use: AliasUse | None) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Return the properties of a flavor and their values."""
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
