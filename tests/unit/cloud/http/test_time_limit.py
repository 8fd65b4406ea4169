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


"""No request takes longer than it may, whatever a service does."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
import testtools
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session

from tests.unit.cloud.http.servers import Loopback, Stopwatch, answer, dripping, plain_adapter
from vfio_lm.cloud.http.time_limit import (
    DEFAULT_SECONDS,
    OverdueError,
    TimeLimitAdapter,
    limit_time,
)

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
LIMIT = 0.4
#: Enough for a machine that is busy with other tests, and far from the time that a drip takes.
SLACK = 5.0


def limited(seconds: float = LIMIT, **options: float) -> requests.Session:
    found = requests.Session()
    found.mount("http://", TimeLimitAdapter(seconds, **options))
    return found


class KeepAlive(ThreadingHTTPServer):
    connections = 0

    def finish_request(self, *args: Any) -> None:
        self.connections += 1
        super().finish_request(*args)


class KeepAliveHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class TestTimeLimit(testtools.TestCase):
    def server(self, *pieces: bytes, pause: float = 0.0, drip: bytes | None = None) -> Loopback:
        sent = pieces if drip is None else tuple(dripping(drip))
        return self.useFixture(Loopback(sent, pause=pause))

    def assert_overdue(self, server: Loopback) -> None:
        with Stopwatch() as watch, testtools.ExpectedException(OverdueError, ".*within 0.4 s"):
            limited().get(server.url)
        self.assertLess(watch.seconds, LIMIT + SLACK)
        self.assertGreaterEqual(watch.seconds, LIMIT * 0.9)

    def test_an_answer_that_comes_in_time_is_whole(self) -> None:
        server = self.server(answer(b'{"a": 1}'))
        self.assertEqual({"a": 1}, limited().get(server.url).json())

    def test_a_service_that_says_nothing(self) -> None:
        self.assert_overdue(self.server(b"", pause=60))

    def test_a_body_that_drips(self) -> None:
        self.assert_overdue(self.server(drip=_HEAD + b'{"a": ', pause=0.01))

    def test_headers_that_drip(self) -> None:
        self.assert_overdue(self.server(drip=b"HTTP/1.1 200 OK\r\nX-Header: ", pause=0.01))

    def test_chunks_that_drip(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assert_overdue(self.server(head, *[b"1\r\na\r\n"] * 9999, pause=0.02))

    def test_a_question_apart_that_takes_too_long_is_not_held_against_the_service(self) -> None:
        found = limited(rest=60)
        limit = found.get_adapter("http://")
        server = self.server(b"", pause=60)
        for _ in range(2):
            with (
                Stopwatch() as watch,
                limit.apart(),
                testtools.ExpectedException(OverdueError, ".*within 0.4 s"),
            ):
                found.get(server.url)
            self.assertGreaterEqual(watch.seconds, LIMIT * 0.9)

    def test_a_connection_is_used_again(self) -> None:
        server = KeepAlive(("127.0.0.1", 0), KeepAliveHandler)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        found = limited()
        self.addCleanup(found.close)
        url = f"http://127.0.0.1:{server.server_port}"
        for _ in range(3):
            self.assertEqual({}, found.get(url).json())
        self.assertEqual(1, server.connections)

    def test_several_threads_have_a_limit_each(self) -> None:
        server = self.server(drip=_HEAD, pause=0.01)
        found = limited(rest=0.0)

        def ask(_: int) -> bool:
            try:
                found.get(server.url)
            except OverdueError:
                return True
            return False

        with Stopwatch() as watch, concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual([True] * 4, list(pool.map(ask, range(4))))
        self.assertLess(watch.seconds, LIMIT + SLACK)

    def test_a_stream_is_limited_up_to_its_headers(self) -> None:
        server = self.server(_HEAD, *[b"x" * 100] * 10, pause=0.1)
        response = limited().get(server.url, stream=True)
        self.addCleanup(response.close)
        read = next(response.iter_content(900))
        self.assertEqual(b"x" * 900, read)

    def test_a_silent_service_is_left_alone_for_a_while(self) -> None:
        server = self.server(b"", pause=60)
        found = limited(rest=60.0)
        self.assertRaises(OverdueError, found.get, f"{server.url}/compute/v2.1")
        with Stopwatch() as watch:
            self.assertRaises(OverdueError, found.get, f"{server.url}/compute/other")
        self.assertLess(watch.seconds, LIMIT)
        # Another service at the same address is none of that.
        self.assertRaises(OverdueError, found.get, f"{server.url}/placement")
        self.assertEqual(2, server.requests)

    def test_all_requests_end_with_the_work_that_they_belong_to(self) -> None:
        server = self.server(b"", pause=60)
        found = limited(seconds=60.0, rest=0.0)
        found.get_adapter("http://").end = time.monotonic() + LIMIT
        with Stopwatch() as watch:
            self.assertRaises(OverdueError, found.get, server.url)
            self.assertRaises(OverdueError, found.get, server.url)
        self.assertLess(watch.seconds, LIMIT + SLACK)
        self.assertEqual(1, server.requests)

    def test_the_requests_of_one_thread_may_have_to_end_sooner(self) -> None:
        server = self.server(b"", pause=60)
        found = limited(seconds=LIMIT, rest=0.0)
        transport = found.get_adapter("http://")
        with transport.ending_by(time.monotonic()):
            with transport.ending_by(time.monotonic() + 60):
                self.assertRaises(OverdueError, found.get, server.url)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                in_another = pool.submit(found.get, server.url)
                self.assertRaises(OverdueError, in_another.result)
        self.assertEqual(1, server.requests)
        self.assertRaises(OverdueError, found.get, server.url)
        self.assertEqual(2, server.requests)

    def test_a_service_is_asked_again_after_its_rest(self) -> None:
        server = self.server(b"", pause=60)
        found = limited(rest=0.0)
        for _ in range(2):
            self.assertRaises(OverdueError, found.get, server.url)
        self.assertEqual(2, server.requests)


class TestLimitTime(testtools.TestCase):
    def test_a_session_without_a_timeout_gets_the_usual_limit(self) -> None:
        found = session.Session()
        limit_time(found)
        for scheme in ("http://", "https://"):
            self.assertEqual(DEFAULT_SECONDS, found.session.get_adapter(scheme)._seconds)

    def test_the_timeout_of_a_session_is_the_limit(self) -> None:
        server = self.useFixture(Loopback(dripping(_HEAD), pause=0.01))
        found = plain_adapter(server.url, timeout=LIMIT)
        limit_time(found.session)
        with Stopwatch() as watch:
            self.assertRaises(ksa_exceptions.ConnectTimeout, found.get, "/")
        self.assertLess(watch.seconds, LIMIT + SLACK)

    def test_a_limit_that_is_there_stays(self) -> None:
        found = session.Session(session=limited())
        limit_time(found)
        self.assertEqual(LIMIT, found.session.get_adapter("http://")._seconds)

    def test_what_was_set_for_tls_stays(self) -> None:
        found = session.Session()
        before = found.session.get_adapter("https://")
        if not hasattr(before, "tls_ciphers"):
            self.skipTest("this keystoneauth cannot choose ciphers")
        before.tls_ciphers = "HIGH"
        limit_time(found)
        self.assertEqual("HIGH", found.session.get_adapter("https://").tls_ciphers)
