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
import collections
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, inputs, streamed_list
from osc_vfio_lm.migration import server_selection, watch
from vfio_lm.progress_line import ProgressLine

if TYPE_CHECKING:
    from osc_vfio_lm.migration.rows import RowKind
    from vfio_lm.preflight import Report, Stage, Survey

_BLOCKED = 2
_UNKNOWN = 3

#: Exit status by verdict, the worst one first.
_STATUSES = {"blocked": _BLOCKED, "unknown": _UNKNOWN, "ready": 0}

#: Formats that show whole reports unless columns are named; the others show rows.
_STRUCTURED = ("json", "yaml")

#: What is counted, by vfio_lm.preflight.Stage.
_STAGES = {"holdings": "Requests to placement", "checks": "Servers checked"}


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

Which aliases ask for live migratable devices is known to nova.conf, which is read for [pci]alias
and [filter_scheduler]pci_in_placement: without one, and without nova's own word (--nova-says), a
server with devices of an alias is never ready. Where PCI devices are not reported in placement,
only the hosts know which are free: give the nova.conf of each host (--nova-conf HOST=FILE or
--nova-conf-dir), and what 'vfio-lm-host probe' wrote there (--host-facts).

With --watch the command waits until the server is ready or its verdict changes, for instance while
other servers leave a host or a service comes back.

The formats json and yaml are a list of whole reports with the evidence of each check, also of one
server. The formats csv and value have one row for each server, or with --long for each check. In
every format -c chooses among the columns of servers (Verdict, Ready Destinations), or of their
destinations (Destination, Free Devices), or of their checks (Check, Status, Remedy)."""

    exit_statuses = (
        (0, "ready; of several servers: all are, or there is none"),
        (_BLOCKED, "blocked; of several servers: at least one is"),
        (
            _UNKNOWN,
            "unknown; of several servers: one is, none is blocked (see --fail-on)",
        ),
    )

    _kind: RowKind | None = None
    """What the rows are about; None: whole reports."""
    _only: Report | None = None
    """The report of the one server whose report is shown for people to read."""
    _survey: Survey | None = None
    """The reports of many servers."""
    _files: Sequence[str] = ()
    _ignores_unknown = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._verdicts: collections.Counter[Any] = collections.Counter()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        server_selection.add_arguments(parser)
        parser.add_argument(
            "--host",
            metavar="<hostname>",
            help="Check this destination only, as with 'openstack server migrate --host' "
            "(default: every other host)",
        )
        inputs.add_preflight_inputs(parser)
        watch.add_arguments(parser)
        parser.add_argument(
            "--fail-on",
            choices=("unknown", "blocked"),
            default="unknown",
            help="With blocked, the exit status of an unknown verdict is 0, too (default: unknown)",
        )
        parser.add_argument(
            "--long",
            action="store_true",
            help="List every check of every destination, also what passes, and what is "
            "missing for each unknown answer; of several servers, list what the checks say that "
            "are in the way",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from osc_vfio_lm.migration import report_table

        watch.refuse_nonsense(parsed_args)
        self._kind = _row_kind(parsed_args)
        self._ignores_unknown = parsed_args.fail_on == "blocked"
        reports = self._reports(parsed_args)
        is_table = parsed_args.formatter == "table" and not parsed_args.columns
        if is_table and server_selection.is_one(parsed_args):
            (self._only,) = reports
            if parsed_args.long:
                return report_table.CHECK_COLUMNS, report_table.checks(self._only)
            return report_table.DESTINATION_COLUMNS, report_table.destinations(self._only)
        kind = self._kind
        if kind is None:
            return _documents(reports)
        rows = itertools.chain.from_iterable(
            kind.rows(report, parsed_args.long) for report in reports
        )
        return kind.columns, sorted(rows, key=lambda row: (row[1], row[0]))

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        if self._only is not None:
            self._show_report(self._only, parsed_args, column_names, data)
        elif self._kind is None:
            streamed_list.write(self.formatter, column_names, data, self.app.stdout, parsed_args)
        elif self._survey and parsed_args.formatter == "table" and not parsed_args.columns:
            self._show_survey(self._survey, parsed_args, column_names, data)
            return 0
        else:
            super().produce_output(parsed_args, column_names, data)
        if self._survey is not None:
            from osc_vfio_lm.migration import survey_words

            self.say(*survey_words.others(self._survey))
        return 0

    @property
    def status(self) -> int:  # type: ignore[override]
        """The exit status of the worst verdict."""
        seen = {verdict.value for verdict in self._verdicts}
        survey = self._survey
        if survey is not None and survey.others and not survey.others_are_known:
            seen.add("unknown")
        if self._ignores_unknown:
            seen.discard("unknown")
        return next((status for name, status in _STATUSES.items() if name in seen), 0)

    def _reports(self, parsed_args: argparse.Namespace) -> Iterator[Report]:
        """Return the reports, and count their verdicts as they come."""
        from vfio_lm.preflight import check_servers

        connection = self.app.client_manager.sdk_connection
        if server_selection.is_one(parsed_args):
            return self._counted([self._one(parsed_args)], None)
        known = inputs.read_preflight_inputs(parsed_args)
        self._files = known.files
        # On one terminal the count would stand between the lines of the reports.
        is_mixed = self._kind is None and self.app.stdout.isatty()
        line = None if is_mixed else ProgressLine(self.app.stderr)

        def progress(stage: Stage, done: int, total: int) -> None:
            if line is not None:
                line.show(f"{_STAGES[stage.value]}: {done:,} of {total:,}")

        selection = server_selection.read(parsed_args, connection)
        self._survey = check_servers(
            connection, selection, known, host=parsed_args.host, progress=progress
        )
        return self._counted(self._survey.reports, line)

    def _one(self, parsed_args: argparse.Namespace) -> Report:
        """Return the report of one server; the last one, where it is watched."""
        from vfio_lm.preflight import check_with

        (name,) = parsed_args.server
        connection = self.app.client_manager.sdk_connection

        def give() -> Report:
            # The files are read each time: they may be what changes.
            known = inputs.read_preflight_inputs(parsed_args)
            return check_with(connection, name, known, host=parsed_args.host)

        if not parsed_args.watch:
            return give()
        return watch.until_changed(give, parsed_args.timeout, ProgressLine(self.app.stderr))

    def _counted(self, reports: Iterable[Report], line: ProgressLine | None) -> Iterator[Report]:
        """Yield reports, and remember nothing but the verdicts."""
        try:
            for report in reports:
                self._verdicts[report.verdict] += 1
                yield report
        finally:
            if line is not None:
                line.erase()

    def _show_report(
        self,
        report: Report,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> None:
        from osc_vfio_lm import screen
        from osc_vfio_lm.migration import report_text

        first, *others = screen.prose(report_text.headline(report))
        self.write([screen.coloured(first, report.verdict.value, self.app.stdout), *others])
        self._write_section(report_text.actions(report, in_full=parsed_args.long))
        if report.destinations or parsed_args.long:
            self.write([""])
            super().produce_output(parsed_args, column_names, data)
        self._write_section(report_text.notes(report, in_full=parsed_args.long))
        self._write_section(report_text.sources(report))

    def _show_survey(
        self,
        survey: Survey,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> None:
        from osc_vfio_lm.migration import report_text, survey_words

        self.write([survey_words.headline(self._verdicts), ""])
        if self._verdicts:
            super().produce_output(parsed_args, column_names, data)
        self.write(survey_words.others(survey))
        self.write(survey_words.hint(self._verdicts))
        self.write(report_text.files(self._files))

    def _write_section(self, lines: Iterable[str]) -> None:
        """Print lines that belong together, with an empty one before them."""
        first, *others = (*lines,) or ("",)
        if first:
            self.write(["", first, *others])


def _row_kind(parsed_args: argparse.Namespace) -> RowKind | None:
    """Return what rows are asked for.

    :raises osc_lib.exceptions.CommandError: if -c names columns of different rows, or of none
    """
    from osc_vfio_lm.migration import rows

    if not parsed_args.columns and parsed_args.formatter in _STRUCTURED:
        return None
    if not parsed_args.columns and parsed_args.formatter == "table":
        return rows.SERVERS
    kind = rows.kind_of(tuple(parsed_args.columns), is_long=parsed_args.long)
    if kind is None:
        known = "; ".join(
            f"of {each.things}: {', '.join(each.columns)}"
            for each in (rows.SERVERS, rows.DESTINATIONS, rows.CHECKS)
        )
        raise exceptions.CommandError(
            f"argument -c/--column: no rows have the columns {', '.join(parsed_args.columns)}; "
            f"there are {known}"
        )
    return kind


def _documents(reports: Iterable[Report]) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    """Return the keys of whole reports, taken from the first, and their values one by one."""
    whole = (report.to_dict() for report in reports)
    first = next(whole, None)
    if first is None:
        return (), ()
    return tuple(first), (tuple(each.values()) for each in itertools.chain([first], whole))
