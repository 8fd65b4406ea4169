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

"""What operators get for Prometheus and Grafana speaks of metrics that the agent really has."""

import json
import pathlib
import re
import subprocess

import fixtures
import testtools

from placement_sync.agent.metrics import Metrics
from placement_sync.engine.round import RoundResult

_ETC = pathlib.Path(__file__).parents[3] / "etc"
_RULES = _ETC / "prometheus" / "vfio-placement-sync.rules.yaml"
_DASHBOARD = _ETC / "grafana" / "vfio-placement-sync.json"
_METRIC = re.compile(r"\bvfio_placement_sync_\w+")


def _agent() -> Metrics:
    """Return the metrics of an agent after a round."""
    metrics = Metrics()
    metrics.count_round(RoundResult(), seconds=0.1)
    return metrics


def _names_of_the_agent() -> set[str]:
    """Return the names of all time series of an agent."""
    return {sample.name for metric in _agent().registry.collect() for sample in metric.samples}


def _promtool(test: testtools.TestCase, *arguments: str) -> None:
    finished = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    test.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)


class TestAlerts(testtools.TestCase):
    def test_prometheus_takes_the_rules(self):
        _promtool(self, "check", "rules", str(_RULES))

    def test_each_alert_fires_when_it_should_and_not_before(self):
        _promtool(self, "test", "rules", str(_RULES.with_suffix(".test.yaml")))

    def test_each_alert_is_tested(self):
        alerts = set(re.findall(r"- alert: (\w+)", _RULES.read_text()))
        tested = _RULES.with_suffix(".test.yaml").read_text()
        fired = set(re.findall(r"- alertname: (\w+)\n", tested))
        self.assertEqual(alerts, fired)

    def test_the_alerts_ask_for_metrics_of_the_agent(self):
        used = set(_METRIC.findall(_RULES.read_text()))
        self.assertEqual(set(), used - _names_of_the_agent())


class TestDashboard(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.dashboard = json.loads(_DASHBOARD.read_text())

    def test_it_asks_for_metrics_of_the_agent(self):
        used = set(_METRIC.findall(_DASHBOARD.read_text()))
        self.assertEqual(set(), used - _names_of_the_agent())

    def test_no_metric_of_the_agent_is_left_out(self):
        used = _METRIC.findall(_DASHBOARD.read_text())
        families = {metric.name for metric in _agent().registry.collect()}
        unseen = {name for name in families if not any(each.startswith(name) for each in used)}
        self.assertEqual(set(), unseen)

    def test_prometheus_understands_each_question(self):
        questions = [
            target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
            for panel in self.dashboard["panels"]
            for target in panel["targets"]
        ]
        rules = [{"record": f"rule{n}", "expr": asked} for n, asked in enumerate(questions)]
        file = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "rules.yaml"
        # JSON is YAML
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        _promtool(self, "check", "rules", str(file))

    def test_panels_do_not_lie_on_one_another(self):
        taken = set()
        for panel in self.dashboard["panels"]:
            at = panel["gridPos"]
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken.add((x, y))
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
