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

"""Copies of nova's databases that a test may do anything with; the cloud's stay as they are."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3

from tests.cloud import Cloud
from tests.cloud.services.databases import DATABASES

API, CELL = "nova_api", "nova_cell1"


class CopiedDatabases:
    """The databases of a cloud as they are now, and a nova.conf that names them.

    :ivar conf: to be read after the controller's nova.conf
    """

    def __init__(self, cloud: Cloud, folder: pathlib.Path) -> None:
        self._folder = folder
        self.conf = folder / "databases.conf"
        for name in DATABASES:
            source = cloud.directory / "db" / f"{name}.sqlite"
            with (
                contextlib.closing(sqlite3.connect(source)) as original,
                contextlib.closing(sqlite3.connect(self._path(name))) as copy,
            ):
                original.backup(copy)
                # A reader of a write-ahead log writes, too.
                copy.execute("PRAGMA journal_mode = DELETE")
        self.execute(
            API,
            "UPDATE cell_mappings SET database_connection = ? WHERE name = 'cell0'",
            self.url("nova_cell0"),
        )
        self.name_cell(self.url(CELL))
        self.name_api(self.url(API))

    def url(self, name: str) -> str:
        """Return the URL that opens a database for reading only, whoever opens it."""
        return f"sqlite:///file:{self._path(name)}?mode=ro&uri=true"

    def name_api(self, url: str) -> None:
        """Name another API database."""
        self.conf.write_text(f"[api_database]\nconnection = {url}\n")

    def name_cell(self, url: str) -> None:
        """Name another database of the cell with the hosts."""
        self.execute(
            API, "UPDATE cell_mappings SET database_connection = ? WHERE name = 'cell1'", url
        )

    def execute(self, name: str, statement: str, *values: str) -> None:
        """Change a database."""
        with contextlib.closing(sqlite3.connect(self._path(name))) as database, database:
            database.execute(statement, values)

    def _path(self, name: str) -> pathlib.Path:
        return self._folder / f"{name}.sqlite"
