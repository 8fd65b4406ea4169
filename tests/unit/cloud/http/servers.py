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


"""Services on loopback that behave badly; what is asked of them is elsewhere."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import fixtures
from keystoneauth1 import adapter, session, token_endpoint

#: Longer than any test waits; a server that is set to drip would still be at it.
FOREVER = 10_000


class Loopback(fixtures.Fixture):
    """A server that answers each connection with pieces of bytes, one after the other.

    :param pieces: what is sent, from the first byte of the status line on
    :param pause: seconds before each piece
    :ivar requests: how many have come
    """

    def __init__(self, pieces: Iterable[bytes], *, pause: float = 0.0) -> None:
        super().__init__()
        self._pieces = pieces
        self._pause = pause
        self.requests = 0

    def _setUp(self) -> None:  # noqa: N802 - a name of fixtures
        self._is_over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self._listening.close)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self._listening.shutdown, socket.SHUT_RDWR)
        self.addCleanup(self._is_over.set)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listening.accept()[0]
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            self.requests += 1
            for piece in self._pieces:
                if self._is_over.wait(self._pause):
                    return
                connection.sendall(piece)


def dripping(text: bytes) -> Iterator[bytes]:
    """Yield single bytes, and then blanks for ever."""
    for each in text:
        yield bytes([each])
    for _ in range(FOREVER):
        yield b" "


def answer(body: bytes, status: str = "200 OK") -> bytes:
    """Return a whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def closed_port() -> Iterator[str]:
    """Yield the address of a port that refuses connections, and that no one else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def plain_adapter(url: str, **options: Any) -> adapter.Adapter:
    """Return an adapter of a service at an address, with a token that needs no keystone."""
    auth = token_endpoint.Token(url, "token")
    return adapter.Adapter(session.Session(auth, **options), service_type="placement")


class Stopwatch:
    """How long a block took."""

    def __enter__(self) -> Stopwatch:
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
