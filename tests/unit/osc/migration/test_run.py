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

"""``openstack vfio migration abort`` asks before it does what puts a server into ERROR."""

import dataclasses
import io
import os
import signal
from unittest import mock

import testtools
from osc_lib import exceptions

from osc_vfio_lm.command import Ended
from osc_vfio_lm.migration.run import AbortMigration, StartMigration
from tests.unit.drain.doubles import server
from tests.unit.migration.records import SERVER, migration
from vfio_lm.cloud.model import Progress
from vfio_lm.cloud.nova import MigrationClient


class _Typed(io.StringIO):
    def isatty(self):
        return True


class TestStartIsInterrupted(testtools.TestCase):
    def start(self, interrupts, *options):
        """Press Ctrl-C while nova is asked; return the exit status and what was said."""

        def live_migrate(server_id, host):
            for _ in range(interrupts):
                os.kill(os.getpid(), signal.SIGINT)
            return "req-1"

        app = mock.Mock(stderr=io.StringIO())
        command = StartMigration(app, None)
        parsed = command.get_parser("start").parse_args(
            ["vm", "--vfio-preflight", "skip", *options]
        )
        client = mock.create_autospec(MigrationClient, instance=True)
        client.server.return_value = dataclasses.replace(server("vm"), task_state=None)
        client.newest_migration.return_value = None
        client.live_migrate.side_effect = live_migrate
        with mock.patch.object(MigrationClient, "of", return_value=client):
            try:
                command.take_action(parsed)
                status = command.status
            except Ended as end:
                status = end.status
        return status, app.stderr.getvalue()

    def test_once_while_nova_is_asked_it_is_known_that_it_has_begun(self):
        status, said = self.start(1, "--wait")
        self.assertEqual(130, status)
        self.assertIn("Not waiting any longer; the live migration goes on.", said)
        self.assertIn("openstack vfio migration show vm", said)
        self.assertEqual(0, self.start(1)[0])

    def test_twice_while_nova_is_asked_it_may_have_begun(self):
        for options in ((), ("--wait",)):
            status, said = self.start(2, *options)
            self.assertEqual(130, status)
            self.assertIn("Interrupted before nova answered; the live migration may have", said)
            self.assertIn("openstack vfio migration show vm", said)


class TestAbort(testtools.TestCase):
    def abort(self, *options, status="running", typed=None):
        """Run the command; return whether nova was asked."""
        stdin = io.StringIO() if typed is None else _Typed(typed)
        self.app = mock.Mock(stderr=io.StringIO(), stdin=stdin)
        command = AbortMigration(self.app, None)
        parsed = command.get_parser("abort").parse_args([*options, "vm"])
        progress = Progress(migration(status=status), memory=None, disk=None)
        server = mock.Mock(id=SERVER)
        client = mock.create_autospec(MigrationClient, instance=True)
        client.server.return_value = server
        client.in_progress.return_value = progress
        self.asked = client.abort
        with mock.patch.object(MigrationClient, "of", return_value=client):
            command.take_action(parsed)
        return self.asked.called

    def test_one_that_is_queued_is_aborted_at_once(self):
        self.assertTrue(self.abort(status="queued"))
        self.assertEqual("", self.app.stderr.getvalue())

    def test_one_that_runs_is_aborted_once_somebody_says_so(self):
        self.assertTrue(self.abort(typed="y\n"))
        said = self.app.stderr.getvalue()
        self.assertIn("put the server into ERROR", said)
        self.assertIn(f"openstack server set --auto-approve --state active {SERVER}", said)
        for typed in ("n\n", "\n", ""):
            self.assertRaises(exceptions.CommandError, self.abort, typed=typed)
            self.asked.assert_not_called()

    def test_a_script_has_to_say_so_beforehand(self):
        refused = self.assertRaises(exceptions.CommandError, self.abort)
        self.asked.assert_not_called()
        self.assertIn("--yes", str(refused))
        self.assertTrue(self.abort("--yes"))
