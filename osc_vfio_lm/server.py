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

"""``openstack vfio server …``: servers that hold PCI devices, and the way to make them mobile."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from osc_vfio_lm.cells import AliasesColumn, DevicesColumn, LiveMigratableColumn

if TYPE_CHECKING:
    from vfio_lm.inventory import PciServer, UpgradeStep
    from vfio_lm.pci import Alias


class ListServer(command.Lister):
    _description = """\
List servers that hold PCI devices by alias

Devices are those that placement counts: the PF or PCI device, and how many of its units the
server holds. Live Migratable is what each alias of the server's flavor says now, see 'openstack
vfio flavor list'; a server that is older than its alias may have asked for something else.

Whether a server can live migrate, and where to, is the answer of 'openstack vfio migration check';
with --all it checks every server of this list."""

    exit_statuses = ((0, "the servers are listed, also if there is none"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", metavar="<hostname>", help="Search by hostname")
        inputs.add_api_conf(parser)
        parser.add_argument("--long", action="store_true", help="List additional fields in output")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.cloud.snapshot import WholeCloud
        from vfio_lm.inventory import collect_servers

        found = collect_servers(
            WholeCloud(self.app.client_manager.sdk_connection),
            host=parsed_args.host,
            aliases=inputs.read_aliases(parsed_args),
        )
        where = f" on {parsed_args.host}" if parsed_args.host is not None else ""
        self.nothing = f"no server{where} asks for PCI devices by an alias of its flavor"
        columns: tuple[str, ...] = (
            "ID",
            "Name",
            "Status",
            "Host",
            "Flavor",
            "Aliases",
            "Devices",
            "Live Migratable",
        )
        if parsed_args.long:
            columns += ("Project ID", "Created At")
        return columns, (_server_row(item, parsed_args.long) for item in found)


class UpgradePlan(command.Lister):
    _description = """\
Plan how servers with PCI devices become live migratable

What a server asked for is stored with it, so that a better alias does not reach it: it has to be
resized to a flavor whose aliases all have live_migratable=yes. Such a flavor is found where
exactly one has the same size, the same other properties, and asks for the same kinds and numbers
of devices; otherwise name it with --flavor-map. No API shows what is stored with a server: where
the alias itself was changed to yes, name the flavor of the servers that are older with
--flavor-map. A NIC that is a port can be detached and attached again instead.

The plan is printed with the commands that carry it out. With --execute the resizes are done, one
server after the other; each is a cold migration, and the server is down meanwhile. NICs are left
to you. A run that was interrupted is simply repeated: it finds what it began by the tag
vfio-upgrade-plan of the server, and never confirms a resize of anybody else."""

    exit_statuses = (
        (0, "the plan is shown, or with --execute carried out; what is left is listed"),
    )
    nothing = (
        "nothing to do: all aliases that flavors of servers ask for have live_migratable=yes. What "
        "is stored with a server is in no API: if an alias was changed after servers were made, "
        "create a second flavor with it and name both with --flavor-map OLD=NEW"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--flavor-map",
            metavar="<old>=<new>",
            action="append",
            default=[],
            help="Resize servers of flavor <old> to flavor <new> (names or IDs) "
            "(repeat option to map multiple flavors)",
        )
        inputs.add_api_conf(parser)
        parser.add_argument(
            "--execute",
            action="store_true",
            help="Carry out the resizes: confirm what is begun, and if nothing is, begin one",
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="With --execute, go on until every server is resized and confirmed",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.inventory.upgrade import parse_flavor_map
        from vfio_lm.pci import read_nova_conf

        if parsed_args.wait and not parsed_args.execute:
            raise exceptions.CommandError("--wait is only allowed with --execute")
        aliases = read_nova_conf(inputs.required_api_conf_paths(parsed_args)).aliases
        flavor_map = parse_flavor_map(parsed_args.flavor_map)
        steps = self._plan(aliases, flavor_map)
        if parsed_args.execute:
            self._execute(steps, parsed_args.wait)
            steps = self._plan(aliases, flavor_map)
            self.nothing = "nothing is left to do"
        columns = ("ID", "Name", "Host", "Flavor", "Action", "New Flavor", "Reason", "Commands")
        return columns, tuple(_step_row(step) for step in steps)

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        if parsed_args.formatter != "table" or parsed_args.columns:
            return super().produce_output(parsed_args, column_names, data)
        # Commands are there to be pasted: they stand below the table, not in it.
        parsed_args.columns = [name for name in column_names if name != "Commands"]
        rows = tuple(data)
        status = super().produce_output(parsed_args, column_names, rows)
        for row in rows:
            self.write(row[-1].machine_readable())
        return status

    def _plan(
        self, aliases: Mapping[str, Alias], flavor_map: Mapping[str, str]
    ) -> tuple[UpgradeStep, ...]:
        from vfio_lm.cloud.snapshot import WholeCloud
        from vfio_lm.inventory import plan_upgrade

        cloud = WholeCloud(self.app.client_manager.sdk_connection)
        return plan_upgrade(cloud, aliases, flavor_map)

    def _execute(self, steps: Sequence[UpgradeStep], wait: bool) -> None:
        from vfio_lm.cloud.nova import ComputeClient
        from vfio_lm.inventory.execute import UpgradeExecutor

        nova = ComputeClient.of(self.app.client_manager.sdk_connection)
        executor = UpgradeExecutor(nova, self.say)
        if wait:
            executor.run(steps)
        else:
            executor.take_next(steps)


def _server_row(item: PciServer, is_long: bool) -> tuple[Any, ...]:
    row: tuple[Any, ...] = (
        item.server.id,
        item.server.name,
        item.server.status,
        item.server.host or None,
        item.server.flavor.name,
        AliasesColumn(item.use.counts),
        DevicesColumn({device.address: device.units for device in item.devices or ()}),
        LiveMigratableColumn({name: said.value for name, said in item.use.by_alias.items()}),
    )
    if not is_long:
        return row
    created_at = item.server.created_at
    return (*row, item.server.project_id, created_at.isoformat() if created_at else None)


def _step_row(step: UpgradeStep) -> tuple[Any, ...]:
    from osc_lib.cli import format_columns

    return (
        step.server.id,
        step.server.name,
        step.server.host or None,
        step.server.flavor.name,
        step.action.value,
        step.target.name if step.target else None,
        step.reason or None,
        format_columns.ListColumn(list(step.commands)),
    )
