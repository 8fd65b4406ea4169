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
"""Metrics and health as a monitoring system gets them, over HTTP."""

import json
import socket
import urllib.error
import urllib.request

import testtools

from placement_sync.agent.metrics import Health, Metrics
from placement_sync.agent.metrics_server import ListenError, MetricsServer

_OK = Health(is_ok=True, reason="", last_success=None)
_LIMIT = 30


def fetch(url):
    """Return the status and the text of an answer, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class TestMetricsServer(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.metrics = Metrics()
        self.judgement = _OK

    def server(self, address="127.0.0.1", **kwargs):
        server = MetricsServer(address, 0, self.metrics, lambda: self.judgement, **kwargs)
        self.addCleanup(server.stop)
        return server

    def connect(self, server):
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        client = socket.create_connection(("127.0.0.1", port), timeout=_LIMIT)
        self.addCleanup(client.close)
        return client

    def test_metrics(self):
        self.metrics.count_success()
        status, text = fetch(self.server().url)
        self.assertEqual(200, status)
        self.assertIn('vfio_placement_sync_rounds_total{outcome="complete"} 1.0', text)

    def test_health(self):
        url = self.server().url.replace("/metrics", "/health")
        status, text = fetch(url)
        self.assertEqual((200, "ok"), (status, json.loads(text)["status"]))
        self.judgement = Health(is_ok=False, reason="placement is down", last_success=None)
        status, text = fetch(url)
        self.assertEqual((503, "placement is down"), (status, json.loads(text)["reason"]))

    def test_other_paths(self):
        self.assertEqual(404, fetch(self.server().url.replace("/metrics", "/"))[0])

    def test_a_port_that_is_taken(self):
        port = int(self.server().url.rpartition(":")[2].partition("/")[0])
        error = self.assertRaises(
            ListenError, MetricsServer, "127.0.0.1", port, self.metrics, lambda: None
        )
        self.assertIn(f"127.0.0.1:{port} cannot be listened on: Address already", str(error))

    def test_an_address_of_ipv6(self):
        try:
            server = self.server("::1")
        except ListenError as exc:
            self.skipTest(f"no IPv6 here: {exc}")
        self.assertIn("http://[::1]:", server.url)
        self.assertEqual(200, fetch(server.url)[0])

    def test_a_client_that_sends_its_request_byte_by_byte_is_cut_off(self):
        client = self.connect(self.server(longest_request=0.5))
        client.sendall(b"GET /health HTTP/1.0\r\nX-Header: ")
        client.settimeout(0.1)
        for _ in range(10 * _LIMIT):
            try:
                client.sendall(b"x")
                if not client.recv(1000):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
        self.fail("a request may take for ever")

    def test_a_client_too_many_is_cut_off_and_the_next_is_served(self):
        server = self.server()
        idle = [self.connect(server) for _ in range(16)]
        for client in idle:
            client.sendall(b"GET ")
        one_more = self.connect(server)
        self.assertEqual(b"", one_more.recv(1000))
        for client in idle:
            client.close()
        for _ in range(10 * _LIMIT):
            try:
                if fetch(server.url)[0] == 200:
                    return
            except OSError:
                continue
        self.fail("nothing is served any more")

    def test_it_knows_whether_it_serves(self):
        server = self.server()
        self.assertTrue(server.is_alive)
        server._server.shutdown()
        server._thread.join(_LIMIT)
        self.assertFalse(server.is_alive)
