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

"""A verdict that is asked for again until it changes."""

from __future__ import annotations

import io
import unittest
from unittest import mock

from osc_lib import exceptions

from osc_vfio_lm.migration import watch
from osc_vfio_lm.migration.check import CheckMigration
from tests.unit.clocks import StandingClock
from tests.unit.preflight.scenario import alias, facts
from vfio_lm.errors import CloudError
from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight import Report, Verdict
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks
from vfio_lm.progress_line import ProgressLine


def report(live_migratable: LiveMigratable | None = LiveMigratable.YES) -> Report:
    aliases = None if live_migratable is None else {"vf": alias(live_migratable)}
    return examine(facts(aliases=aliases), installed_checks())


READY = report()
BLOCKED = report(LiveMigratable.NO)
UNKNOWN = report(None)


class UntilChangedTest(unittest.TestCase):
    def watched(self, *answers: Report | CloudError, timeout: float | None = None) -> Report:
        """Return the report in the end; each look takes the next answer, or the last again."""
        self.time = StandingClock()
        left = list(answers)

        def give() -> Report:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, CloudError):
                raise answer
            return answer

        line = ProgressLine(io.StringIO())
        return watch.until_changed(give, timeout, line, self.time.clock())

    def test_a_ready_server_is_not_waited_for(self) -> None:
        self.assertIs(Verdict.READY, self.watched(READY).verdict)
        self.assertEqual([], self.time.naps)

    def test_another_verdict_ends_it(self) -> None:
        for other in (READY, UNKNOWN):
            self.assertIs(other, self.watched(BLOCKED, BLOCKED, BLOCKED, other))
            self.assertEqual(3, len(self.time.naps))

    def test_after_the_limit_the_last_verdict_counts(self) -> None:
        self.assertIs(BLOCKED, self.watched(BLOCKED, timeout=60))
        self.assertEqual(60, self.time.time)

    def test_a_service_may_be_away_for_a_while(self) -> None:
        away = CloudError("nova cannot be reached")
        self.assertIs(READY, self.watched(BLOCKED, away, away, READY))
        with self.assertRaises(CloudError):
            self.watched(away, READY)
        with self.assertRaises(CloudError):
            self.watched(BLOCKED, away, timeout=60)


class OptionsTest(unittest.TestCase):
    def run_command(self, *arguments: str, found: Report = READY) -> int:
        command = CheckMigration(mock.Mock(stdout=io.StringIO(), stderr=io.StringIO()), None)
        with mock.patch("vfio_lm.preflight.check_with", return_value=found):
            return command.run(command.get_parser("check").parse_args([*arguments]))

    def test_several_servers_are_not_watched(self) -> None:
        for arguments in (("--watch", "--all"), ("--watch", "a", "b"), ("--timeout", "9", "a")):
            with self.assertRaises(exceptions.CommandError):
                self.run_command(*arguments)

    def test_a_script_chooses_what_fails(self) -> None:
        for found, chosen, status in (
            (UNKNOWN, (), 3),
            (UNKNOWN, ("--fail-on", "unknown"), 3),
            (UNKNOWN, ("--fail-on", "blocked"), 0),
            (BLOCKED, ("--fail-on", "blocked"), 2),
            (READY, ("--watch", "--fail-on", "blocked"), 0),
        ):
            self.assertEqual(status, self.run_command(*chosen, "a", found=found), chosen)
