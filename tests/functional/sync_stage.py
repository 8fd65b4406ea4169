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
import re
import time
from collections.abc import Iterable, Sequence

from tests.cloud import Cloud
from tests.cloud.administrator import wait_for
from tests.functional.backends import Backend
from tests.functional.gate import Gate
from tests.functional.http_gate import HttpGate
from tests.functional.sync_agent import VERBOSE, AgentProcess, credentials
from tests.functional.sync_fleet import Fleet, are_sharing, overlaps, quiet

_SLACK = 3.0
"""Seconds that a busy machine takes between two rounds."""

_LIMIT = 120.0
"""Seconds, also on a machine that is busy with other things."""

_ROUND = re.compile(r"The round took (\d+\.\d+) s")


class Stage:
    """Some agents, and hosts whose devices are all declared the same.

    :param names: of the hosts, which placement has
    :param interval: seconds between the rounds of an agent
    :param timeout: seconds that an agent may be silent
    :param request_timeout: seconds that an agent waits for placement and keystone
    :param log: what the agents log
    :ivar ways: to the backend, of each agent
    :ivar gates: to placement, of each agent
    :ivar identity_gates: to keystone, of each agent
    :ivar value: what is declared
    """

    def __init__(
        self,
        cloud: Cloud,
        folder: pathlib.Path,
        make_backend: type[Backend],
        names: Sequence[str],
        *,
        interval: int = 4,
        timeout: int = 2,
        request_timeout: int = 2,
        log: str = VERBOSE,
    ) -> None:
        self._cloud = cloud
        self._folder = folder
        self._timeout = timeout
        self._request_timeout = request_timeout
        self._log = log
        self._close = contextlib.ExitStack()
        self.interval = interval
        self.fleet = Fleet(cloud, folder, names)
        self.backend = make_backend(folder)
        self.ways: dict[AgentProcess, Gate] = {}
        self.gates: dict[AgentProcess, HttpGate] = {}
        self.identity_gates: dict[AgentProcess, HttpGate] = {}
        self.agents: list[AgentProcess] = []
        self.value = "no"

    def start(self, agents: int = 3) -> None:
        """Start the backend and agents; all hosts are right then, and shared."""
        self._close.callback(self.backend.kill)
        self.backend.start()
        self.change()
        for _ in range(agents):
            self.add_agent()
        self.fleet.wait_until_right(self.value, _LIMIT)
        self.wait_until_shared()

    def close(self) -> None:
        """End everything."""
        self._close.close()

    def add_agent(self, *arguments: str, **environ: str) -> AgentProcess:
        """Start one more agent, with more in its environment if that is given."""
        way = Gate(f"http://{self.backend.address}")
        gate = HttpGate(self._cloud.urls["placement"])
        identity_gate = HttpGate(self._cloud.urls["keystone"])
        url = self.backend.url(way.url.removeprefix("http://"), self._timeout)
        agent = AgentProcess(self._folder, f"agent{len(self.gates)}")
        agent.configure(
            f"nova_conf_dir = {self.fleet.folder}\ninterval = {self.interval}",
            credentials(
                self._cloud,
                auth_url=f"{identity_gate.url}/v3",
                endpoint_override=gate.url,
                timeout=str(self._request_timeout),
            )
            + f"[coordination]\nbackend_url = {url}\n",
            default=self._log,
        )
        for end in (way.close, gate.close, identity_gate.close, agent.kill):
            self._close.callback(end)
        self.ways[agent], self.gates[agent] = way, gate
        self.identity_gates[agent] = identity_gate
        self.agents.append(agent)
        agent.start(*arguments, **environ)
        return agent

    def remove_agent(self, agent: AgentProcess) -> None:
        """Forget an agent that has ended; what it wrote is remembered."""
        agent.kill()
        self.agents.remove(agent)

    def change(self) -> None:
        """Declare the opposite of what is declared."""
        self.value = {"yes": "no", "no": "yes"}[self.value]
        self.fleet.declare(self.value)

    def wait(self) -> None:
        """Wait until all hosts are right, which takes two periods at most."""
        taken, allowed = self.time_until_right()
        if taken > allowed:
            raise AssertionError(f"hosts were wrong for {taken:.1f} s, not {allowed:.1f}")

    def time_until_right(self) -> tuple[float, float]:
        """Wait until all hosts are right; return the seconds that it took, and two periods.

        A period is the interval with the round before it, as long as that took here.
        """
        began = time.monotonic()
        sizes = {agent: agent.log.stat().st_size for agent in self.agents}
        self.fleet.wait_until_right(self.value, _LIMIT)
        writes = [
            passed.end
            for gate in self.gates.values()
            for _, passed in self.fleet.written(gate, since=began)
            if passed.status == 200
        ]
        taken = max(writes, default=began) - began
        longest = max((max(self._rounds(*each), default=0) for each in sizes.items()), default=0)
        return taken, 2 * (self.interval + longest) + _SLACK

    def change_and_wait(self) -> None:
        """Let all hosts be written, and wait for it."""
        self.change()
        self.wait()

    def wait_until_shared(self, agents: Sequence[AgentProcess] | None = None) -> None:
        """Wait until agents share the hosts; all of them, if not some are given."""
        agents = self.agents if agents is None else agents
        hosts = len(self.fleet.roots)
        wait_for(f"{len(agents)} agents share", lambda: are_sharing(agents, hosts), _LIMIT)

    def wait_until_well(self) -> None:
        """Wait until all agents share the hosts and say that they are well."""
        self.wait_until_shared()
        wait_for("good health", lambda: all(a.health()[0] == 200 for a in self.agents), _LIMIT)

    def writers(self) -> dict[str, AgentProcess]:
        """Return who writes each host when all have to be written.

        :raises AssertionError: if one was written twice
        """
        began = time.monotonic()
        self.change_and_wait()
        found = [
            (host, agent)
            for agent, gate in self.gates.items()
            for host, passed in self.fleet.written(gate)
            if passed.begin > began and passed.status == 200
        ]
        if len(found) != len(self.fleet.roots):
            raise AssertionError(f"{len(found)} writes for {len(self.fleet.roots)} hosts")
        return dict(found)

    def _rounds(self, agent: AgentProcess, offset: int) -> list[float]:
        """Return how long each round took since the log had a size."""
        with agent.log.open() as log:
            log.seek(offset)
            return [float(seconds) for seconds in _ROUND.findall(log.read())]

    def faults(self) -> Iterable[str]:
        """Yield what was never to happen: two writers at once, a traceback, a secret in a log.

        A write that took long may be one that the agent waits for no longer, and then others may
        write: placement takes only one of them.
        """
        writes = [
            (agent.log.name, host, passed)
            for agent, gate in self.gates.items()
            for host, passed in self.fleet.written(gate)
            if passed.end - passed.begin < self._request_timeout / 2
        ]
        yield from overlaps(writes)
        yield from (f"nothing was written to {host}" for host in self._unwritten())
        for agent in self.gates:
            yield from (
                f"{agent.log.name}: {line}"
                for line in agent.text().splitlines()
                if "Traceback" in line or "canary" in line
            )

    def _unwritten(self) -> set[str]:
        written = {host for gate in self.gates.values() for host, _ in self.fleet.written(gate)}
        return set(self.fleet.names) - written

    def log_texts(self) -> dict[str, str]:
        """Return what the agents logged."""
        return {agent.log.name: quiet(agent.text()) for agent in self.gates}
