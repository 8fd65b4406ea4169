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

"""What is counted, and health by the age of the last good round; serving it has its own tests."""

import testtools
from prometheus_client import generate_latest

from placement_sync.agent.metrics import Metrics
from placement_sync.engine.round import RoundResult


class TestMetrics(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.metrics = Metrics()

    def sample(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"vfio_placement_sync_{name}", labels)

    def test_what_a_round_found_and_did(self):
        self.metrics.count_members(3, 7)
        self.metrics.count_unreadable(1)
        result = RoundResult(providers=9, right=5, wrong=3, contested=1, writes=2, conflicts=4)
        self.metrics.count_round(result, 0.2)
        self.metrics.count_round(result, 0.2)
        self.metrics.count_success()
        text = generate_latest(self.metrics.registry).decode()
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

    def test_an_agent_is_not_well_before_its_first_complete_round(self):
        health = self.metrics.health(60)
        self.assertFalse(health.is_ok)
        self.assertEqual("no round is complete yet", health.reason)
        self.metrics.count_failure("placement answers 500")
        self.assertIn("yet; placement answers 500", self.metrics.health(60).reason)
        self.metrics.count_success()
        self.assertIn('"status": "ok", "reason": "", ', self.metrics.health(60).to_json())

    def test_an_agent_without_success_for_too_long_is_not(self):
        self.metrics.count_success()
        health = self.metrics.health(0)
        self.assertFalse(health.is_ok)
        self.assertIn("no round was complete for", health.reason)

    def test_health_says_what_the_last_round_failed_of(self):
        self.metrics.count_success()
        self.metrics.count_failure("placement answers 500")
        self.metrics.count_errors(2)
        health = self.metrics.health(0)
        self.assertFalse(health.is_ok)
        self.assertIn("placement answers 500", health.reason)
        self.assertIsNotNone(health.last_success)
        self.assertEqual(2.0, self.sample("errors_total"))
        self.assertEqual(1.0, self.sample("rounds_total", outcome="failed"))

    def test_one_failed_round_does_not_make_it_fail(self):
        self.metrics.count_success()
        self.metrics.count_failure("placement answers 500")
        self.assertTrue(self.metrics.health(60).is_ok)

    def test_nothing_that_a_cloud_has_many_of_is_a_label(self):
        self.metrics.count_round(RoundResult(), 0.1)
        labels = {
            name
            for family in self.metrics.registry.collect()
            for sample in family.samples
            for name in sample.labels
        }
        self.assertEqual({"outcome", "state", "le"}, labels)
