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

"""A database user that may only read is enough, with each server that nova supports."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import sqlalchemy
from sqlalchemy import exc

from tests.cloud import environments
from tests.databases.copying import API, CELL, CELL0, NovaDatabases
from tests.databases.servers import READER, READER_PASSWORD, DatabaseServer, MariaDb, PostgreSql
from tests.functional import write_attempts
from tests.functional.base import Finished
from tests.functional.dry_running import ROOT, DryRunTestCase
from vfio_lm.pci.nova_word import Ending, NovaWord, parse_nova_word

_PAGE = ROOT / "doc/source/nova-says.rst"


def documented(begins_with: str) -> list[str]:
    """Return the statements of the page that make the user, with a password."""
    for block in re.findall(r"code-block:: sql\n\n((?:    .*\n|\n)+)", _PAGE.read_text()):
        if begins_with in block:
            text = block.replace("…", READER_PASSWORD).replace("nova.*", f"{CELL}.*")
            return [each.strip() for each in text.split(";") if each.strip()]
    raise AssertionError(f"{_PAGE} has no statement {begins_with}")


class LeastRightsCases:
    """For one kind of server; not a test by itself."""

    server_class: type[DatabaseServer]

    def setUp(self) -> None:
        super().setUp()
        self.server = self.boot(self.flavor("vf-yes:1"), "compute1")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.engine = self.server_class(pathlib.Path(folder.name))
        self.addCleanup(self.engine.close)
        self.databases = NovaDatabases(self.engine, self.cloud)

    def grant(self) -> None:
        """Make the user that may only read, as the page says."""
        raise NotImplementedError

    def ask(self, *arguments: str) -> Finished:
        return self.vfio_lm_nova("--config-file", str(self.databases.reader_conf), *arguments)

    def word(self, finished: Finished) -> NovaWord:
        self.assertNotIn("secret", finished.errors + finished.output)
        return parse_nova_word(finished.output, "vfio-lm-nova")

    def test_a_user_that_may_only_read_is_enough(self) -> None:
        self.grant()
        with self.subTest("the dry run"):
            finished = self.ask("--own-database-user", "--facts", self.server)
            self.assertEqual((0, ""), (finished.status, finished.errors))
            word = self.word(finished)
            self.assertIs(Ending.ACCEPTED, word.answer(self.server).ending)
            self.assertEqual(3, len(word.hosts))
        with self.subTest("a write of that user is refused by the database"):
            for name, table in ((API, "request_specs"), (CELL, "instances"), (CELL0, "instances")):
                self.assert_read_only(name, table)
        with self.subTest("what is missing is named in one line"):
            self.assert_errors()
        with self.subTest("each write of nova's own user is refused by the process"):
            self.assert_guarded()

    def assert_read_only(self, name: str, table: str) -> None:
        engine = sqlalchemy.create_engine(self.engine.url(name, READER, READER_PASSWORD))
        self.addCleanup(engine.dispose)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}")
            for write in (f"DELETE FROM {table}", "CREATE TABLE mine (id INTEGER)"):
                with self.assertRaisesRegex(exc.DBAPIError, "(?i)denied"):
                    connection.exec_driver_sql(write)
                connection.rollback()

    def assert_errors(self) -> None:
        self.revoke(CELL, "pci_devices")
        finished = self.ask("--own-database-user", self.server)
        self.assertEqual(1, finished.status, finished.errors)
        self.assertRegex(finished.errors, r"(?i)\A[^\n]*denied.*pci_devices[^\n]*\n\Z")
        self.assertFalse(self.word(finished).is_complete)
        self.revoke(API, "cell_mappings")
        finished = self.ask("--own-database-user", self.server)
        self.assertEqual((1, ""), (finished.status, finished.output))
        self.assertRegex(finished.errors, r"(?i)\A[^\n]*denied.*cell_mappings[^\n]*\n\Z")
        wrong = self.databases.reader_conf
        wrong.write_text(wrong.read_text().replace(READER_PASSWORD, "secret-that-is-wrong"))
        finished = self.ask("--own-database-user", self.server)
        self.assertEqual((1, ""), (finished.status, finished.output))
        self.assertRegex(finished.errors, r"\A[^\n]*the API database cannot be read[^\n]*\n\Z")
        self.assertNotIn("secret", finished.errors)

    def revoke(self, name: str, table: str) -> None:
        """Take the right to read one table."""
        raise NotImplementedError

    def assert_guarded(self) -> None:
        confs = [str(self.cloud.nova_conf()), str(self.databases.owner_conf)]
        finished = subprocess.run(
            [
                *(environments.python(self.release), "-m", write_attempts.__name__),
                *(self.server, *confs),
            ],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, finished.returncode, finished.stderr)
        found = json.loads(finished.stdout)
        # What goes around all of SQLAlchemy is left to the database.
        self.assertEqual(write_attempts.PREVENTED, found.pop("try_raw_cursor"))
        self.assertEqual({write_attempts.REFUSED}, set(found.values()), found)


class TestMariaDb(LeastRightsCases, DryRunTestCase):
    server_class = MariaDb

    def grant(self) -> None:
        self.engine.execute("mysql", *documented("IDENTIFIED BY"))

    def revoke(self, name: str, table: str) -> None:
        # A right to a database cannot be taken for one of its tables.
        self.engine.execute(name, f"REVOKE SELECT ON {name}.* FROM {READER}")
        with_tables = sqlalchemy.create_engine(self.engine.url(name))
        names = sqlalchemy.inspect(with_tables).get_table_names()
        with_tables.dispose()
        self.engine.execute(
            name, *(f"GRANT SELECT ON {name}.{each} TO {READER}" for each in names if each != table)
        )


class TestPostgreSql(LeastRightsCases, DryRunTestCase):
    server_class = PostgreSql

    def grant(self) -> None:
        create, *grants = documented("CREATE USER vfio_lm PASSWORD")
        self.engine.execute("postgres", create)
        for name in (API, CELL, CELL0):
            self.engine.execute(name, *grants)

    def revoke(self, name: str, table: str) -> None:
        self.engine.execute(name, f"REVOKE SELECT ON {table} FROM {READER}")


# The cases are tests in their subclasses only.
assert not issubclass(LeastRightsCases, unittest.TestCase)
