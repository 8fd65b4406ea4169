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

"""Three agents on a real backend, and all that can happen to the backend and to the agents."""

from __future__ import annotations

import pathlib
import signal
import tempfile
import time
from collections.abc import Sequence
from typing import ClassVar

import testtools
from testtools.content import text_content

from tests.cloud import HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.backends import Backend, Etcd, Redis
from tests.functional.base import CLOUDS
from tests.functional.http_gate import answering
from tests.functional.sync_agent import AgentProcess
from tests.functional.sync_fleet import are_sharing
from tests.functional.sync_stage import Stage
from vfio_lm.pci.release import NovaRelease

_UNAVAILABLE = answering(503, b"no server is available")


class _Scenarios:
    """What each backend has to stand. The agents are those of the class; each test leaves three."""

    make_backend: type[Backend]
    stage: ClassVar[Stage]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        shared = CLOUDS.of_release(NovaRelease.R2026_2)
        cloud = shared.shaped((HostSpec("compute1"),), (), pci_in_placement=True)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.stage = Stage(cloud, pathlib.Path(folder.name), cls.make_backend)
        cls.addClassCleanup(cls.stage.close)
        cls.stage.start()

    def setUp(self) -> None:
        super().setUp()
        self.addOnException(self._attach_logs)

    def tearDown(self) -> None:
        super().tearDown()
        self.stage.wait_until_well()
        self.assertEqual([], list(self.stage.faults()))

    def wait_until_shared(self, agents: Sequence[AgentProcess]) -> None:
        hosts = len(self.stage.fleet.roots)
        wait_for(f"{len(agents)} agents share", lambda: are_sharing(agents, hosts))

    def writers(self) -> dict[str, AgentProcess]:
        """Return who writes each host when all have to be written."""
        began = time.monotonic()
        self.stage.change()
        self.stage.wait()
        found = [
            (host, agent)
            for agent, gate in self.stage.gates.items()
            for host, passed in self.stage.fleet.written(gate)
            if passed.begin > began and passed.status == 200
        ]
        self.assertEqual(len(self.stage.fleet.roots), len(found), "a host was written twice")
        return dict(found)

    def _attach_logs(self, _: object) -> None:
        for name, text in self.stage.log_texts().items():
            self.addDetail(name, text_content(text))

    def test_the_backend_is_killed_for_ten_seconds(self) -> None:
        self.stage.backend.kill()
        self.addCleanup(self.stage.backend.ensure_started)
        self.stage.change()
        time.sleep(10)
        self.assertEqual(0, self.stage.fleet.right(self.stage.value), "written without a lock")
        self.stage.backend.start()
        self.stage.wait()

    def test_the_backend_is_cut_off_from_one_agent(self) -> None:
        way = self.stage.ways[self.stage.agents[0]]
        way.refuse()
        self.stage.change()
        self.stage.wait()
        way.admit()
        self.stage.change()
        self.stage.wait()

    def test_an_agent_is_killed(self) -> None:
        victim, *others = self.stage.agents
        before = self.writers()
        self.stage.remove_agent(victim)
        after = self.writers()
        moved = {host for host in before if before[host] != after[host]}
        self.assertEqual({host for host in before if before[host] is victim}, moved)
        self.wait_until_shared(others)
        self.stage.add_agent()

    def test_an_agent_leaves_while_the_backend_is_away(self) -> None:
        leaving, *others = self.stage.agents
        self.stage.ways[leaving].refuse()
        began = time.monotonic()
        self.assertEqual(0, leaving.end())
        self.assertLess(time.monotonic() - began, 10)
        self.stage.remove_agent(leaving)
        self.stage.change()
        self.stage.wait()
        self.wait_until_shared(others)
        self.stage.add_agent()

    def test_rounds_by_hand_that_all_want_to_write_every_host(self) -> None:
        self.stage.change()
        by_hand = [self.stage.add_agent("--once") for _ in range(2)]
        self.assertEqual([0, 0], [agent.wait() for agent in by_hand])
        for agent in by_hand:
            self.stage.remove_agent(agent)
        self.assertEqual(len(self.stage.fleet.roots), self.stage.fleet.right(self.stage.value))

    def test_an_agent_stands_still(self) -> None:
        agent = self.stage.agents[0]
        agent.signal(signal.SIGSTOP)
        self.stage.change()
        self.stage.wait()
        self.stage.change()
        agent.signal(signal.SIGCONT)
        self.stage.wait()

    def test_the_backend_refuses_each_kind_of_request_once(self) -> None:
        for kind in self.stage.backend.kinds:
            refused = self.stage.backend.refuse_once(kind)
            self.stage.change()
            wait_for(f"{kind} is refused", refused.is_set, 30)
            self.stage.wait()

    def test_the_backend_refuses_an_agent_that_leaves(self) -> None:
        leaving, *others = self.stage.agents
        refused = self.stage.backend.refuse_once(self.stage.backend.kind_of_leaving)
        self.assertEqual(0, leaving.end())
        self.assertTrue(refused.is_set())
        self.stage.remove_agent(leaving)
        self.stage.change()
        self.stage.wait()
        self.wait_until_shared(others)
        self.stage.add_agent()

    def test_placement_is_cut_off_from_one_agent(self) -> None:
        """It leaves its hosts to the others, and has them back afterwards."""
        agent = self.stage.agents[0]
        gate = self.stage.gates[agent]
        gate.fail(_UNAVAILABLE)
        self.stage.change()
        agent.wait_for_line("this agent failed in several rounds: 2 other agents took its hosts")
        self.stage.wait()
        gate.recover()
        self.wait_until_shared(self.stage.agents)


class TestAgentsOnEtcd(_Scenarios, testtools.TestCase):
    make_backend = Etcd


class TestAgentsOnRedis(_Scenarios, testtools.TestCase):
    make_backend = Redis
