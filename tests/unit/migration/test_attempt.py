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

"""What belongs to a live migration among the records of nova and the lines of logs."""

import os
import pathlib
import tempfile
import types

import testtools

from tests.unit.migration.records import REQUEST, SERVER, action, event, later, migration
from vfio_lm.cloud.model.migration import LIVE_MIGRATION_CANCEL
from vfio_lm.errors import NotFoundError
from vfio_lm.migration import collect_attempt, find_migration
from vfio_lm.migration.attempt import LogError

_PREFIX = "2026-11-24 04:08:15.632 11185 ERROR nova.virt.libvirt.driver"
FAILURE = "Live Migration failure: VFIO migration is not supported in kernel"


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


class TestLogs(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "nova-compute.log"

    def read(self, *lines):
        self.path.write_text("\n".join(lines))
        return collect_attempt(nova(action()), migration(), logs=[str(self.path)]).log

    def test_lines_of_the_request_are_about_this_migration(self):
        (words,) = self.read(
            f"{_PREFIX} [None req-{'0' * 8}-0000-0000-0000-{'0' * 12}] [instance: {SERVER}] older",
            f"{_PREFIX} [None {REQUEST} user] [instance: {SERVER}] {FAILURE}",
            f"{_PREFIX} [-] another server's",
        )
        self.assertEqual((FAILURE, True, True), self.facts(words))

    def facts(self, words):
        return words.text, words.is_of_this_migration, words.is_error

    def test_without_the_request_lines_of_the_server_may_be_about_another(self):
        words = self.read(
            f"{_PREFIX} [None req-{'0' * 8}-0000-0000-0000-{'0' * 12}] [instance: {SERVER}] "
            f"{FAILURE}",
            f"{_PREFIX} [-] another server's",
        )
        self.assertEqual([(FAILURE, False, True)], [self.facts(each) for each in words])

    def test_the_log_of_qemu_is_about_one_server_as_a_whole(self):
        words = self.read("-uuid x \\", "vfio: Failed setting device state to RUNNING_P2P")
        self.assertEqual(2, len(words))
        self.assertEqual({(False, False)}, {self.facts(each)[1:] for each in words})

    def test_bytes_that_are_no_text_are_no_obstacle(self):
        self.path.write_bytes(b"\xff\xfe " + REQUEST.encode() + b" \xff ERROR\n")
        attempt = collect_attempt(nova(action()), migration(), logs=[str(self.path)])
        self.assertEqual(1, len(attempt.log))

    def test_a_file_that_is_not_there_is_named(self):
        missing = str(self.path) + ".gone"
        error = self.assertRaises(
            LogError, collect_attempt, nova(action()), migration(), logs=[missing]
        )
        self.assertIn(missing, str(error))

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.path)
        error = self.assertRaises(
            LogError, collect_attempt, nova(action()), migration(), logs=[str(self.path)]
        )
        self.assertEqual(f"{self.path}: is a pipe, not a regular file", str(error))
