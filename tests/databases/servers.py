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

"""Database servers of their own on loopback, each with a user that owns nova's; no tests."""

from __future__ import annotations

import abc
import os
import pathlib
import shutil
import socket
import subprocess
from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import exc

from tests.cloud.administrator import wait_for

OWNER, OWNER_PASSWORD = "nova", "secret-of-nova"
READER, READER_PASSWORD = "vfio_lm", "secret-of-reader"

#: What runs a server where the tests run as root, which servers refuse.
_USER = "nobody" if os.geteuid() == 0 else None


class DatabaseServer(abc.ABC):
    """A server whose data are in a folder; an exit ends it."""

    #: As SQLAlchemy has it.
    driver: str
    #: Who may do everything, without a password.
    superuser: str
    #: The database that is always there.
    first_database: str
    #: What makes the user that owns nova's databases.
    create_owner: str

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        if _USER is not None:
            shutil.chown(folder, _USER)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.port = int(unused.getsockname()[1])
        self._run(self.preparation)
        self._log = (folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            self.command, stdout=self._log, stderr=self._log, user=_USER, cwd=folder
        )
        wait_for(f"{self.command[0]} answers", self._answers, 60)
        self.execute(self.first_database, self.create_owner)

    @property
    @abc.abstractmethod
    def preparation(self) -> list[str]:
        """What makes the data folder."""

    @property
    @abc.abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @abc.abstractmethod
    def create(self, name: str) -> None:
        """Make an empty database that belongs to nova's user."""

    def url(self, name: str, user: str = OWNER, password: str = OWNER_PASSWORD) -> str:
        """Return what a client sees."""
        return f"{self.driver}://{user}:{password}@127.0.0.1:{self.port}/{name}"

    def execute(self, name: str, *statements: str) -> None:
        """Run statements as the superuser."""
        url = self.url(name, self.superuser, "")
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def close(self) -> None:
        """End it, whoever is connected."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "server.log").read_text())
        try:
            self.execute(self.first_database)
        except exc.OperationalError:
            return False
        return True

    def _run(self, command: Sequence[str]) -> None:
        subprocess.run(
            command, cwd=self.folder, user=_USER, check=True, capture_output=True, text=True
        )


class MariaDb(DatabaseServer):
    """Debian's package mariadb-server."""

    driver = "mysql+pymysql"
    superuser = "root"
    first_database = "mysql"
    create_owner = f"CREATE USER {OWNER}@'%%' IDENTIFIED BY '{OWNER_PASSWORD}'"

    @property
    def preparation(self) -> list[str]:
        return [
            *("mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        ]

    @property
    def command(self) -> list[str]:
        return [
            *(shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults"),
            *(f"--datadir={self.folder / 'data'}", f"--socket={self.folder / 'socket'}"),
            *("--bind-address=127.0.0.1", f"--port={self.port}"),
            # What is lost with the machine is lost with the test.
            *("--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"),
        ]

    def create(self, name: str) -> None:
        self.execute(
            self.first_database,
            f"CREATE DATABASE {name} CHARACTER SET utf8mb3",
            f"GRANT ALL ON {name}.* TO {OWNER}@'%%'",
        )


class PostgreSql(DatabaseServer):
    """Debian's package postgresql, whose programs are not in PATH."""

    driver = "postgresql+psycopg2"
    superuser = "postgres"
    first_database = "postgres"
    create_owner = f"CREATE USER {OWNER} PASSWORD '{OWNER_PASSWORD}'"

    @property
    def preparation(self) -> list[str]:
        return [
            *(self._program("initdb"), "--pgdata", str(self.folder / "data")),
            *("--username", self.superuser, "--auth", "trust", "--encoding", "UTF8", "--no-sync"),
        ]

    @property
    def command(self) -> list[str]:
        return [
            *(self._program("postgres"), "-D", str(self.folder / "data"), "-F"),
            *("-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)),
        ]

    def create(self, name: str) -> None:
        self.execute(self.first_database, f"CREATE DATABASE {name} OWNER {OWNER}")

    @staticmethod
    def _program(name: str) -> str:
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        return str(found[-1]) if found else name
