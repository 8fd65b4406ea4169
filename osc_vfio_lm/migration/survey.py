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

"""``openstack vfio migration check`` of many servers: one line, or one report, for each."""

from __future__ import annotations

import argparse
import collections
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_vfio_lm import command, preflight_inputs, streamed_list
from osc_vfio_lm.migration import server_selection
from vfio_lm.progress_line import ProgressLine

if TYPE_CHECKING:
    from vfio_lm.preflight import Report, Stage, Survey, Verdict

#: Exit status by verdict, the worst one first; 1 is left for a command that failed itself.
EXIT_STATUS = {"blocked": 2, "unknown": 3, "ready": 0}

#: Formats that show whole reports as objects; the others show a table.
STRUCTURED_FORMATS = ("json", "yaml")

#: What is counted, by vfio_lm.preflight.Stage.
_STAGES = {"holdings": "Requests to placement", "checks": "Servers checked"}


class CheckServers(command.Lister):
    """What the command does unless it is about a single server; it has no parser of its own."""

    _survey: Survey
    _files: Sequence[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._verdicts: collections.Counter[Verdict] = collections.Counter()

    def run(self, parsed_args: argparse.Namespace) -> int:
        return super().run(parsed_args) or self._exit_status()

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from osc_vfio_lm.migration import survey_table
        from vfio_lm.errors import VfioLmError
        from vfio_lm.preflight import check_servers

        connection = self.app.client_manager.sdk_connection
        is_structured = parsed_args.formatter in STRUCTURED_FORMATS
        # On one terminal the count would stand between the lines of the reports.
        line = None if is_structured and self.app.stdout.isatty() else ProgressLine(self.app.stderr)

        def progress(stage: Stage, done: int, total: int) -> None:
            if line is not None:
                line.show(f"{_STAGES[stage.value]}: {done:,} of {total:,}")

        try:
            inputs = preflight_inputs.read(parsed_args)
            self._files = inputs.files
            self._survey = check_servers(
                connection,
                server_selection.read(parsed_args, connection),
                inputs,
                host=parsed_args.host,
                progress=progress,
            )
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc
        reports = self._reports(line)
        if is_structured:
            return _columns_and_rows(reports, parsed_args.columns)
        rows = (survey_table.row(report, is_long=parsed_args.long) for report in reports)
        return survey_table.COLUMNS, sorted(rows, key=lambda row: (row[1], row[0]))

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        from osc_vfio_lm.migration import report_table, survey_table

        if parsed_args.formatter == "table":
            self._say(self.app.stdout, [survey_table.headline(self._verdicts), ""])
            status = super().produce_output(parsed_args, column_names, data)
            self._say(self.app.stdout, survey_table.others(self._survey))
            self._say(self.app.stdout, survey_table.hint(self._verdicts))
            self._say(self.app.stdout, report_table.files(self._files))
            return status
        status = 0
        if parsed_args.formatter in STRUCTURED_FORMATS:
            columns, selector = self._generate_columns_and_selector(parsed_args, column_names)
            if selector:
                data = (tuple(self._compress_iterable(row, selector)) for row in data)
            streamed_list.write(self.formatter, columns, data, self.app.stdout, parsed_args)
        else:
            status = super().produce_output(parsed_args, column_names, data)
        self._say(self.app.stderr, survey_table.others(self._survey))
        return status

    def _reports(self, line: ProgressLine | None) -> Iterator[Report]:
        """Yield the reports, and remember nothing but the verdicts."""
        from vfio_lm.errors import VfioLmError

        try:
            for report in self._survey.reports:
                self._verdicts[report.verdict] += 1
                yield report
        except VfioLmError as exc:
            raise exceptions.CommandError(str(exc)) from exc
        finally:
            if line is not None:
                line.erase()

    def _exit_status(self) -> int:
        seen = {verdict.value for verdict in self._verdicts}
        if self._survey.others and not self._survey.others_are_known:
            seen.add("unknown")
        return next((status for name, status in EXIT_STATUS.items() if name in seen), 0)

    @staticmethod
    def _say(stream: Any, lines: Iterable[str]) -> None:
        for line in lines:
            stream.write(f"{line}\n")


def _columns_and_rows(
    reports: Iterable[Report], wanted: Sequence[str]
) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    """Return the keys of the reports, which the first one tells, and their values one by one."""
    whole = (report.to_dict() for report in reports)
    first = next(whole, None)
    if first is None:
        return wanted, ()
    return tuple(first), (tuple(each.values()) for each in itertools.chain([first], whole))
