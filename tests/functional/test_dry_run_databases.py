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

"""The dry run with databases that it may only read, and with some that it cannot read."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

from tests.functional.base import Finished
from tests.functional.copied_databases import API, CELL, CopiedDatabases
from tests.functional.dry_running import DryRunTestCase
from vfio_lm.pci.nova_word import Ending, parse_nova_word


class DatabasesTestCase(DryRunTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.boot(self.flavor("vf-yes:1"), "compute1")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.databases = CopiedDatabases(self.cloud, pathlib.Path(folder.name))

    def ask(self, *arguments: str) -> Finished:
        return self.vfio_lm_nova(
            "--config-file", str(self.databases.conf), *(arguments or (self.server,))
        )


class TestLeastRights(DatabasesTestCase):
    def test_a_database_that_can_only_be_read_is_enough(self) -> None:
        finished = self.ask("--facts", self.server)
        self.assertEqual((0, ""), (finished.status, finished.errors))
        word = parse_nova_word(finished.output, "vfio-lm-nova")
        self.assertIs(Ending.ACCEPTED, word.answer(self.server).ending)
        self.assertEqual(3, len(word.hosts))


class TestBadInput(DatabasesTestCase):
    """Each is one line on standard error, and the exit status 1."""

    def assert_refused(self, said: str, *arguments: str) -> None:
        finished = self.ask(*arguments)
        self.assertEqual((1, ""), (finished.status, finished.output), finished.errors)
        self.assert_line(said, finished)

    def assert_half(self, said: str, *arguments: str) -> Any:
        """What can be answered is, and the rest is marked."""
        finished = self.ask(*arguments)
        self.assertEqual(1, finished.status, finished.errors)
        self.assert_line(said, finished)
        word = parse_nova_word(finished.output, "vfio-lm-nova")
        self.assertFalse(word.is_complete)
        self.assertIn(said, "".join(f"{each.subject}: {each.reason}" for each in word.omissions))
        return word

    def assert_line(self, said: str, finished: Finished) -> None:
        (line,) = finished.errors.splitlines()
        self.assertIn(said, line)
        self.assertNotIn("SELECT", line)

    def forbid(self, name: str, table: str) -> None:
        """Take a table away, which is what a right that is missing comes to."""
        self.databases.execute(name, f"ALTER TABLE {table} RENAME TO forbidden_{table}")

    def test_an_api_database_that_does_not_answer(self) -> None:
        self.databases.name_api("sqlite:////nowhere/nova_api.sqlite")
        self.assert_refused("the API database cannot be read: unable to open database file")

    def test_databases_of_another_version(self) -> None:
        for name, command in ((CELL, "nova-manage db sync"), (API, "nova-manage api_db sync")):
            self.databases.execute(name, "UPDATE alembic_version SET version_num = 'older'")
            finished = self.ask()
            self.assertEqual((1, ""), (finished.status, finished.output))
            self.assert_line("is of another version: its schema is older", finished)
            self.assertIn(command, finished.errors)

    def test_a_server_in_a_cell_that_is_down(self) -> None:
        self.databases.name_cell("sqlite:////nowhere/nova_cell1.sqlite")
        self.assert_half(f"server {self.server}: ")
        self.assert_half("cell cell1: ", "--all")
        self.assert_half("host compute1: ", "--source", "compute1")

    def test_an_api_database_without_a_right_to_read(self) -> None:
        self.forbid(API, "aggregates")
        self.assert_refused("nova-scheduler would not start here: ")
        self.forbid(API, "cell_mappings")
        self.assert_refused("the API database cannot be read: no such table: cell_mappings")

    def test_a_cell_without_a_right_to_read(self) -> None:
        self.forbid(CELL, "pci_devices")
        word = self.assert_half("no such table: pci_devices", self.server)
        self.assertEqual((), word.answers)
        self.assert_half("cell cell1: ", "--facts")

    def test_an_api_database_without_a_right_to_read_servers(self) -> None:
        self.forbid(API, "request_specs")
        self.assert_half("no such table: request_specs", self.server)

    def test_a_filter_that_is_not_installed_here(self) -> None:
        with self.databases.conf.open("a") as conf:
            conf.write("[filter_scheduler]\nenabled_filters = RackFilter\n")
        self.assert_refused("nova-scheduler would not start here: ")
