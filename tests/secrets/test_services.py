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

"""Neither the agent nor what runs in nova's environment shows a password of a broken nova.conf."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import textwrap

import fixtures
import testtools

from tests.secrets.broken_files import BROKEN, traces

#: All files in one process: most of the time that a command takes, it imports.
_AGENT = """
import pathlib, sys, traceback
import requests_mock
from prometheus_client import generate_latest
from placement_sync.agent import command
from placement_sync.agent.members import Alone
from placement_sync.agent.metrics import Metrics
from placement_sync.agent.notify import Systemd
from placement_sync.agent.rounds import Agent

own, folder = map(pathlib.Path, sys.argv[1:])
options = "[DEFAULT]\\ndebug = true\\n[placement]\\nauth_type = none\\n"
options += "endpoint_override = http://127.0.0.1/placement\\n"
options += "[nova]\\nendpoint_override = http://127.0.0.1/compute\\n[vfio_placement_sync]\\n"
nothing = {name: [] for name in ("resource_providers", "hypervisors", "services", "traits")}

def run(text, *arguments):
    own.write_text(text)
    try:
        print("status", command.run([*arguments, "--config-file", str(own)]))
    except Exception:
        traceback.print_exc()

with requests_mock.Mocker() as mock:
    mock.register_uri(requests_mock.ANY, requests_mock.ANY, json=nothing)
    for file in sorted(folder.iterdir()):
        print("##", file.name, flush=True)
        print("##", file.name, file=sys.stderr, flush=True)
        run(options, "--once", "--config-file", str(file))
        run(options + f"nova_conf = {file}\\n", "--once")
        run(options + f"nova_conf_dir = {folder}\\napi_nova_conf = {file}\\n", "--dry-run")
        run(f"[vfio_placement_sync]\\nnova_conf = {file}\\n", "--once")
    own.write_text(options + f"nova_conf_dir = {folder}\\n")
    orders = command._orders(command.parse_arguments(["--config-file", str(own)]))
    metrics = Metrics()
    agent = Agent(orders, Alone(), metrics, Systemd())
    agent.make_round()
    print(generate_latest(metrics.registry).decode(), agent.health().to_json())
"""

_INSIDE_NOVA = """
import os, pathlib, sys, traceback
from vfio_lm.inside_nova import start
start._choose_threads()
import nova.conf, nova.config, nova.objects, nova.db.main.api, nova.db.api.api
from nova.db import migration
from vfio_lm.inside_nova import asking, dry_run, known
from vfio_lm.inside_nova.main import main

nova.objects.register_all()
known.check()

for file in sorted(pathlib.Path(sys.argv[2]).iterdir()):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        print("##", file.name, flush=True)
        status = 3
        try:
            status = main(["--config-file", str(file), "a"])
        except BaseException:
            traceback.print_exc()
        print("status", status, flush=True)
        os._exit(status)
    os.waitpid(child, 0)
"""


class TestServices(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        top = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.own, self.hosts = top / "agent.conf", top / "hosts"
        self.hosts.mkdir()
        for name, text in BROKEN.items():
            path = self.hosts / f"{name.replace(' ', '-')}.conf"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def run_all(self, script: str) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), str(self.own), str(self.hosts)],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        said = finished.stdout + finished.stderr
        self.assertEqual(0, finished.returncode, said[-2000:])
        self.assertEqual([], [lines for lines in said.split("##") if traces(lines)])
        self.assertNotIn("Traceback", said)
        return finished

    def test_log_metrics_and_output_of_the_agent(self) -> None:
        finished = self.run_all(_AGENT)
        self.assertEqual(4 * len(BROKEN), finished.stdout.count("status "))
        self.assertIn("vfio_placement_sync_hosts_unreadable", finished.stdout)

    def test_vfio_lm_nova(self) -> None:
        finished = self.run_all(_INSIDE_NOVA)
        self.assertEqual(len(BROKEN), finished.stdout.count("status 1"), finished.stdout)
