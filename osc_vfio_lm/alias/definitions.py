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
"""``openstack vfio alias list|show``: the aliases that nova.conf defines."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from vfio_lm.text import no_such

if TYPE_CHECKING:
    from vfio_lm.inventory import AliasUsage
    from vfio_lm.pci import Alias


class ListAlias(command.Lister):
    _description = """\
List PCI aliases

Shows what flavors can ask for, as nova reads [pci]alias: the devices meant, whether a server that
uses the alias can live migrate (yes, no, or unspecified, which nova treats as no), the traits that
placement is asked for, and the trait that flavors with the alias may require or forbid of hosts
where an agent keeps it true. Only --long asks the cloud."""

    auth_required = False
    exit_statuses = ((0, "the aliases are listed, also if there is none"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        inputs.add_api_conf(parser)
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

        from vfio_lm.pci import read_nova_conf

        paths = inputs.required_api_conf_paths(parsed_args)
        defined = read_nova_conf(paths).aliases
        self.nothing = f"no [pci]alias is set in {', '.join(paths)}"
        columns: tuple[str, ...] = (
            "Name",
            "Device Type",
            "Resource Class or IDs",
            "Live Migratable",
            "Required Traits",
            "Host Traits",
        )
        if not parsed_args.long:
            return columns, map(_row, defined.values())
        usage = _usage(self) if defined else {}
        columns += ("NUMA Policy", "Defined In", "Flavors", "Server Count")
        return columns, (
            (
                *_row(alias),
                alias.numa_policy,
                format_columns.ListColumn(list(alias.locations)),
                format_columns.ListColumn(list(usage[name].flavors) if name in usage else []),
                len(usage[name].servers) if name in usage else 0,
            )
            for name, alias in defined.items()
        )


class ShowAlias(command.ShowOne):
    _description = """\
Show a PCI alias

Only --long asks the cloud."""

    auth_required = False
    exit_statuses = ((0, "the alias is shown"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("alias", metavar="<alias>", help="Alias to show (name)")
        inputs.add_api_conf(parser)
        parser.add_argument(
            "--long",
            action="store_true",
            help="Show the names of the flavors and the IDs of the servers that use it, too",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from osc_lib.cli import format_columns

        from vfio_lm.pci import read_nova_conf

        paths = inputs.required_api_conf_paths(parsed_args)
        defined = read_nova_conf(paths).aliases
        if parsed_args.alias not in defined:
            where = f"in {', '.join(paths)}"
            raise exceptions.CommandError(no_such(f"alias {where}", parsed_args.alias, defined))
        alias = defined[parsed_args.alias]
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
            "defined_in": format_columns.ListColumn(list(alias.locations)),
        }
        if parsed_args.long:
            used = _usage(self).get(alias.name)
            fields["flavors"] = format_columns.ListColumn(list(used.flavors) if used else [])
            fields["servers"] = format_columns.ListColumn(list(used.servers) if used else [])
        return tuple(fields), tuple(fields.values())


def _usage(asking: ListAlias | ShowAlias) -> Mapping[str, AliasUsage]:
    """Ask nova who uses the aliases."""
    from vfio_lm.cloud.snapshot import WholeCloud
    from vfio_lm.inventory import collect_alias_usage

    # Only with --long the command needs to authenticate, which the shell does before it knows
    # the options.
    asking.auth_required = True
    asking.app.prepare_to_run_command(asking)
    return collect_alias_usage(WholeCloud(asking.app.client_manager.sdk_connection))


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
