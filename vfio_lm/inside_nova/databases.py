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

"""Nova's databases: whether they answer and are of the installed nova's version."""

from __future__ import annotations

from typing import Any

from vfio_lm.inside_nova.errors import InsideNovaError
from vfio_lm.quoting import without_credentials


def check() -> None:
    """Look at the API database and at those of the cells.

    A cell that cannot be read is not an error: servers of other cells can be asked about.

    :raises InsideNovaError: if a database is not what it has to be
    """
    from nova import context, objects

    _check_version("api", "the API database", None)
    admin = context.get_admin_context()
    try:
        cells = objects.CellMappingList.get_all(admin)
    except Exception as exc:  # noqa: BLE001 - of any driver
        raise InsideNovaError(f"the API database cannot be read: {reason(exc)}") from None
    for cell in cells:
        with context.target_cell(admin, cell) as targeted:
            try:
                _check_version("main", f"the database of cell {cell.identity}", targeted)
            except CellDownError:
                continue


class CellDownError(InsideNovaError):
    """The database of a cell cannot be read."""


def _check_version(kind: str, name: str, context: Any) -> None:
    from alembic import script
    from nova.db import migration

    try:
        found = migration.db_version(kind, context)
    except Exception as exc:  # noqa: BLE001 - of any driver
        kind_of_error = CellDownError if context is not None else InsideNovaError
        raise kind_of_error(f"{name} cannot be read: {reason(exc)}") from None
    wanted = script.ScriptDirectory.from_config(
        migration._find_alembic_conf(kind)
    ).get_current_head()
    if found != wanted:
        raise InsideNovaError(
            f"{name} is of another version: its schema is {found or 'none'}, and the installed "
            f"nova has {wanted}; run vfio-lm-nova with the nova that runs here, and nova-manage "
            f"{'api_db' if kind == 'api' else 'db'} sync where that was left out"
        )


def refuse_address(group: str, connection: str | None) -> None:
    """Refuse an address that no driver could use; drivers would quote it with its password.

    :param group: the section of nova.conf
    :raises InsideNovaError: if it is no URL of one line
    """
    from sqlalchemy import exc, make_url

    if not connection:
        return
    try:
        make_url(connection)
        is_url = len(connection.splitlines()) == 1
    except (exc.ArgumentError, ValueError):
        is_url = False
    if not is_url:
        raise InsideNovaError(f"[{group}]connection is not the URL of a database, in one line")


def use_user_of(connection: str) -> None:
    """Open the databases of cells with the user and password of another connection.

    A cell mapping may hold those of a user that may write.
    """
    from nova.db.main import api
    from sqlalchemy import make_url

    own = make_url(connection)
    original = api.create_context_manager

    def create_context_manager(connection: str | None = None) -> Any:
        if connection is not None:
            url = make_url(connection).set(username=own.username, password=own.password)
            connection = url.render_as_string(hide_password=False)
        return original(connection)

    api.create_context_manager = create_context_manager


def reason(error: Exception) -> str:
    """Return what a driver or nova says, in a line, without a password."""
    said: Any = error
    while said is not None:
        # oslo.db and SQLAlchemy stand around what the driver says, and quote the statement.
        error = said
        said = getattr(error, "inner_exception", None) or getattr(error, "orig", None)
    text = " ".join(str(error).split()) or type(error).__name__
    return without_credentials(text)[:300]
