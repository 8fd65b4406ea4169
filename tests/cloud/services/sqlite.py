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

"""SQLite under services that expect a database server: many threads write, none fails.

Not what is in the databases.
"""

from __future__ import annotations

import collections
import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_held_open: list[sqlite3.Connection] = []


def prepare(path: Path) -> None:
    """Make a file whose readers do not wait for its writer, and keep it open.

    oslo.db opens a connection for each transaction. Whenever the last one closes,
    SQLite locks the file to remove its write-ahead log, and a transaction that wants to
    write meanwhile, after it has read, fails at once.
    """
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    _held_open.append(connection)


def serialize_writers() -> None:
    """Let writing transactions wait for each other before they read.

    SQLite refuses at once to let a transaction write that has begun to read before
    somebody else wrote; waiting would not help. So oslo.db's writers begin as such,
    those of one process one after the other. nova's own tests take such a lock, too
    (nova 34.0.0, nova.tests.fixtures.DatabaseWriteLock).
    """
    from oslo_db.sqlalchemy import enginefacade
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    locks: dict[str, Any] = collections.defaultdict(threading.RLock)
    guard = threading.Lock()
    writing = threading.local()
    manager = enginefacade._TransactionContextManager
    original = manager._transaction_scope

    @contextlib.contextmanager
    def transaction_scope(self: Any, context: Any) -> Iterator[Any]:
        if self._mode is not enginefacade._WRITER:
            # Inside a writer's with the same context it is part of that transaction, and often
            # begins it; with another it has a connection of its own.
            is_part = not self._independent and getattr(writing, "context", None) is context
            scope = contextlib.nullcontext() if is_part else _set(writing, None, None)
            with scope, original(self, context) as resource:
                yield resource
            return
        url = str(self.reader.get_engine().url)
        with guard:
            lock = locks[url]
        with lock, _set(writing, url, context), original(self, context) as resource:
            yield resource

    def begin(connection: Any) -> None:
        # what oslo.db does for SQLite (18.1, engines._sqlite_emit_begin), which it
        # leaves out when it finds it done
        if getattr(writing, "url", None) == str(connection.engine.url):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.info["in_transaction"] = True

    manager._transaction_scope = transaction_scope
    event.listen(Engine, "begin", begin)


@contextlib.contextmanager
def _set(writing: Any, url: str | None, context: Any) -> Iterator[None]:
    before = vars(writing).copy()
    vars(writing).update(url=url, context=context)
    try:
        yield
    finally:
        vars(writing).clear()
        vars(writing).update(before)
