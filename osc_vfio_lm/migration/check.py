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

"""``openstack vfio migration check``: will servers live migrate, and where to."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from osc_lib import exceptions

from osc_vfio_lm import command, preflight_inputs
from osc_vfio_lm.migration import server_selection
from osc_vfio_lm.migration.survey import EXIT_STATUS, STRUCTURED_FORMATS, CheckServers

if TYPE_CHECKING:
    from cliff.formatters.base import SingleFormatter

    from vfio_lm.preflight import Report


class CheckMigration(command.Lister):
    _description = """\
Check whether servers with VFIO devices can live migrate

Asks nova and placement all that decides a live migration, before anything moves: the state of
the server, what its aliases ask for, the devices it holds, and for each destination whether it
is up, has room, and has enough free devices that are declared live migratable. Nothing is
changed.

The verdict is one of
  ready    nothing is in the way, and there is at least one destination
  blocked  the live migration would be refused; each obstacle comes with its remedy
  unknown  nothing is in the way as far as can be seen, but an input is missing

Of several servers, and of those that --all, --project and --source-host choose, each has one line.
These options choose servers that hold PCI devices, by an alias of the flavor or by a port; the
others are only counted.

Which aliases ask for live migratable devices is known to nova.conf alone, which is read for
[pci]alias and [filter_scheduler]pci_in_placement: without one a server with devices of an alias is
never ready. Where PCI devices are not reported in placement, only the hosts know which are free:
give the nova.conf of each host (--nova-conf HOST=FILE), and what 'vfio-lm-host probe' wrote there
(--host-facts).

The exit status is 0 for ready, 2 for blocked, 3 for unknown, and 1 if the command itself failed; of
several servers 0 if all are ready, 2 if any is blocked, else 3.
The formats json and yaml show the whole report with the evidence of each check, of several servers
a list of reports."""

    report: Report

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        server_selection.add_arguments(parser)
        parser.add_argument(
            "--host",
            metavar="<hostname>",
            help="Check this destination only, as with 'openstack server migrate --host' "
            "(default: every other host)",
        )
        preflight_inputs.add_options(parser)
        parser.add_argument(
            "--long",
            action="store_true",
            help="List every check of every destination, also what passes, and what would settle "
            "what is not known; of several servers, list what the checks say that are in the way",
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        if not server_selection.is_one(parsed_args):
            return CheckServers(self.app, self.app_args, self.cmd_name).run(parsed_args)
        return super().run(parsed_args) or EXIT_STATUS[self.report.verdict.value]

    @property
    def need_sort_by_cliff(self) -> bool:
        return False

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from osc_vfio_lm.migration import report_table
        from vfio_lm.errors import VfioLmError
        from vfio_lm.preflight import check_with

        try:
            self.report = check_with(
                self.app.client_manager.sdk_connection,
                parsed_args.server[0],
                preflight_inputs.read(parsed_args),
                host=parsed_args.host,
            )
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc
        if parsed_args.formatter in STRUCTURED_FORMATS:
            whole = self.report.to_dict()
            return tuple(whole), (tuple(whole.values()),)
        if parsed_args.formatter == "table" and not parsed_args.long:
            return report_table.DESTINATION_COLUMNS, report_table.destinations(self.report)
        rows = report_table.rows(self.report, every_check=parsed_args.long)
        return report_table.COLUMNS, rows

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        from osc_vfio_lm.migration import report_table

        if parsed_args.formatter in STRUCTURED_FORMATS:
            columns, selector = self._generate_columns_and_selector(parsed_args, column_names)
            (values,) = data
            if selector:
                values = tuple(self._compress_iterable(values, selector))
            # These formatters show lists and single objects alike.
            formatter = cast("SingleFormatter", self.formatter)
            formatter.emit_one(columns, values, self.app.stdout, parsed_args)
            return 0
        if parsed_args.formatter != "table":
            return super().produce_output(parsed_args, column_names, data)
        self.app.stdout.write(f"{report_table.headline(self.report)}\n")
        self._say(report_table.obstacles(self.report))
        if not parsed_args.columns:
            # Remedies are long: they stand around the table, not in it.
            parsed_args.columns = [name for name in column_names if name != "Remedy"]
        self.app.stdout.write("\n")
        status = super().produce_output(parsed_args, column_names, data)
        self._say(report_table.notes(self.report, every_remedy=parsed_args.long))
        self._say(report_table.files(self.report.files))
        return status

    def _say(self, lines: Iterable[str]) -> None:
        """Print lines that belong together, with an empty one before them."""
        before = "\n"
        for line in lines:
            self.app.stdout.write(f"{before}{line}\n")
            before = ""
