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

"""Keeps a process that runs nova's code from changing anything.

Independent layers, so that one of them catches what another lets through:

* the database: each session is read only in the database server itself, each statement is looked
  at before it is sent, and nova's objects refuse to be saved;
* HTTP: whatever is not read is refused, but for logging in;
* the message bus: no call, cast or notification leaves the process.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from typing import Any

#: What makes a session of each kind of database read only, by the module of its driver.
_READ_ONLY_SESSION = {
    "sqlite3": "PRAGMA query_only = ON",
    "pymysql": "SET SESSION TRANSACTION READ ONLY",
    "MySQLdb": "SET SESSION TRANSACTION READ ONLY",
    "psycopg2": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
}

#: PRAGMA and SET belong to a session; BEGIN and the like neither read nor write. An EXPLAIN that
#: analyzes runs the statement.
_READING_STATEMENT = re.compile(
    r"\s*(SELECT|PRAGMA|SHOW|SET(?!\s+(GLOBAL|PERSIST|PASSWORD))|BEGIN|START|ROLLBACK|COMMIT"
    r"|SAVEPOINT|RELEASE|(EXPLAIN|DESCRIBE)(?!\s*(\(|ANALY[SZ]E)))\b",
    re.IGNORECASE,
)
_LOCKING_CLAUSE = re.compile(
    r"\bFOR\s+(UPDATE|SHARE)\b|\bINTO\s+(OUTFILE|DUMPFILE)\b", re.IGNORECASE
)
_READING_METHODS = ("GET", "HEAD", "OPTIONS")
_OBJECT_METHODS = ("save", "create", "destroy")
_LONGEST_STATEMENT = 120


class WriteRefusedError(Exception):
    """Nova's code wanted to change something."""


class Guard:
    """Refuses all writes of a process, for as long as the process lives.

    :ivar refused: what was refused, in order; whoever runs nova's code empties it before.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []

    def install(self) -> None:
        """Guard databases, HTTP and the message bus; before nova opens any of them."""
        self._guard_databases()
        self._guard_http()
        self._guard_bus()

    def guard_objects(self) -> None:
        """Guard nova's objects, once they are registered."""
        from nova import objects
        from nova.objects import base

        for versions in base.NovaObjectRegistry.obj_classes().values():
            for each in versions:
                for name in _OBJECT_METHODS:
                    if callable(getattr(each, name, None)):
                        setattr(each, name, self._refusing(f"{each.__name__}.{name}"))
        # What nova mends in passing in a request specification is mended in memory only
        # (nova/compute/utils.py heal_reqspec_is_bfv, nova 34.0.0).
        objects.RequestSpec.save = lambda self: None

    def refuse(self, what: str) -> None:
        """Note a write, and refuse it.

        :raises WriteRefusedError: always
        """
        self.refused.append(what)
        raise WriteRefusedError(what)

    def _refusing(self, what: str) -> Callable[..., None]:
        def refusing(*args: Any, **kwargs: Any) -> None:
            self.refuse(what)

        return refusing

    def _guard_databases(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        def connected(connection: Any, record: Any) -> None:
            driver = type(connection).__module__.partition(".")[0]
            statement = _READ_ONLY_SESSION.get(driver)
            if statement is None:
                self.refuse(f"database: no way is known to make a session of {driver} read only")
                return
            cursor = connection.cursor()
            cursor.execute(statement)
            cursor.close()
            if driver == "psycopg2":
                # It began a transaction, whose end would undo the setting.
                connection.commit()

        def executing(
            connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
        ) -> None:
            if not is_reading(statement):
                self.refuse(f"SQL: {' '.join(statement.split())[:_LONGEST_STATEMENT]}")

        event.listen(Engine, "connect", connected)
        event.listen(Engine, "before_cursor_execute", executing)

    def _guard_http(self) -> None:
        # Beneath every client: requests, urllib3 and urllib send their requests through it.
        connection: Any = http.client.HTTPConnection
        original = connection.putrequest

        def putrequest(this: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            is_login = method == "POST" and url.partition("?")[0].endswith("/auth/tokens")
            if method.upper() not in _READING_METHODS and not is_login:
                self.refuse(f"HTTP: {method} {this.host}:{this.port}{url}")
            return original(this, method, url, *args, **kwargs)

        connection.putrequest = putrequest

    def _guard_bus(self) -> None:
        from nova import rpc
        from oslo_messaging import transport

        bus = _Bus(self)
        # A cell's transport is made when a context is targeted at the cell, and not used here.
        for name in ("create_transport", "get_client", "get_notifier", "get_versioned_notifier"):
            setattr(rpc, name, lambda *args, **kwargs: bus)
        for name in ("_send", "_send_notification"):
            setattr(transport.Transport, name, self._refusing(f"message bus: {name.lstrip('_')}"))


def is_reading(statement: str) -> bool:
    """Whether a statement of SQL changes nothing, and locks nothing."""
    is_known = _READING_STATEMENT.match(statement) is not None
    return is_known and _LOCKING_CLAUSE.search(statement) is None


class _Bus:
    """Stands for every transport, RPC client and notifier: whatever is called is refused."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._guard._refusing(f"message bus: {name}")
