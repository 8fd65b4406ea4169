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
import urllib.error
import urllib.request

import testtools

from placement_sync.agent.metrics import ListenError, Metrics, MetricsServer
from placement_sync.engine.round import RoundResult


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
        self.allowed = 60.0
        self.server = MetricsServer(
            "127.0.0.1", 0, self.metrics, lambda: self.metrics.health(self.allowed)
        )
        self.addCleanup(self.server.stop)

    def sample(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"vfio_placement_sync_{name}", labels)

    def health(self):
        status, text = fetch(self.server.url.replace("/metrics", "/health"))
        return status, json.loads(text)

    def test_what_a_round_found_and_did(self):
        self.metrics.count_members(3, 7)
        self.metrics.count_unreadable(1)
        result = RoundResult(providers=9, right=5, wrong=3, contested=1, writes=2, conflicts=4)
        self.metrics.count_round(result, 0.2)
        self.metrics.count_round(result, 0.2)
        self.metrics.count_success()
        status, text = fetch(self.server.url)
        self.assertEqual(200, status)
        for line in (
            'vfio_placement_sync_providers{state="seen"} 9.0',
            'vfio_placement_sync_providers{state="right"} 5.0',
            'vfio_placement_sync_providers{state="wrong"} 3.0',
            'vfio_placement_sync_providers{state="contested"} 1.0',
            "vfio_placement_sync_writes_total 4.0",
            "vfio_placement_sync_conflicts_total 8.0",
            "vfio_placement_sync_errors_total 0.0",
            'vfio_placement_sync_rounds_total{outcome="complete"} 1.0',
            "vfio_placement_sync_round_duration_seconds_count 2.0",
            "vfio_placement_sync_members 3.0",
            "vfio_placement_sync_hosts_owned 7.0",
            "vfio_placement_sync_hosts_unreadable 1.0",
        ):
            self.assertIn(line, text.splitlines())
        self.assertGreater(self.sample("last_success_timestamp_seconds"), 1.7e9)

    def test_an_agent_that_has_just_begun_is_not_failing(self):
        self.assertEqual((200, "ok"), (self.health()[0], self.health()[1]["status"]))
        self.assertIsNone(self.health()[1]["last_success"])

    def test_an_agent_without_success_for_too_long_is(self):
        self.allowed = 0.0
        status, body = self.health()
        self.assertEqual((503, "failing"), (status, body["status"]))
        self.assertIn("no round was complete for", body["reason"])

    def test_health_says_what_the_last_round_failed_of(self):
        self.allowed = 0.0
        self.metrics.count_success()
        self.metrics.count_failure("placement answers 500")
        self.metrics.count_errors(2)
        status, body = self.health()
        self.assertEqual(503, status)
        self.assertIn("placement answers 500", body["reason"])
        self.assertIsNotNone(body["last_success"])
        self.assertEqual(2.0, self.sample("errors_total"))
        self.assertEqual(1.0, self.sample("rounds_total", outcome="failed"))

    def test_one_failed_round_does_not_make_it_fail(self):
        self.metrics.count_success()
        self.metrics.count_failure("placement answers 500")
        self.assertEqual(200, self.health()[0])

    def test_other_paths(self):
        self.assertEqual(404, fetch(self.server.url.replace("/metrics", "/"))[0])

    def test_a_port_that_is_taken(self):
        port = int(self.server.url.rpartition(":")[2].partition("/")[0])
        error = self.assertRaises(
            ListenError, MetricsServer, "127.0.0.1", port, self.metrics, lambda: None
        )
        self.assertIn(f"127.0.0.1:{port} cannot be listened on: Address already", str(error))

    def test_an_address_of_ipv6(self):
        try:
            server = MetricsServer("::1", 0, self.metrics, lambda: self.metrics.health(60))
        except ListenError as exc:
            self.skipTest(f"no IPv6 here: {exc}")
        self.addCleanup(server.stop)
        self.assertIn("http://[::1]:", server.url)
        self.assertEqual(200, fetch(server.url)[0])
