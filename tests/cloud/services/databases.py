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

"""The databases of nova: API, cell0 and cell1; nothing else of nova."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from typing import Any

from nova import objects
from nova.db import migration

from tests.cloud.services import sqlite
from tests.cloud.settings import Settings

DATABASES = ("nova_api", "nova_cell1", "nova_cell0")


def create(settings: Settings, context: Any) -> None:
    """Make the schemas, and map both cells."""
    for name in DATABASES:
        sqlite.prepare(settings.database(name))
    migration.db_sync(database="api")
    migration.db_sync(database="main")
    _copy(settings, "nova_cell1", "nova_cell0")
    _map_cell(settings, context, "cell0", objects.CellMapping.CELL0_UUID)
    _map_cell(settings, context, "cell1", str(uuid.uuid4()))


def _copy(settings: Settings, source: str, target: str) -> None:
    """Copy a database: both cells have the same schema, and nothing is in it yet."""
    with (
        contextlib.closing(sqlite3.connect(settings.database(source))) as migrated,
        contextlib.closing(sqlite3.connect(settings.database(target))) as empty,
    ):
        migrated.backup(empty)


def _map_cell(settings: Settings, context: Any, name: str, cell_uuid: str) -> None:
    objects.CellMapping(
        context=context,
        uuid=cell_uuid,
        name=name,
        transport_url="fake://",
        database_connection=settings.database_url(f"nova_{name}"),
    ).create()
