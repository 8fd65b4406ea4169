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

"""Many hosts of which placement says what a file each says, for agents to care for; no tests."""

from __future__ import annotations

import collections
import itertools
import pathlib
import re
from collections.abc import Iterable, Sequence

import fixtures
import testtools
from testtools.content import text_content

from tests.cloud import Cloud
from tests.cloud.administrator import wait_for
from tests.functional.http_gate import HttpGate, Passed
from tests.functional.sync_agent import VERBOSE, AgentProcess, credentials, write_hosts

TRAITS = {"yes": "HW_PCI_LIVE_MIGRATABLE", "no": "CUSTOM_PCI_NOT_LIVE_MIGRATABLE"}

_ROOT = re.compile(r"/resource_providers/(?P<uuid>[0-9a-f-]{36})/traits")

_LOGGED_PUT = re.compile(
    r"^(?P<time>\S+ \S+) .* placement\.requestlog \[(?P<round>\S+) .*"
    r'"PUT /resource_providers/(?P<uuid>[0-9a-f-]{36})/traits" status: (?P<status>\d+)',
    re.MULTILINE,
)


def fill_placement(cloud: Cloud, hosts: int) -> list[str]:
    """Add hosts to placement; return their names."""
    cloud.fill_placement(hosts=hosts, pfs=1, vfs=4)
    return [f"filler{number:05}" for number in range(hosts)]


class Fleet:
    """Hosts without nova-compute, of which placement says what a file each says."""

    def __init__(self, cloud: Cloud, folder: pathlib.Path, names: Sequence[str]) -> None:
        self.folder = folder / "hosts"
        self.names = names
        self._log = cloud.directory / "log" / "placement.log"
        self._log_begin = self._log.stat().st_size
        self._placement = cloud.connection().placement
        self.roots = {
            item["uuid"]: item["name"]
            for item in self._get("/resource_providers")
            if item["name"] in self.names
        }

    def declare(self, live_migratable: str) -> None:
        """Say the same of the devices of all hosts."""
        write_hosts(self.folder, dict.fromkeys(self.names, live_migratable))

    def right(self, live_migratable: str) -> int:
        """Return how many root providers carry one of the two traits, and not the other."""
        found = {value: self._with(trait) for value, trait in TRAITS.items()}
        (other,) = found.keys() - {live_migratable}
        return len(found[live_migratable] - found[other])

    def wait_until_right(self, live_migratable: str, limit: float = 60) -> None:
        wait_for(
            f"all hosts say {live_migratable}",
            lambda: self.right(live_migratable) == len(self.roots),
            limit,
        )

    def writes(self) -> list[dict[str, str]]:
        """Return all writes to root providers, as placement logged them."""
        with self._log.open() as log:
            log.seek(self._log_begin)
            found = [match.groupdict() for match in _LOGGED_PUT.finditer(log.read())]
        return [each for each in found if each["uuid"] in self.roots]

    def written(self, gate: HttpGate, since: float = 0) -> Iterable[tuple[str, Passed]]:
        """Yield each write to a root provider that came through a gate, with the host's name.

        :param since: when it was over at the earliest, as the monotonic clock has it
        """
        for passed in reversed(list(gate.passed)):
            if passed.end < since:
                return
            match = _ROOT.fullmatch(passed.path)
            if passed.method == "PUT" and match and match["uuid"] in self.roots:
                yield self.roots[match["uuid"]], passed

    def _with(self, trait: str) -> set[str]:
        if not self._placement.get(f"/traits/{trait}").ok:
            return set()
        found = self._get(f"/resource_providers?required={trait}")
        return {item["uuid"] for item in found} & self.roots.keys()

    def _get(self, path: str) -> list[dict[str, str]]:
        response = self._placement.get(path, microversion="1.39")
        return list(response.json()["resource_providers"])


class FleetMixin(testtools.TestCase):
    """Helpers of tests with a fleet."""

    cloud: Cloud
    number_of_hosts = 24

    def set_up_fleet(self) -> None:
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.addCleanup(self.cloud.empty_placement_filler)
        names = fill_placement(self.cloud, self.number_of_hosts)
        self.fleet = Fleet(self.cloud, self.path, names)
        self.agents: list[AgentProcess] = []

    def make_agent(
        self, interval: int = 1, coordination: str = "", own: str = "", **changes: str
    ) -> AgentProcess:
        agent = AgentProcess(self.path, f"agent{len(self.agents)}")
        if coordination:
            coordination = f"[coordination]\nbackend_url = {coordination}\n"
        agent.configure(
            f"nova_conf_dir = {self.fleet.folder}\ninterval = {interval}\n{own}",
            credentials(self.cloud, **changes) + coordination,
            default=VERBOSE,
        )
        self.agents.append(agent)
        self.addCleanup(agent.kill)
        self.addOnException(
            lambda _: self.addDetail(agent.log.name, text_content(quiet(agent.text())))
        )
        return agent


def are_sharing(agents: Iterable[AgentProcess], hosts: int) -> bool:
    """Say whether agents know one another, and each host belongs to one of them.

    Chance may leave one without a host, but hardly all but one: there are several agents here.
    """
    agents = list(agents)
    owned = [agent.metric("hosts_owned") for agent in agents]
    known = [agent.metric("members") for agent in agents]
    return (
        known == [len(agents)] * len(agents) and sum(owned) == hosts and sum(map(bool, owned)) > 1
    )


def overlaps(writes: Iterable[tuple[str, str, Passed]]) -> list[str]:
    """Return the writes of one host that were under way at once from two agents.

    :param writes: agent, host, and what passed the agent's gate
    """
    by_host = collections.defaultdict(list)
    for agent, host, passed in writes:
        by_host[host].append((passed.begin, passed.end, agent))
    return [
        f"{host}: {agent} from {begin:.3f}, {before} until {end_before:.3f}"
        for host, all_writes in by_host.items()
        for (_, end_before, before), (begin, _, agent) in itertools.pairwise(sorted(all_writes))
        if agent != before and begin < end_before
    ]


def quiet(log: str) -> str:
    """Return a log without the noise of requests."""
    return "\n".join(line for line in log.splitlines() if " DEBUG keystoneauth" not in line)
