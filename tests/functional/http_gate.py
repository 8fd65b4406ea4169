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

"""A proxy in front of an HTTP service: it records requests, and can misbehave; no tests."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


@dataclasses.dataclass(frozen=True, slots=True)
class Passed:
    """A request that the service answered."""

    begin: float
    end: float
    method: str
    path: str
    status: int


Fault = Callable[["_Handler"], None]
"""Does something else than to pass a request on."""


def answering(status: int, body: bytes = b"", content_type: str = "text/plain") -> Fault:
    """Return the fault of a proxy that answers itself."""
    return lambda handler: handler.reply(status, {"Content-Type": content_type}, body)


def hanging(handler: _Handler) -> None:
    """Say nothing, until the gate is opened."""
    handler.gate.wait_for_end_of_faults()
    handler.close_connection = True


def dripping(handler: _Handler) -> None:
    """Answer with one byte of a header each fifth of a second."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not handler.gate.wait_for_end_of_faults(0.2):
            handler.wfile.write(b".")


def dripping_body(handler: _Handler) -> None:
    """Answer with headers at once, and with one byte of the body each fifth of a second."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n"
        )
        while not handler.gate.wait_for_end_of_faults(0.2):
            handler.wfile.write(b" ")


def cutting(handler: _Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


class HttpGate:
    """A port in front of an HTTP service.

    :param url: of the service
    :ivar choose_fault: returns what is done to a request, by method and path, instead of passing it
        on; None: nothing
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self.service = (str(parts.hostname), int(parts.port or 80))
        self.choose_fault: Callable[[str, str], Fault | None] = lambda method, path: None
        self.passed: list[Passed] = []
        self._go_on = threading.Event()

        class Handler(_Handler):
            gate = self

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Where the service is, seen from before the gate."""
        return f"http://127.0.0.1:{self.port}"

    def fail(self, fault: Fault) -> None:
        """Do this to every request."""
        self._go_on.clear()
        self.choose_fault = lambda method, path: fault

    def fail_once(self, matches: Callable[[str, bytes], bool], fault: Fault) -> threading.Event:
        """Do this to the next request that matches; the event is set when it is done.

        :param matches: takes the path and the body
        """
        is_done = threading.Event()
        lock = threading.Lock()

        def fail_if_it_matches(handler: _Handler) -> None:
            with lock:
                is_meant = not is_done.is_set() and matches(handler.path, handler.body)
                if is_meant:
                    is_done.set()
            (fault if is_meant else _Handler.forward)(handler)

        self.choose_fault = lambda method, path: fail_if_it_matches
        return is_done

    def recover(self) -> None:
        """Pass everything on."""
        self.choose_fault = lambda method, path: None
        self._go_on.set()

    def wait_for_end_of_faults(self, seconds: float | None = None) -> bool:
        return self._go_on.wait(seconds)

    def close(self) -> None:
        """Take it away."""
        self.recover()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    gate: HttpGate
    body = b""
    _upstream: http.client.HTTPConnection | None = None

    def pass_on(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.gate.choose_fault(self.command, self.path) or _Handler.forward
        fault(self)

    def forward(self) -> None:
        begin = time.monotonic()
        try:
            response, content = self._ask(self.body)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        self.gate.passed.append(
            Passed(begin, time.monotonic(), self.command, self.path, response.status)
        )
        self.reply(response.status, dict(response.getheaders()), content)

    def do_GET(self) -> None:
        self.pass_on()

    def do_PUT(self) -> None:
        self.pass_on()

    def do_POST(self) -> None:
        self.pass_on()

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def finish(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""

    def _ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Pass a request on; a connection that the service has closed meanwhile is made again."""
        while True:
            is_new = self._upstream is None
            if self._upstream is None:
                self._upstream = http.client.HTTPConnection(*self.gate.service, timeout=60)
            try:
                self._upstream.request(self.command, self.path, body, dict(self.headers))
                response = self._upstream.getresponse()
                return response, response.read()
            except (OSError, http.client.HTTPException) as exc:
                self._upstream.close()
                self._upstream = None
                is_closed = isinstance(exc, ConnectionError | http.client.RemoteDisconnected)
                if is_new or not is_closed or isinstance(exc, socket.timeout):
                    raise
