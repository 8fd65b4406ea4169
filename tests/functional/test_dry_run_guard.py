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

"""A process that runs nova's code for a dry run can change nothing, whatever it tries."""

import json
import sqlite3
import subprocess
from collections.abc import Iterable

from tests.cloud import environments
from tests.functional import write_attempts
from tests.functional.dry_running import ROOT, DryRunTestCase


class TestGuard(DryRunTestCase):
    def attempts(self, server: str) -> dict[str, str]:
        finished = subprocess.run(
            [
                *(environments.python(self.release), "-m", write_attempts.__name__),
                *(server, self.cloud.nova_conf()),
            ],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, str] = json.loads(finished.stdout)
        return found

    def rows(self, name: str, tables: Iterable[str]) -> dict[str, list[tuple[object, ...]]]:
        path = self.cloud.directory / "db" / f"{name}.sqlite"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return {
                table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
                for table in tables
            }

    def everything(self, server: str) -> object:
        placement = self.connection.placement
        return (
            self.rows("nova_api", ("instance_mappings", "request_specs")),
            self.rows("nova_cell1", ("instances", "migrations", "pci_devices", "tags")),
            placement.get(f"/allocations/{server}").json()["allocations"].keys(),
            placement.get("/traits?name=startswith:CUSTOM_").json(),
            [each.name for each in placement.resource_providers()],
            [each.id for each in self.connection.network.ports()],
        )

    def test_each_way_to_write_is_refused(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        before = self.everything(server)
        found = self.attempts(server)
        self.assertGreater(len(found), 25)
        # What goes around all of SQLAlchemy is left to the database.
        self.assertEqual(write_attempts.PREVENTED, found.pop("try_raw_cursor"))
        self.assertEqual({write_attempts.REFUSED}, set(found.values()), found)
        self.assertEqual(before, self.everything(server))

    def test_a_dry_run_itself_wants_to_write_nothing(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), "compute1")
        before = self.everything(server)
        word = self.word(servers=[server], wants_facts=True)
        self.assertEqual((), word.omissions)
        self.assertEqual(before, self.everything(server))
