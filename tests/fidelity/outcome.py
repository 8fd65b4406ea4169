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

"""Hold what was said about a server against what nova does."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable

from tests.cloud.administrator import Moved
from tests.fidelity.judgement import Answer, Judgement
from tests.fidelity.opinion import NovasWord, Opinion, opinions
from tests.fidelity.scenario import Scenario
from tests.fidelity.stage import CannotStageError, Staged, Stager
from vfio_lm.compute.domain.remap import hostdev_addresses


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What nova did.

    :ivar is_mismapped: whether the guest has devices of the host that it came from, which nova
        does not notice.
    """

    moved: Moved
    is_mismapped: bool = False


def judge(stager: Stager, scenario: Scenario, novas: NovasWord | None = None) -> Judgement:
    """Stage a scenario, ask the preflight, then nova, and hold one against the other.

    :param novas: asked as well, if the scenario wants it
    """
    seconds: dict[str, float] = {}
    began = time.monotonic()

    def lap(phase: str) -> None:
        seconds[phase] = round(time.monotonic() - began - sum(seconds.values()), 2)

    try:
        staged = stager.stage(scenario)
        lap("stage")
        said = list(opinions(staged, novas))
        lap("opinions")
        outcomes = ask_nova(staged, dict.fromkeys(each.host for each in said))
        lap("nova")
    except CannotStageError as error:
        return Judgement(scenario.seed, scenario.number, void=str(error), seconds=seconds)
    answers = tuple(hold(each, outcomes[each.asks_for]) for each in said)
    return Judgement(scenario.seed, scenario.number, answers, seconds=seconds)


def ask_nova(staged: Staged, hosts: Iterable[str | None]) -> dict[str | None, Outcome]:
    """Let nova move the server wherever it likes (None), then to each other host in turn.

    Where the server went of nova's own accord is not asked for again.

    :param hosts: those that something was said about
    :raises CannotStageError: if the server cannot be had back where it was
    """
    last = _move(staged, None)
    found: dict[str | None, Outcome] = {None: last}
    if last.moved.is_done:
        found[last.moved.host] = last
    for host in hosts:
        if host not in found:
            staged.bring_home(last.moved)
            found[host] = last = _move(staged, host)
    return found


def hold(opinion: Opinion, outcome: Outcome) -> Answer:
    """Hold one opinion against what nova did."""
    moved = outcome.moved
    is_there = moved.is_done and (opinion.hosts is None or moved.host in opinion.hosts)
    return Answer(
        subject=opinion.subject,
        host=opinion.host,
        verdict=opinion.verdict,
        informed=opinion.informed,
        is_moved=is_there and not outcome.is_mismapped,
        is_broken=moved.is_broken,
        is_warned=opinion.is_warned,
        nova=_said(outcome),
        unknown=opinion.unknown,
        failed=opinion.failed,
    )


def _move(staged: Staged, host: str | None) -> Outcome:
    moved = staged.move(host)
    if not moved.is_done or not staged.scenario.server.aliases:
        return Outcome(moved)
    (bus,) = (h.spec.bus for h in staged.scenario.hosts if h.spec.name == moved.host)
    addresses = hostdev_addresses(staged.cloud.guest_xml(staged.server_id))
    return Outcome(moved, any(each.bus != bus for each in addresses))


def _said(outcome: Outcome) -> str:
    moved = outcome.moved
    if moved.status is None:
        return f"refused: {moved.refusal}"
    state = "in ERROR " if moved.is_broken else ""
    devices = " with devices of another host" if outcome.is_mismapped else ""
    return f"{moved.status}, the server is {state}on {moved.host}{devices}"
