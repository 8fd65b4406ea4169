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

"""Ports in front of services that can be shut, or answer instead of the service; no tests."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


class Gate:
    """A port in front of a service: open, or shut in one of three ways."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        self._service = (host, int(port))
        self._listener = self._listen(0)
        self._port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self.answer: bytes | None = None
        """What is said to each request instead of the service's answer; empty: nothing at all."""

    @property
    def url(self) -> str:
        """Where the service is, seen from before the gate."""
        return f"http://127.0.0.1:{self._port}"

    def refuse(self) -> None:
        """Let no connection be made, as when the service is down; end those that there are."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def admit(self) -> None:
        """Be open again."""
        self._listener = self._listen(self._port)

    def cut(self) -> None:
        """End all connections that there are."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def fail(self, answer: bytes) -> None:
        """Answer instead of the service; an empty answer: none."""
        self.answer = answer
        self.cut()

    def recover(self) -> None:
        """Pass everything on."""
        self.answer = None
        self.cut()

    def may_pass(self, data: bytes) -> bool:
        """Judge what a client sends; the connection is closed where it may not pass."""
        return True

    def close(self) -> None:
        """Take it away."""
        with contextlib.suppress(OSError):
            self.refuse()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, self._counted(client):
            if self.answer is not None:
                client.recv(65536)
                if self.answer:
                    client.sendall(self.answer)
                else:
                    client.recv(65536)
                return
            with socket.create_connection(self._service) as service, self._counted(service):
                back = threading.Thread(target=_pump, args=(service, client), daemon=True)
                back.start()
                _pump(client, service, self.may_pass)
                back.join()

    @contextlib.contextmanager
    def _counted(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)


def _pump(
    source: socket.socket,
    target: socket.socket,
    may_pass: Callable[[bytes], bool] = lambda data: True,
) -> None:
    with contextlib.suppress(OSError):
        while (data := source.recv(65536)) and may_pass(data):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
