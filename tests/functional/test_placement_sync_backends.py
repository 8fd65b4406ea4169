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
"""Three agents on each real backend, and all that can happen to the backend and to the agents.

What happens on one backend happens on the other at the same time, so that the waits are shared.
"""

from __future__ import annotations

import concurrent.futures
import pathlib
import tempfile
from collections.abc import Callable
from typing import ClassVar

import testtools
from testtools.content import text_content

from tests.cloud import HostSpec
from tests.functional import sync_scenarios as scenarios
from tests.functional.backends import Backend, Etcd, Redis
from tests.functional.base import CLOUDS
from tests.functional.sync_fleet import fill_placement
from tests.functional.sync_stage import Stage
from vfio_lm.pci.release import NovaRelease

_HOSTS = 12


class TestAgentsThatShareHosts(testtools.TestCase):
    """The agents are those of the class: each test leaves three that are well."""

    backends: tuple[type[Backend], ...] = (Etcd, Redis)
    stages: ClassVar[dict[str, Stage]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        shared = CLOUDS.of_release(NovaRelease.R2026_2)
        cloud = shared.shaped((HostSpec("compute1"),), (), pci_in_placement=True)
        cls.addClassCleanup(cloud.empty_placement_filler)
        names = fill_placement(cloud, _HOSTS * len(cls.backends))
        cls.stages = {}
        for number, make_backend in enumerate(cls.backends):
            folder = tempfile.TemporaryDirectory()
            cls.addClassCleanup(folder.cleanup)
            own = names[number * _HOSTS : (number + 1) * _HOSTS]
            stage = Stage(cloud, pathlib.Path(folder.name), make_backend, own)
            cls.addClassCleanup(stage.close)
            cls.stages[make_backend.__name__] = stage
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(Stage.start, cls.stages.values()))

    def setUp(self) -> None:
        super().setUp()
        self.addOnException(self._attach_logs)

    def tearDown(self) -> None:
        super().tearDown()
        for stage in self.stages.values():
            stage.wait_until_well()
            self.assertEqual([], list(stage.faults()))

    def on_each(self, scenario: Callable[[Stage], None]) -> None:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = {name: pool.submit(scenario, stage) for name, stage in self.stages.items()}
        for name, run in runs.items():
            if error := run.exception():
                raise AssertionError(f"on {name}: {error}") from error

    def _attach_logs(self, _: object) -> None:
        for backend, stage in self.stages.items():
            for name, text in stage.log_texts().items():
                self.addDetail(f"{backend}-{name}", text_content(text))

    def test_the_backend_is_killed_for_ten_seconds(self) -> None:
        self.on_each(scenarios.the_backend_is_killed_for_ten_seconds)

    def test_the_backend_is_cut_off_from_one_agent(self) -> None:
        self.on_each(scenarios.the_backend_is_cut_off_from_one_agent)

    def test_an_agent_is_killed(self) -> None:
        self.on_each(scenarios.an_agent_is_killed)

    def test_an_agent_starts_while_the_backend_is_away(self) -> None:
        self.on_each(scenarios.an_agent_starts_while_the_backend_is_away)

    def test_the_clock_of_an_agent_is_an_hour_ahead_and_then_behind(self) -> None:
        self.on_each(scenarios.the_clock_of_an_agent_is_an_hour_ahead_and_then_behind)

    def test_an_agent_leaves_while_the_backend_is_away(self) -> None:
        self.on_each(scenarios.an_agent_leaves_while_the_backend_is_away)

    def test_the_backend_refuses_an_agent_that_leaves(self) -> None:
        self.on_each(scenarios.the_backend_refuses_an_agent_that_leaves)

    def test_rounds_by_hand_that_all_want_to_write_every_host(self) -> None:
        self.on_each(scenarios.rounds_by_hand_that_all_want_to_write_every_host)

    def test_an_agent_stands_still(self) -> None:
        self.on_each(scenarios.an_agent_stands_still)

    def test_the_backend_refuses_each_kind_of_request_once(self) -> None:
        self.on_each(scenarios.the_backend_refuses_each_kind_of_request_once)

    def test_placement_is_cut_off_from_one_agent(self) -> None:
        self.on_each(scenarios.placement_is_cut_off_from_one_agent)
