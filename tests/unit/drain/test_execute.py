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

"""Carrying out a drain, where nova does what the embedded cloud does not come to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import testtools

from tests.unit.clocks import StandingClock
from tests.unit.migration.records import migration, report
from tests.unit.preflight import scenario
from vfio_lm.cloud.model import ComputeNode, Migration, Progress, Provider, Server
from vfio_lm.drain import Line, State
from vfio_lm.drain.execute import DrainExecutor
from vfio_lm.drain.occupancy import Underway, occupancy
from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.migration import Pace
from vfio_lm.preflight import Report

SOURCE = "compute1"
RUNS = 3
"""How many times nova is asked about a live migration until it is over."""


class Nova:
    """A nova whose live migrations take some looks; a test changes what it is about."""

    def __init__(self, *names: str) -> None:
        self.found = {name: server(name) for name in names}
        self.records: dict[str, Migration] = {}
        self.left: dict[str, int] = {}
        self.begun: list[str] = []
        self.most_at_once = 0
        self.on_live_migrate: Callable[[str], None] = lambda server_id: None

    def begin(self, server_id: str, host: str) -> None:
        number = len(self.records) + 1
        self.records[server_id] = migration(
            id=number,
            uuid=f"m-{server_id}",
            server_id=server_id,
            status="running",
            destination=host,
        )
        self.found[server_id] = dataclasses.replace(self.found[server_id], task_state="migrating")
        self.left[server_id] = RUNS
        going = [r for r in self.records.values() if r.is_in_progress]
        self.most_at_once = max(self.most_at_once, len(going))

    def live_migrate(self, server_id: str, host: str) -> str:
        self.on_live_migrate(server_id)
        self.begun.append(server_id)
        self.begin(server_id, host)
        return f"req-{server_id}"

    def server(self, server_id: str) -> Server:
        if server_id not in self.found:
            raise NotFoundError(f"no server {server_id}")
        return self.found[server_id]

    def servers(self, host: str) -> tuple[Server, ...]:
        return tuple(each for each in self.found.values() if each.host == host)

    def migrations_in_progress(self, host: str) -> tuple[Migration, ...]:
        return tuple(r for r in self.records.values() if r.is_in_progress)

    def newest_migration(self, server_id: str) -> Migration | None:
        return self.records.get(server_id)

    def in_progress(self, server_id: str) -> Progress | None:
        self.left[server_id] -= 1
        record = self.records[server_id]
        if self.left[server_id] == 0:
            self.records[server_id] = dataclasses.replace(record, status="completed")
            self.found[server_id] = dataclasses.replace(
                self.found[server_id], task_state=None, host=record.destination
            )
        return Progress(record, None, None)

    def nodes(self) -> dict[str, ComputeNode]:
        return {host: scenario.node(host) for host in ("compute2", "compute3")}


class Placement:
    """A placement where each server is on the root provider of its host, without devices."""

    def __init__(self, nova: Nova) -> None:
        self._nova = nova

    def allocations(self, consumer: str) -> Mapping[str, Mapping[str, int]]:
        found = self._nova.found.get(consumer)
        return {found.host: {"VCPU": 1}} if found else {}

    def find_provider(self, *, uuid: str) -> Provider:
        return Provider(uuid=uuid, name=uuid, root_uuid=uuid, parent_uuid=None)

    def with_details(self, provider: Provider) -> Provider:
        return provider


class Observer:
    def __init__(self) -> None:
        self.wants_stop = False
        self.said: list[str] = []
        self.failures: list[str] = []
        self.on_show: Callable[[Mapping[str, Pace]], None] = lambda paces: None

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def show(self, paces: Mapping[str, Pace]) -> None:
        self.on_show(paces)

    def failed(self, server: Server, migration: Migration | None, request_id: str) -> None:
        self.failures.append(server.name)


def server(name: str, **changes: Any) -> Server:
    return scenario.facts(server={"id": name, "name": name, "host": SOURCE} | changes).server


def line(name: str, destination: str = "compute2", **changes: Any) -> Line:
    return Line(name, name, State.CAN_LEAVE, destination=destination, **changes)


class TestDrainExecutor(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.observer = Observer()

    def executor(self, nova: Nova, **options: Any) -> DrainExecutor:
        def check(server_id: str, host: str) -> Report:
            return report()

        placement: Any = Placement(nova)
        client: Any = nova
        clock = StandingClock().clock()
        return DrainExecutor(
            SOURCE, client, placement, check, self.observer, clock=clock, **options
        )

    def run_lines(self, nova: Nova, *lines: Line, **options: Any) -> dict[str, tuple[State, str]]:
        done = self.executor(nova, **options).run(lines)
        self.assertEqual([each.name for each in lines], [each.name for each in done])
        return {each.name: (each.state, each.reason) for each in done}

    def test_no_more_at_once_than_may_be(self) -> None:
        hosts = {"a": "compute2", "b": "compute3", "c": "compute2"}
        for parallel, most in ((1, 1), (2, 2), (3, 2)):
            nova = Nova(*hosts)
            lines = [line(name, host) for name, host in hosts.items()]
            done = self.run_lines(nova, *lines, parallel=parallel)
            self.assertEqual({State.LEFT}, {state for state, _ in done.values()}, done)
            # The third one has to wait for its destination.
            self.assertEqual(most, nova.most_at_once)

    def test_never_two_of_one_group(self) -> None:
        nova = Nova("a", "b")
        lines = (line("a", group="g"), line("b", "compute3", group="g"))
        self.run_lines(nova, *lines, parallel=2)
        self.assertEqual((1, ["a", "b"]), (nova.most_at_once, nova.begun))

    def test_another_is_taken_first_where_one_has_to_wait(self) -> None:
        nova = Nova("a", "b", "c")
        self.run_lines(nova, line("a"), line("b"), line("c", "compute3"), parallel=2)
        self.assertEqual(["a", "c", "b"], nova.begun)

    def test_one_that_is_gone_has_left(self) -> None:
        nova = Nova("moved", "ours")
        nova.found["moved"] = server("moved", host="compute9")
        done = self.run_lines(nova, line("gone"), line("moved"), line("ours"))
        self.assertEqual((State.LEFT, "somebody has deleted it"), done["gone"])
        self.assertEqual((State.LEFT, "it is on compute9 already"), done["moved"])
        self.assertEqual((State.LEFT, ""), done["ours"])
        self.assertEqual(["ours"], nova.begun)

    def test_one_that_somebody_else_moves_is_followed(self) -> None:
        nova = Nova("a")

        def refuse(server_id: str) -> None:
            nova.begin(server_id, "compute2")
            raise CloudError("nova answers 409")

        nova.on_live_migrate = refuse
        self.assertEqual((State.LEFT, ""), self.run_lines(nova, line("a"))["a"])

    def test_what_nova_refuses_stops_it(self) -> None:
        nova = Nova("a", "b")

        def refuse(server_id: str) -> None:
            raise CloudError("nova answers 400")

        nova.on_live_migrate = refuse
        done = self.run_lines(nova, line("a"), line("b"))
        self.assertEqual((State.FAILED, "nova answers 400"), done["a"])
        self.assertEqual((State.CAN_LEAVE, ""), done["b"])

    def test_a_server_that_arrived_elsewhere_is_no_success(self) -> None:
        nova = Nova("a")
        nova.on_live_migrate = lambda server_id: None
        begin = nova.begin
        nova.begin = lambda server_id, host: begin(server_id, "compute3")  # type: ignore[method-assign]
        state, reason = self.run_lines(nova, line("a"))["a"]
        self.assertEqual(State.FAILED, state)
        self.assertIn("verification of server: the server is on compute3, not on compute2", reason)

    def test_whoever_stops_waiting_is_told_what_goes_on(self) -> None:
        nova = Nova("a", "b")
        self.observer.on_show = mock.Mock(side_effect=KeyboardInterrupt)
        done = self.run_lines(nova, line("a"), line("b"))
        self.assertEqual((State.LEAVING, State.CAN_LEAVE), (done["a"][0], done["b"][0]))

    def test_whoever_stops_it_while_nova_is_asked_does_not_know(self) -> None:
        nova = Nova("a")
        nova.on_live_migrate = mock.Mock(side_effect=KeyboardInterrupt)
        self.assertEqual(State.UNKNOWN, self.run_lines(nova, line("a"))["a"][0])

    def test_what_comes_is_waited_for_and_not_judged(self) -> None:
        nova = Nova("coming", "going")
        nova.found["coming"] = server("coming", host="compute3")
        nova.begin("coming", SOURCE)
        nova.begin("going", "compute2")
        nova.records["coming"] = dataclasses.replace(nova.records["coming"], source="compute3")
        client: Any = nova
        now = occupancy(client, SOURCE)
        self.assertEqual(["coming"], [each.server.name for each in now.arriving])
        self.assertEqual(["going"], [each.server.name for each in now.leaving])
        done = self.executor(nova).settle(now.leaving, now.arriving)
        self.assertEqual([("going", State.LEFT)], [(each.name, each.state) for each in done])
        self.assertEqual(SOURCE, nova.found["coming"].host)
        self.assertEqual([], nova.begun)


class TestOccupancy(testtools.TestCase):
    def test_a_live_migration_without_a_record_is_under_way(self) -> None:
        nova = Nova("a", "b")
        nova.found["a"] = server("a", task_state="migrating")
        client: Any = nova
        now = occupancy(client, SOURCE)
        self.assertEqual((Underway(nova.found["a"], "", after=0),), now.leaving)
        self.assertEqual((nova.found["b"],), now.staying)
