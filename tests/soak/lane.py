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

"""Agents on one backend, to which one fault after another happens."""

from __future__ import annotations

import collections
import dataclasses
import random
import threading
import time

from tests.functional.sync_stage import Stage
from tests.soak.faults import FAULTS

_LONGEST_HALF = 2.0
"""Seconds that a fault lasts at most before the hosts' files change, and again after that."""


@dataclasses.dataclass(frozen=True, slots=True)
class Recovery:
    """How long hosts were wrong after a fault had ended.

    :ivar taken: seconds
    :ivar allowed: two periods, in seconds
    """

    fault: str
    taken: float
    allowed: float

    @property
    def is_late(self) -> bool:
        return self.taken > self.allowed

    def __str__(self) -> str:
        return f"{self.taken:.1f} s of {self.allowed:.1f} s after {self.fault}"


class Lane:
    """The faults of one backend's agents.

    :param seed: of what is left to chance
    """

    def __init__(self, name: str, stage: Stage, seed: int) -> None:
        self.name = name
        self.stage = stage
        self.recoveries: list[Recovery] = []
        self._chance = random.Random(f"{name} {seed}")
        self._rounds: collections.Counter[str] = collections.Counter()

    def run(self, stopping: threading.Event) -> None:
        """Let faults happen until it is enough; all agents are well then.

        :raises TimeoutError: if hosts stay wrong, or agents are not well after the last fault
        """
        while not stopping.is_set():
            self._let_something_fail()
        self.stage.wait_until_well()

    def rounds(self) -> int:
        """Count the rounds that the agents made so far."""
        for agent in self.stage.agents:
            self._rounds[agent.log.name] = sum(
                int(value)
                for name, value in agent.metrics().items()
                if name.startswith("rounds_total{")
            )
        return self._rounds.total()

    def faults(self) -> list[str]:
        """Return what was never to happen."""
        late = [f"{self.name}: {each}" for each in self.recoveries if each.is_late]
        return [*late, *self.stage.faults()]

    def _let_something_fail(self) -> None:
        fault = self._chance.choice(FAULTS)
        with fault(self.stage, self._chance):
            time.sleep(self._chance.uniform(0, _LONGEST_HALF))
            self.stage.change()
            time.sleep(self._chance.uniform(0, _LONGEST_HALF))
        taken, allowed = self.stage.time_until_right()
        self.recoveries.append(Recovery(fault.__name__.replace("_", " "), taken, allowed))
