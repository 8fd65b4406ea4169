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

"""What goes wrong for agents that share hosts, each for as long as a context lasts.

Whom it strikes and in which way is left to chance: one agent, some, or all of them.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from tests.cloud.administrator import wait_for
from tests.functional.gate import Gate
from tests.functional.http_gate import (
    HttpGate,
    answering,
    cutting,
    dripping,
    dripping_body,
    hanging,
)
from tests.functional.sync_agent import AgentProcess
from tests.functional.sync_stage import Stage

_G = TypeVar("_G", Gate, HttpGate)

_NO_ANSWERS = (
    answering(503, b"no server is available"),
    answering(200, b"<html>Log in</html>", "text/html"),
    answering(200, b"{}", "application/json"),
    hanging,
    dripping,
    dripping_body,
    cutting,
)

_REFUSED_TOKEN = answering(401, b'{"error": {"code": 401}}', "application/json")


@contextlib.contextmanager
def placement_fails(stage: Stage, chance: random.Random) -> Iterator[None]:
    gates = _chosen(stage.gates, chance)
    fault = chance.choice(_NO_ANSWERS)
    for gate in gates:
        gate.fail(fault)
    try:
        yield
    finally:
        _recover(gates)


@contextlib.contextmanager
def keystone_fails_while_tokens_are_refused(stage: Stage, chance: random.Random) -> Iterator[None]:
    agents = _chosen({agent: agent for agent in stage.agents}, chance)
    gates = [stage.gates[agent] for agent in agents]
    identity_gates = [stage.identity_gates[agent] for agent in agents]
    fault = chance.choice(_NO_ANSWERS)
    for gate in identity_gates:
        gate.fail(fault)
    for gate in gates:
        gate.fail(_REFUSED_TOKEN)
    try:
        yield
    finally:
        _recover(identity_gates)
        _recover(gates)


@contextlib.contextmanager
def the_backend_is_killed(stage: Stage, chance: random.Random) -> Iterator[None]:
    stage.backend.kill()
    try:
        yield
    finally:
        stage.backend.start()


@contextlib.contextmanager
def the_backend_is_cut_off(stage: Stage, chance: random.Random) -> Iterator[None]:
    ways = _chosen(stage.ways, chance)
    for way in ways:
        way.refuse()
    try:
        yield
    finally:
        for way in ways:
            way.admit()


@contextlib.contextmanager
def the_backend_does_not_answer(stage: Stage, chance: random.Random) -> Iterator[None]:
    ways = _chosen(stage.ways, chance)
    for way in ways:
        way.fail(b"")
    try:
        yield
    finally:
        for way in ways:
            way.recover()


@contextlib.contextmanager
def the_backend_refuses_one_request(stage: Stage, chance: random.Random) -> Iterator[None]:
    kind = chance.choice(stage.backend.kinds)
    refused = stage.backend.refuse_once(kind)
    yield
    wait_for(f"{kind} is refused", refused.is_set)


FAULTS: tuple[Callable[[Stage, random.Random], contextlib.AbstractContextManager[None]], ...] = (
    placement_fails,
    keystone_fails_while_tokens_are_refused,
    the_backend_is_killed,
    the_backend_is_cut_off,
    the_backend_does_not_answer,
    the_backend_refuses_one_request,
)


def _chosen(of_agents: Mapping[AgentProcess, _G], chance: random.Random) -> Sequence[_G]:
    everything = list(of_agents.values())
    return chance.sample(everything, chance.choice((1, 2, len(everything))))


def _recover(gates: Sequence[HttpGate]) -> None:
    for gate in gates:
        gate.recover()
