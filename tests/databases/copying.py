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

"""The databases of an embedded cloud, which are SQLite's, on another server; no tests."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import sqlalchemy
from nova.db.api import models as api_models
from nova.db.main import models

from tests.cloud import Cloud
from tests.databases.servers import READER, READER_PASSWORD, DatabaseServer

API, CELL, CELL0 = "nova_api", "nova_cell1", "nova_cell0"


class NovaDatabases:
    """Nova's databases, made by nova's own migrations and filled from a cloud.

    :ivar owner_conf: to be read after the controller's nova.conf: as nova's own user
    :ivar reader_conf: likewise, with a user that may only read
    """

    def __init__(self, server: DatabaseServer, cloud: Cloud) -> None:
        self.server = server
        self.owner_conf = self._conf("owner", server.url(API), server.url(CELL))
        self.reader_conf = self._conf(
            "reader", server.url(API, READER, READER_PASSWORD), server.url(CELL)
        )
        cell0_conf = self._conf("cell0", server.url(API), server.url(CELL0))
        for name in (API, CELL, CELL0):
            server.create(name)
        _nova_manage(self.owner_conf, "api_db", "sync")
        for conf in (self.owner_conf, cell0_conf):
            _nova_manage(conf, "db", "sync", "--local_cell")
        self._copy(cloud, API, api_models.BASE.metadata)
        self._copy(cloud, CELL, models.BASE.metadata)
        for cell, name in (("cell0", CELL0), ("cell1", CELL)):
            server.execute(
                API,
                f"UPDATE cell_mappings SET database_connection = '{server.url(name)}' "
                f"WHERE name = '{cell}'",
            )

    def _conf(self, name: str, api: str, cell: str) -> pathlib.Path:
        path = self.server.folder / f"{name}.conf"
        path.write_text(f"[api_database]\nconnection = {api}\n[database]\nconnection = {cell}\n")
        return path

    def _copy(self, cloud: Cloud, name: str, metadata: sqlalchemy.MetaData) -> None:
        source = sqlalchemy.create_engine(f"sqlite:///{cloud.directory}/db/{name}.sqlite")
        target = sqlalchemy.create_engine(self.server.url(name))
        with source.connect() as original, target.begin() as copy:
            for table in metadata.sorted_tables:
                if rows := [dict(row) for row in original.execute(table.select()).mappings()]:
                    copy.execute(table.insert(), rows)
        source.dispose()
        target.dispose()


def _nova_manage(conf: pathlib.Path, *arguments: str) -> None:
    program = pathlib.Path(sys.executable).with_name("nova-manage")
    command = [str(program), "--config-file", str(conf), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise AssertionError(f"nova-manage {arguments}: {finished.stderr[-2000:]}")
