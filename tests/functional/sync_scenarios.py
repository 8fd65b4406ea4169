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
"""What may happen to agents that share hosts, and what has to follow; no tests.

Each function leaves three agents behind.

:raises AssertionError: if something else follows
"""

from __future__ import annotations

import datetime
import signal
import time

from tests.cloud.administrator import wait_for
from tests.functional.http_gate import answering
from tests.functional.stepping_clock import SteppingClock
from tests.functional.sync_agent import AgentProcess
from tests.functional.sync_stage import Stage

_UNAVAILABLE = answering(503, b"no server is available")


def the_backend_is_killed_for_ten_seconds(stage: Stage) -> None:
    stage.backend.kill()
    try:
        stage.change()
        time.sleep(10)
        if stage.fleet.right(stage.value):
            raise AssertionError("a host was written without a lock")
    finally:
        stage.backend.start()
    stage.wait()


def the_backend_is_cut_off_from_one_agent(stage: Stage) -> None:
    way = stage.ways[stage.agents[0]]
    way.refuse()
    stage.change_and_wait()
    way.admit()
    stage.change_and_wait()


def an_agent_is_killed(stage: Stage) -> None:
    """Its hosts, and no others, move."""
    victim, *others = stage.agents
    before = stage.writers()
    stage.remove_agent(victim)
    after = stage.writers()
    moved = {host for host in before if before[host] != after[host]}
    if moved != {host for host in before if before[host] is victim}:
        raise AssertionError(f"{moved} moved")
    stage.wait_until_shared(others)
    stage.add_agent()


def an_agent_leaves_while_the_backend_is_away(stage: Stage) -> None:
    leaving, *others = stage.agents
    stage.ways[leaving].refuse()
    began = time.monotonic()
    if leaving.end() or time.monotonic() - began > 15:
        raise AssertionError("it did not end in order, or not in time")
    stage.remove_agent(leaving)
    stage.change_and_wait()
    stage.wait_until_shared(others)
    stage.add_agent()


def the_backend_refuses_an_agent_that_leaves(stage: Stage) -> None:
    leaving, *others = stage.agents
    refused = stage.backend.refuse_once(stage.backend.kind_of_leaving)
    if leaving.end() or not refused.is_set():
        raise AssertionError("it did not end in order, or was not refused")
    stage.remove_agent(leaving)
    stage.change_and_wait()
    stage.wait_until_shared(others)
    stage.add_agent()


def rounds_by_hand_that_all_want_to_write_every_host(stage: Stage) -> None:
    stage.change()
    by_hand = [stage.add_agent("--once") for _ in range(2)]
    if [agent.wait() for agent in by_hand] != [0, 0]:
        raise AssertionError("a round by hand failed")
    for agent in by_hand:
        stage.remove_agent(agent)
    if stage.fleet.right(stage.value) != len(stage.fleet.roots):
        raise AssertionError("a host is wrong after a complete round")


def an_agent_starts_while_the_backend_is_away(stage: Stage) -> None:
    """It is not well before it has done its work, and begins that by itself."""
    stage.backend.kill()
    try:
        stage.change()
        late = stage.add_agent()
        statuses = set()

        def has_failed_twice() -> bool:
            statuses.add(late.health()[0])
            return late.metric('rounds_total{outcome="failed"}') >= 2

        wait_for("two failed rounds", has_failed_twice)
        reason = late.health()[1]["reason"]
        if statuses != {503} or "[coordination]backend_url" not in reason:
            raise AssertionError(f"its health was {statuses}: {reason}")
    finally:
        stage.backend.start()
    stage.wait()
    stage.wait_until_well()
    _end(stage, late)


def the_clock_of_an_agent_is_an_hour_ahead_and_then_behind(stage: Stage) -> None:
    """Rounds, lease, locks and health go on: they count on another clock."""
    clock = SteppingClock(stage.fleet.folder.parent)
    agent = stage.add_agent(**clock.environ)
    stage.wait_until_well()
    statuses = set()
    for hours in (1, -1):
        clock.step_to(hours)
        stage.change_and_wait()
        wait_for("a round goes by the clock", lambda h=hours: _hours_ahead(agent) == h)
        statuses.add(agent.health()[0])
        stage.wait_until_shared()
    if statuses != {200}:
        raise AssertionError(f"its health was {statuses}")
    _end(stage, agent)


def an_agent_stands_still(stage: Stage) -> None:
    agent = stage.agents[0]
    agent.signal(signal.SIGSTOP)
    stage.change_and_wait()
    stage.change()
    agent.signal(signal.SIGCONT)
    stage.wait()


def the_backend_refuses_each_kind_of_request_once(stage: Stage) -> None:
    for kind in stage.backend.kinds:
        refused = stage.backend.refuse_once(kind)
        stage.change()
        wait_for(f"{kind} is refused", refused.is_set)
        stage.wait()


def placement_is_cut_off_from_one_agent(stage: Stage) -> None:
    """It leaves its hosts to the others, and has them back afterwards."""
    agent = stage.agents[0]
    gate = stage.gates[agent]
    gate.fail(_UNAVAILABLE)
    stage.change()
    agent.wait_for_line("this agent failed in several rounds: 2 other agents took its hosts")
    stage.wait()
    gate.recover()
    stage.wait_until_shared()


def _end(stage: Stage, agent: AgentProcess) -> None:
    if agent.end():
        raise AssertionError("it did not end in order")
    stage.remove_agent(agent)


def _hours_ahead(agent: AgentProcess) -> int:
    """Return how far ahead the agent believes its last complete round was."""
    said = datetime.datetime.fromisoformat(agent.health()[1]["last_success"])
    return round((said - datetime.datetime.now(datetime.UTC)) / datetime.timedelta(hours=1))
