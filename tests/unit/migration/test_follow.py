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

"""Waiting for the end of a live migration, whose signs come one after the other."""

import types

import testtools

from tests.unit.clocks import StandingClock
from tests.unit.migration.records import SERVER, migration
from vfio_lm.cloud.model import Progress
from vfio_lm.migration import Follower


class Nova:
    """A nova that passes through states; each is a task of the server and a record, if any."""

    def __init__(self, *states):
        self._states = list(states)
        self._now = None

    def server(self, server_id):
        self._now = self._states.pop(0)
        return types.SimpleNamespace(task_state=self._now[0])

    def newest_migration(self, server_id):
        return self._now[1]

    def in_progress(self, server_id):
        record = self._now[1]
        return Progress(record, None, None) if record and record.is_in_progress else None


OLD = migration(id=6, status="completed")


def record(status):
    return migration(status=status)


class TestFollower(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.told = []

    def follow(self, *states, timeout=None):
        follower = Follower(Nova(*states), self.told.append, StandingClock().clock())
        return follower.follow(SERVER, OLD.id, timeout)

    def test_the_source_has_to_be_done_too(self):
        end = self.follow(
            ("migrating", OLD),
            ("migrating", record("accepted")),
            ("migrating", record("running")),
            (None, record("running")),
            (None, record("completed")),
        )
        self.assertTrue(end.is_over)
        self.assertEqual("completed", end.migration.status)
        self.assertEqual(["accepted", "running", "running"], [pace.status for pace in self.told])

    def test_the_task_of_a_refused_one_ends_after_its_record(self):
        end = self.follow(("migrating", record("error")), (None, record("error")))
        self.assertEqual("error", end.migration.status)

    def test_an_old_record_is_not_taken_for_the_new_one(self):
        end = self.follow(("migrating", OLD), (None, OLD))
        self.assertTrue(end.is_over)
        self.assertIsNone(end.migration)

    def test_time_is_up(self):
        end = self.follow(*[("migrating", record("running"))] * 5, timeout=3)
        self.assertFalse(end.is_over)
        self.assertEqual("running", end.migration.status)
