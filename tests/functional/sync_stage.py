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

"""Agents that share hosts through a real backend, with a gate before each service; no tests.

What an agent writes is seen at a gate of its own in front of placement.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterable

from tests.cloud import Cloud
from tests.cloud.administrator import wait_for
from tests.functional.backends import Backend
from tests.functional.gate import Gate
from tests.functional.http_gate import HttpGate
from tests.functional.sync_agent import VERBOSE, AgentProcess, credentials
from tests.functional.sync_fleet import Fleet, are_sharing, overlaps, quiet

_SLACK = 3.0
"""Seconds that rounds take on a busy machine, beside the periods between them."""


class Stage:
    """Some agents, and hosts whose devices are all declared the same.

    :param interval: seconds between the rounds of an agent
    :param timeout: seconds that an agent may be silent
    :ivar ways: to the backend, of each agent
    :ivar gates: to placement, of each agent
    :ivar value: what is declared
    """

    def __init__(
        self,
        cloud: Cloud,
        folder: pathlib.Path,
        make_backend: type[Backend],
        *,
        hosts: int = 12,
        interval: int = 4,
        timeout: int = 2,
    ) -> None:
        self._cloud = cloud
        self._folder = folder
        self._timeout = timeout
        self._close = contextlib.ExitStack()
        self.interval = interval
        self.fleet = Fleet(cloud, folder, hosts)
        self._close.callback(cloud.empty_placement_filler)
        self.backend = make_backend(folder)
        self.ways: dict[AgentProcess, Gate] = {}
        self.gates: dict[AgentProcess, HttpGate] = {}
        self.agents: list[AgentProcess] = []
        self.value = "no"

    @property
    def two_periods(self) -> float:
        """Seconds, with what the rounds themselves take."""
        return 2 * self.interval + _SLACK

    def start(self, agents: int = 3) -> None:
        """Start the backend and agents; all hosts are right then, and shared."""
        self._close.callback(self.backend.kill)
        self.backend.start()
        self.change()
        for _ in range(agents):
            self.add_agent()
        self.wait(30)
        wait_for("all agents share", lambda: are_sharing(self.agents, len(self.fleet.roots)))

    def close(self) -> None:
        """End everything."""
        self._close.close()

    def add_agent(self, *arguments: str) -> AgentProcess:
        """Start one more agent."""
        way = Gate(f"http://{self.backend.address}")
        gate = HttpGate(self._cloud.urls["placement"])
        url = self.backend.url(way.url.removeprefix("http://"), self._timeout)
        agent = AgentProcess(self._folder, f"agent{len(self.gates)}")
        agent.configure(
            f"nova_conf_dir = {self.fleet.folder}\ninterval = {self.interval}",
            credentials(self._cloud, endpoint_override=gate.url, timeout="2")
            + f"[coordination]\nbackend_url = {url}\n",
            default=VERBOSE,
        )
        for end in (way.close, gate.close, agent.kill):
            self._close.callback(end)
        self.ways[agent], self.gates[agent] = way, gate
        self.agents.append(agent)
        agent.start(*arguments)
        return agent

    def remove_agent(self, agent: AgentProcess) -> None:
        """Forget an agent that has ended; what it wrote is remembered."""
        agent.kill()
        self.agents.remove(agent)

    def change(self) -> None:
        """Declare the opposite of what is declared."""
        self.value = {"yes": "no", "no": "yes"}[self.value]
        self.fleet.declare(self.value)

    def wait(self, limit: float | None = None) -> None:
        """Wait until all hosts are right: two periods, if nothing else is said."""
        self.fleet.wait_until_right(self.value, limit or self.two_periods)

    def wait_until_well(self) -> None:
        """Wait until all agents share the hosts and say that they are well."""
        wait_for(
            "all agents share and are well",
            lambda: (
                are_sharing(self.agents, len(self.fleet.roots))
                and all(agent.health()[0] == 200 for agent in self.agents)
            ),
            self.two_periods,
        )

    def faults(self) -> Iterable[str]:
        """Yield what was never to happen: two writers at once, a traceback, a secret in a log."""
        writes = [
            (agent.log.name, host, passed)
            for agent, gate in self.gates.items()
            for host, passed in self.fleet.written(gate)
        ]
        yield from overlaps(writes)
        yield from (f"nothing was written to {host}" for host in self.unwritten(writes))
        for agent in self.gates:
            yield from (
                f"{agent.log.name}: {line}"
                for line in agent.text().splitlines()
                if "Traceback" in line or "canary" in line
            )

    def unwritten(self, writes: Iterable[tuple[str, str, object]]) -> set[str]:
        return set(self.fleet.names) - {host for _, host, _ in writes}

    def log_texts(self) -> dict[str, str]:
        """Return what the agents logged."""
        return {agent.log.name: quiet(agent.text()) for agent in self.gates}
