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

"""Real coordination backends that agents meet in, and what can be wrong with them; no tests."""

from __future__ import annotations

import abc
import contextlib
import pathlib
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from tests.cloud.administrator import wait_for
from tests.functional.gate import Gate
from tests.functional.http_gate import HttpGate, answering


class Backend(abc.ABC):
    """A server with a port of its own, and a proxy in front of it that all agents go through."""

    #: What an agent that works asks for: each is refused once.
    kinds: tuple[str, ...]
    kind_of_leaving: str

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abc.abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Whether it is ready."""

    @abc.abstractmethod
    def url(self, address: str, timeout: int) -> str:
        """Return the options of an agent that finds the backend at an address."""

    @property
    @abc.abstractmethod
    def address(self) -> str:
        """Where agents find the proxy."""

    @abc.abstractmethod
    def refuse_once(self, kind: str) -> threading.Event:
        """Refuse the next request of a kind; the event is set when that is done."""

    def start(self) -> None:
        """Start it with what it has on its disk."""
        with (self.folder / f"{type(self).__name__}.log").open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_for(f"{self.command[0]} answers", self.answers, 60)

    def ensure_started(self) -> None:
        """Start it unless it runs."""
        if self._process is None:
            self.start()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Etcd(Backend):
    """An etcd, which remembers leases when it is started again."""

    #: The last is the release of a lock.
    kinds = (
        "/lease/grant",
        "/lease/keepalive",
        "/kv/txn",
        "/kv/range",
        "/kv/txn request_delete_range",
    )
    kind_of_leaving = "/kv/deleterange"

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self._peer_port = _free_port()
        self.proxy = HttpGate(f"http://127.0.0.1:{self.port}")

    @property
    def command(self) -> list[str]:
        url, peer_url = (f"http://127.0.0.1:{port}" for port in (self.port, self._peer_port))
        return [
            "etcd",
            *("--name", "test", "--data-dir", str(self.folder / "etcd")),
            *("--listen-client-urls", url, "--advertise-client-urls", url),
            *("--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url),
            *("--initial-cluster", f"test={peer_url}"),
        ]

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.port}/health"
            with urllib.request.urlopen(url, timeout=2) as response:
                return b'"true"' in response.read()
        return False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.proxy.port}"

    def url(self, address: str, timeout: int) -> str:
        return f"etcd3+http://{address}?timeout={timeout}"

    def refuse_once(self, kind: str) -> threading.Event:
        end, _, part = kind.partition(" ")
        return self.proxy.fail_once(
            lambda path, body: path.endswith(end) and part.encode() in body, answering(503)
        )


class Redis(Backend):
    """A redis with a password, which remembers nothing when it is started again."""

    kinds = ("PSETEX", "EXISTS", "HKEYS", "MGET", "SET", "EVALSHA")
    kind_of_leaving = "HDEL"
    password = "canary-of-redis"

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self.proxy = RedisGate(f"http://127.0.0.1:{self.port}")

    @property
    def command(self) -> list[str]:
        return [
            "redis-server",
            *("--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", self.password),
            *("--save", "", "--appendonly", "no", "--dir", str(self.folder)),
        ]

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as c:
            c.settimeout(2)
            c.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            return c.recv(100).startswith(b"+OK")
        return False

    @property
    def address(self) -> str:
        return self.proxy.url.removeprefix("http://")

    def url(self, address: str, timeout: int) -> str:
        return f"redis://:{self.password}@{address}?timeout={timeout}"

    def refuse_once(self, kind: str) -> threading.Event:
        return self.proxy.cut_once(kind)


class RedisGate(Gate):
    """Cuts the connection on which a command is sent, once."""

    def __init__(self, url: str) -> None:
        self._kind: bytes | None = None
        self._done = threading.Event()
        super().__init__(url)

    def cut_once(self, kind: str) -> threading.Event:
        """Let no server see the next command of a kind; the event is set when that is done."""
        self._done = threading.Event()
        self._kind = kind.encode()
        return self._done

    def may_pass(self, data: bytes) -> bool:
        """Judge what a client sends: commands are arrays of strings, the first is the name."""
        if self._kind is None or b"\r\n" + self._kind + b"\r\n" not in data.upper():
            return True
        self._kind = None
        self._done.set()
        return False


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
