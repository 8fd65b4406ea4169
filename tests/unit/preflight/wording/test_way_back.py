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

"""A guest that runs is never rebooted to bring its server back from ERROR."""

from __future__ import annotations

import testtools

from tests.unit.migration.records import migration
from tests.unit.preflight.scenario import SERVER_ID, facts
from vfio_lm.preflight.wording.way_back import is_left_running, set_active, way_back


class TestWayBack(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = facts(server={"status": "ERROR", "vm_state": "error"}).server
        self.stopped = facts(
            server={"status": "ERROR", "vm_state": "error", "power_state": 4}
        ).server

    def test_after_a_failed_live_migration_a_guest_that_runs_is_said_to_be_well(self) -> None:
        for status in ("error", "failed", "cancelled"):
            remedy = way_back(self.server, migration(status=status))
            self.assertIn(set_active(SERVER_ID), remedy)
            self.assertNotIn("--hard", remedy)

    def test_that_is_not_so_of_another_history(self) -> None:
        elsewhere = migration(source="compute9")
        for last in (None, elsewhere, migration(status="completed"), migration(status="running")):
            self.assertFalse(is_left_running(self.server, last))
            remedy = way_back(self.server, last)
            self.assertIn("event list", remedy)
            self.assertNotIn("--hard", remedy)
        self.assertFalse(is_left_running(facts().server, migration()))

    def test_a_guest_that_does_not_run_is_started(self) -> None:
        self.assertFalse(is_left_running(self.stopped, migration()))
        self.assertIn(f"reboot --hard {SERVER_ID}", way_back(self.stopped, migration()))
