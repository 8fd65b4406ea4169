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

"""Serving metrics and health over HTTP, to few clients at a time and to none for long."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from oslo_log import log as logging
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from placement_sync.agent.metrics import Health, Metrics
from placement_sync.agent.opts import GROUP
from vfio_lm.errors import VfioLmError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LOG = logging.getLogger(__name__)

_LONGEST_REQUEST = 10.0
"""Seconds for all that a client sends, and as many for the answer."""

_MOST_CLIENTS = 16
"""At a time; a connection more than that is closed at once."""


class ListenError(VfioLmError):
    """Metrics and health cannot be served where they should be."""


class MetricsServer:
    """Serves ``/metrics`` and ``/health`` from a thread of its own.

    :param address: to listen on
    :param port: 0: a free one
    :param health: asked for each request of ``/health``
    :param longest_request: seconds
    :raises ListenError: if the address or port cannot be had
    """

    def __init__(
        self,
        address: str,
        port: int,
        metrics: Metrics,
        health: Callable[[], Health],
        longest_request: float = _LONGEST_REQUEST,
    ) -> None:
        class Handler(_Handler):
            registry = metrics.registry
            judge = staticmethod(health)
            longest = longest_request

        class Server(_Server):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        try:
            self._server = Server((address, port), Handler)
        except OSError as exc:
            raise ListenError(
                f"[{GROUP}]metrics_port: {address}:{port} cannot be listened on: {exc.strerror}; "
                f"choose another metrics_host or metrics_port"
            ) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the metrics are."""
        address, port = self._server.server_address[:2]
        host = f"[{address!s}]" if ":" in str(address) else str(address)
        return f"http://{host}:{port}/metrics"

    @property
    def is_alive(self) -> bool:
        """Whether anything is served."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._free = threading.BoundedSemaphore(_MOST_CLIENTS)
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log for debugging only: a client that goes away is no event, and there may be many."""
        LOG.debug("The request of %s was not answered", client_address, exc_info=True)


class _InTime(io.RawIOBase):
    """What a client sends, as long as it may take: headers, too, can come byte by byte."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request takes too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry
    judge: Callable[[], Health]
    longest: float

    def setup(self) -> None:
        """Read in time."""
        super().setup()
        self.rfile = io.BufferedReader(_InTime(self.connection, self.longest))

    def do_GET(self) -> None:
        """Answer one of the two paths."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, content_type, encode(self.registry))
        elif path == "/health":
            health = type(self).judge()
            status = 200 if health.is_ok else 503
            self._answer(status, "application/json", health.to_json().encode())
        else:
            self._answer(404, "text/plain", b"There are /metrics and /health.\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log requests for debugging only: a scrape is no event."""
        LOG.debug(format, *args)

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.connection.settimeout(self.longest)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
