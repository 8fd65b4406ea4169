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

"""Which statements of SQL only read; a functional test tries every way to write."""

import testtools

from vfio_lm.inside_nova.guard import is_reading

READING = (
    "SELECT 1",
    "\n  select name from instances where name = 'delete'",
    "PRAGMA foreign_keys = ON",
    "SET SESSION sql_mode = 'TRADITIONAL'",
    "SET character_set_results = NULL",
    "SHOW VARIABLES LIKE 'sql_mode'",
    "BEGIN",
    "ROLLBACK",
    "COMMIT",
    "SAVEPOINT a",
    "RELEASE SAVEPOINT a",
    "DESCRIBE `nova_api`.`alembic_version`",
    "EXPLAIN SELECT 1",
)
WRITING = (
    "INSERT INTO a VALUES (1)",
    " update a set b = 1",
    "DELETE FROM a",
    "REPLACE INTO a VALUES (1)",
    "TRUNCATE a",
    "CREATE TABLE a (b int)",
    "ALTER TABLE a ADD b int",
    "DROP TABLE a",
    "WITH a AS (SELECT 1) UPDATE b SET c = 1",
    "EXPLAIN ANALYZE DELETE FROM a",
    "explain (analyze) DELETE FROM a",
    "SELECT 1 FROM a FOR UPDATE",
    "SELECT 1 FROM a FOR  SHARE",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SET GLOBAL read_only = OFF",
    "SET PASSWORD = 'x'",
    "GRANT ALL ON a TO b",
    "CALL a()",
    "LOCK TABLES a WRITE",
    "VACUUM",
    "",
)


class TestIsReading(testtools.TestCase):
    def test_statements_that_read(self):
        for statement in READING:
            self.assertTrue(is_reading(statement), statement)

    def test_all_others(self):
        for statement in WRITING:
            self.assertFalse(is_reading(statement), statement)
