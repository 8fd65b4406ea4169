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

"""Whether services of several processes can write into one SQLite file."""

from __future__ import annotations

import contextlib
import multiprocessing
import pathlib
import sqlite3
import tempfile
import unittest

from tests.cloud.services import sqlite

_TIMES = 200


class TestWriters(unittest.TestCase):
    def test_who_reads_before_it_writes_waits_for_other_writers(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = pathlib.Path(folder, "counter.sqlite")
        sqlite.prepare(path)
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE counter AS SELECT 0 AS value")

        spawn = multiprocessing.get_context("spawn")
        writers = [spawn.Process(target=count, args=(path,)) for _ in range(2)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(timeout=120)

        self.assertEqual([0, 0], [writer.exitcode for writer in writers])
        with contextlib.closing(sqlite3.connect(path)) as database:
            self.assertEqual([(2 * _TIMES,)], database.execute("SELECT * FROM counter").fetchall())


def count(path: pathlib.Path) -> None:
    """Add to the counter as nova's database API does: a writer that calls a reader first."""
    from oslo_db.sqlalchemy import enginefacade
    from sqlalchemy import text

    sqlite.serialize_writers()
    manager = enginefacade.transaction_context()
    manager.configure(connection=f"sqlite:///{path}?timeout=60", sqlite_synchronous=False)

    @enginefacade.transaction_context_provider
    class Context:
        pass

    @manager.reader
    def read(context):
        return context.session.execute(text("SELECT value FROM counter")).scalar_one()

    @manager.writer
    def add(context):
        value = read(context) + 1
        context.session.execute(text("UPDATE counter SET value = :value"), {"value": value})

    for _ in range(_TIMES):
        add(Context())
