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
from collections.abc import Callable
from typing import Any
from unittest import mock

import testtools

from tests.unit.clocks import StandingClock
from tests.unit.drain.doubles import SOURCE, Nova, Observer, Placement, line, server
from tests.unit.migration.records import check_result, report
from vfio_lm.drain import Line, State
from vfio_lm.drain.execute import DrainExecutor
from vfio_lm.drain.occupancy import occupancy
from vfio_lm.errors import CloudError
from vfio_lm.preflight import Report, Status


class TestDrainExecutor(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.observer = Observer()

    def executor(
        self,
        nova: Nova,
        check: Callable[[str, str], Report] = lambda server_id, host: report(),
        **options: Any,
    ) -> DrainExecutor:
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
        self.assertEqual((State.LEFT, "it was deleted"), done["gone"])
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

    def test_one_that_another_drain_began_during_the_preflight_is_followed(self) -> None:
        nova = Nova("a", "b")

        def check(server_id: str, host: str) -> Report:
            if server_id != "a":
                return report()
            nova.begin("a", "compute3")
            return report(check_result("server-state", Status.FAIL))

        executor = self.executor(nova, check)
        done = {each.name: each for each in executor.run([line("a", order=1), line("b")])}
        self.assertEqual((State.LEFT, "", 1), (done["a"].state, done["a"].reason, done["a"].order))
        self.assertEqual((State.LEFT, ["b"]), (done["b"].state, nova.begun))

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
