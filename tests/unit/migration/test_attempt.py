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

"""What belongs to a live migration among the records of nova."""

import types

import testtools

from tests.unit.migration.records import SERVER, action, event, later, migration
from vfio_lm.cloud.model.migration import LIVE_MIGRATION_CANCEL
from vfio_lm.errors import NotFoundError
from vfio_lm.migration import collect_attempt, find_migration


def nova(*actions, records=()):
    by_request = {each.request_id: each for each in actions}
    return types.SimpleNamespace(
        actions=lambda server_id: actions,
        action=lambda server_id, request_id: by_request.get(request_id),
        migrations=lambda server_id: iter(records),
        newest_migration=lambda server_id: next(iter(records), None),
    )


class TestRecords(testtools.TestCase):
    def test_the_request_is_the_last_one_before_the_record(self):
        requests = [
            action(request_id="req-later", started_at=later(60)),
            action(event(), request_id="req-this", started_at=later(-1)),
            action(request_id="req-stop", name="stop", started_at=later(-0.5)),
            action(request_id="req-before", started_at=later(-60)),
        ]
        found = collect_attempt(nova(*requests), migration())
        self.assertEqual("req-this", found.action.request_id)

    def test_an_abort_belongs_to_the_migration_in_whose_time_it_was_asked_for(self):
        cancels = [
            action(name=LIVE_MIGRATION_CANCEL, request_id=str(seconds), started_at=later(seconds))
            for seconds in (-60, 2, 60)
        ]
        found = collect_attempt(nova(*cancels), migration())
        self.assertEqual(["2"], [cancel.request_id for cancel in found.cancels])
        self.assertIsNone(found.action)

    def test_a_migration_is_found_by_either_id(self):
        records = (migration(id=8, uuid="eight"), migration(id=7, uuid="seven"))
        self.assertEqual(8, find_migration(nova(records=records), SERVER).id)
        for number in ("7", "seven"):
            self.assertEqual(7, find_migration(nova(records=records), SERVER, number).id)
        self.assertRaises(NotFoundError, find_migration, nova(records=records), SERVER, "9")
        self.assertRaises(NotFoundError, find_migration, nova(), SERVER)
