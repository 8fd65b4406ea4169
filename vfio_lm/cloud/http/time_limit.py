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


"""Transport whose requests end in time, also where a service sends an answer byte by byte.

The timeouts of requests and urllib3 limit each wait for the next bytes, not their sum: an answer
that drips is read for as long as it drips.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from keystoneauth1.session import TCPKeepAliveAdapter

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from keystoneauth1.session import Session

#: As long as a load balancer before the APIs usually waits for an answer.
DEFAULT_SECONDS = 60.0

_NEVER = float("inf")


class OverdueError(requests.Timeout):
    """A request took longer than it may."""

    def __init__(self, seconds: float, request: requests.PreparedRequest) -> None:
        super().__init__(f"no complete answer within {seconds:.3g} s", request=request)


class TimeLimitAdapter(TCPKeepAliveAdapter):
    """Ends each request in time, from the connection to the last byte of the answer.

    A service that let one request run out of time is left alone for a while: keystoneauth looks
    for the versions of a service at several addresses, and would wait at each.

    An answer that the caller streams is limited up to the end of its headers.

    :ivar end: when all requests must be over, by the monotonic clock; for a caller whose work has
        an end of its own
    :param seconds: how long a request may take
    :param rest: for how many seconds a service is left alone; if not given, as long as a request
        may take
    """

    def __init__(self, seconds: float, *, rest: float | None = None, **options: Any) -> None:
        self._seconds = seconds
        self._rest = seconds if rest is None else rest
        self.end = _NEVER
        self._left_alone_until: dict[tuple[str, str], float] = {}
        self._clock = _Clock()
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections whose answers are read by the clock."""
        super().init_poolmanager(*args, **kwargs)
        self._pools = {
            scheme: _watched(pool, self._clock)
            for scheme, pool in self.poolmanager.pool_classes_by_scheme.items()
        }
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make connections through a proxy whose answers are read by the clock."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    @contextlib.contextmanager
    def ending_by(self, end: float) -> Iterator[None]:
        """Let the requests of this thread be over by then, too."""
        before = self._clock.latest
        self._clock.latest = min(before, end)
        try:
            yield
        finally:
            self._clock.latest = before

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Let this thread ask what may take long: the service is not left alone if it does."""
        self._clock.is_apart = True
        try:
            yield
        finally:
            self._clock.is_apart = False

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        """Send a request and read its answer.

        :raises OverdueError: if that takes too long, or the service is left alone
        """
        service = _service(str(request.url))
        now = time.monotonic()
        seconds = min(self._seconds, self.end - now, self._clock.latest - now)
        if seconds <= 0 or now < self._left_alone_until.get(service, 0):
            raise OverdueError(self._seconds, request)
        try:
            with self._clock.running(seconds):
                timeout = seconds if timeout is None else min(timeout, seconds)
                response = super().send(request, stream, timeout, *args, **kwargs)
                if not stream:
                    _ = response.content  # reads it, and keeps it
                return response
        except requests.RequestException as exc:
            # What runs out of time amid the body is an error of the connection to requests.
            if isinstance(exc, requests.Timeout) or self._clock.has_run_out:
                if not self._clock.is_apart:
                    self._left_alone_until[service] = time.monotonic() + self._rest
                raise OverdueError(seconds, request) from exc
            exc.request = exc.request or request  # which it does not know amid the body
            raise


def limit_time(session: Session, *, rest: float | None = None) -> tuple[TimeLimitAdapter, ...]:
    """Let every request of a session end in time; a session that has a limit keeps it.

    The limit is the timeout of the session, which the user sets as ``api_timeout`` in clouds.yaml
    or as ``timeout`` in a section of nova.conf; else :data:`DEFAULT_SECONDS`.

    :param rest: see :class:`TimeLimitAdapter`
    :returns: what limits the requests
    """
    found = []
    for scheme in ("http://", "https://"):
        before = session.session.get_adapter(scheme)
        if isinstance(before, TimeLimitAdapter):
            found.append(before)
        else:
            seconds = session.timeout or DEFAULT_SECONDS
            options = {
                name: getattr(before, name)
                for name in ("tls_ciphers", "tls_min_version")
                if hasattr(before, name)
            }
            found.append(TimeLimitAdapter(seconds, rest=rest, **options))
            session.session.mount(scheme, found[-1])
    return tuple(found)


class _Clock(threading.local):
    """When the request that a thread has begun must be over."""

    end = _NEVER
    latest = _NEVER
    """When any request that the thread begins must be over."""
    has_run_out = False
    is_apart = False

    @contextlib.contextmanager
    def running(self, seconds: float) -> Iterator[None]:
        self.end = time.monotonic() + seconds
        self.has_run_out = False
        try:
            yield
        finally:
            self.end = _NEVER

    def left(self, at_most: float | None) -> float | None:
        """Return the seconds that are left; None for any number of them.

        :raises TimeoutError: if there are none
        """
        if self.end == _NEVER:
            return at_most
        left = self.end - time.monotonic()
        if left <= 0:
            self.has_run_out = True
            raise TimeoutError("timed out")
        return left if at_most is None else min(left, at_most)


class _WatchedSocket(io.RawIOBase):
    """Reads from a socket as long as there is time left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, clock: _Clock) -> None:
        self._raw = raw
        self._socket = sock
        self._clock = clock
        # Set by urllib3: for how long no byte at all may come.
        self._silence = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._socket.settimeout(self._clock.left(at_most=self._silence))
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            self._clock.has_run_out = True
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()


def _watched(pool: type[Any], clock: _Clock) -> type[Any]:
    """Return a kind of connection pool whose answers are read by a clock."""

    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp = io.BufferedReader(_WatchedSocket(self.fp.detach(), sock, clock))

    base = pool.ConnectionCls
    connection = type(base.__name__, (base,), {"response_class": Answer})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def _service(url: str) -> tuple[str, str]:
    """Return what distinguishes services: many have one address, and each a path of its own."""
    parts = urlsplit(url)
    return parts.netloc, parts.path.strip("/").partition("/")[0]
