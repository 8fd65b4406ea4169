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

"""Agents that care for many hosts, alone or shared, and what ends them at the wrong moment."""

from __future__ import annotations

import itertools
import pathlib
import random
import re
import time

import fixtures
import testtools
from testtools.content import text_content

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.base import CloudTestCase
from tests.functional.sync_agent import (
    VERBOSE,
    AgentProcess,
    PlacementProcess,
    Redis,
    credentials,
    write_hosts,
)

HOSTS = 24
NAMES = [f"filler{number:05}" for number in range(HOSTS)]
TRAITS = {"yes": "HW_PCI_LIVE_MIGRATABLE", "no": "CUSTOM_PCI_NOT_LIVE_MIGRATABLE"}

_PUT = re.compile(
    r"^(?P<time>\S+ \S+) .* placement\.requestlog \[(?P<round>\S+) .*"
    r'"PUT /resource_providers/(?P<uuid>[0-9a-f-]{36})/traits" status: (?P<status>\d+)',
    re.MULTILINE,
)


class Fleet:
    """Hosts without nova-compute, of which placement says what a file each says."""

    def __init__(self, cloud: Cloud, folder: pathlib.Path) -> None:
        self._cloud = cloud
        self.folder = folder / "hosts"
        self._log = cloud.directory / "log" / "placement.log"
        self._log_begin = self._log.stat().st_size
        connection = cloud.connection()
        cloud.fill_placement(hosts=HOSTS, pfs=1, vfs=4)
        self._placement = connection.placement
        self.roots = {
            item["uuid"]: item["name"]
            for item in self._get("/resource_providers")
            if item["name"] in NAMES
        }

    def declare(self, live_migratable: str) -> None:
        """Say the same of the devices of all hosts."""
        write_hosts(self.folder, dict.fromkeys(NAMES, live_migratable))

    def right(self, live_migratable: str) -> int:
        """Return how many root providers carry one of the two traits, and not the other."""
        found = {value: self._with(trait) for value, trait in TRAITS.items()}
        (other,) = found.keys() - {live_migratable}
        return len(found[live_migratable] - found[other])

    def wait_until_right(self, live_migratable: str, limit: float = 60) -> None:
        wait_for(
            f"all hosts say {live_migratable}",
            lambda: self.right(live_migratable) == HOSTS,
            limit,
        )

    def writes(self) -> list[dict[str, str]]:
        """Return all writes to root providers, as placement logged them."""
        with self._log.open() as log:
            log.seek(self._log_begin)
            found = [match.groupdict() for match in _PUT.finditer(log.read())]
        return [each for each in found if each["uuid"] in self.roots]

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

    def set_up_fleet(self) -> None:
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.fleet = Fleet(self.cloud, self.path)
        self.addCleanup(self.cloud.empty_placement_filler)
        self.agents: list[AgentProcess] = []

    def make_agent(self, interval: int = 1, coordination: str = "", **changes: str) -> AgentProcess:
        agent = AgentProcess(self.path, f"agent{len(self.agents)}")
        if coordination:
            coordination = f"[coordination]\nbackend_url = {coordination}\n"
        agent.configure(
            f"nova_conf_dir = {self.fleet.folder}\ninterval = {interval}",
            credentials(self.cloud, **changes) + coordination,
            default=VERBOSE,
        )
        self.agents.append(agent)
        self.addCleanup(agent.kill)
        self.addOnException(
            lambda _: self.addDetail(agent.log.name, text_content(quiet(agent.text())))
        )
        return agent


def quiet(log: str) -> str:
    """Return a log without the noise of requests."""
    return "\n".join(line for line in log.splitlines() if " DEBUG keystoneauth" not in line)


class TestKilledAgent(FleetMixin, CloudTestCase):
    hosts = (HostSpec("compute1"),)

    def test_whatever_an_agent_was_doing_when_it_was_killed_the_next_round_finishes(self):
        self.set_up_fleet()
        chance = random.Random(5)
        agent = self.make_agent()
        interrupted = 0
        for value in itertools.islice(itertools.cycle(TRAITS), 10):
            self.fleet.declare(value)
            enough = chance.randrange(HOSTS)
            before = len(self.fleet.writes())
            agent.start()
            wait_for(
                f"{enough} writes", lambda b=before, e=enough: len(self.fleet.writes()) >= b + e
            )
            agent.kill()
            interrupted += self.fleet.right(value) < HOSTS
            finished = agent.run("--once")
            self.assertEqual(0, finished.returncode, finished.stderr)
            self.assertEqual(HOSTS, self.fleet.right(value))
        self.assertGreater(interrupted, 0, "no agent was killed in the middle of its writes")


class TestSharedHosts(FleetMixin, CloudTestCase):
    hosts = (HostSpec("compute1"),)
    interval = 6
    timeout = 3

    def setUp(self):
        super().setUp()
        self.set_up_fleet()
        self.redis = Redis(self.path)
        self.addCleanup(self.redis.stop)
        self.redis.start()

    def start_agents(self, number):
        agents = []
        for _ in range(number):
            agent = self.make_agent(self.interval, self.redis.url(self.timeout))
            agent.start()
            agents.append(agent)
        wait_for("all agents know one another", lambda: self.are_sharing(agents))
        return agents

    def are_sharing(self, agents):
        owned = [agent.metric("hosts_owned") for agent in agents]
        known = [agent.metric("members") for agent in agents]
        return known == [len(agents)] * len(agents) and sum(owned) == HOSTS and all(owned)

    def writers(self, since=0):
        """Return who wrote each host, from the request log of placement."""
        agents = {mark: agent for agent in self.agents for mark in agent.rounds}
        found = {}
        for write in self.fleet.writes()[since:]:
            found.setdefault(self.fleet.roots[write["uuid"]], set()).add(agents[write["round"]])
        return found

    def assert_never_two_at_once(self):
        """No write of a host began before another agent's write of it had ended."""
        agents = {mark: agent for agent in self.agents for mark in agent.rounds}
        begun = {
            (agent, uuid): iter(sorted(moments))
            for agent in self.agents
            for uuid in self.fleet.roots
            if (
                moments := [
                    moment
                    for moment, url in agent.requests("PUT")
                    if url.endswith(f"/resource_providers/{uuid}/traits")
                ]
            )
        }
        last = {}
        for write in self.fleet.writes():
            agent, uuid = agents[write["round"]], write["uuid"]
            beginning = next(begun[agent, uuid])
            before, ended = last.get(uuid, (agent, ""))
            if before is not agent:
                self.assertGreaterEqual(beginning, ended, self.fleet.roots[uuid])
            last[uuid] = (agent, write["time"])

    def test_the_hosts_of_an_agent_that_dies_are_covered_again_within_two_periods(self):
        self.fleet.declare("yes")
        agents = self.start_agents(3)
        self.fleet.wait_until_right("yes")

        before = len(self.fleet.writes())
        self.fleet.declare("no")
        self.fleet.wait_until_right("no")
        shares = self.writers(before)
        self.assertEqual(HOSTS, len(shares))
        self.assertEqual({1}, {len(writers) for writers in shares.values()})
        self.assertEqual(set(agents), set().union(*shares.values()))

        victim, *others = agents
        before = len(self.fleet.writes())
        victim.kill()
        self.fleet.declare("yes")
        began = time.monotonic()
        # Beside the two periods, what a busy machine takes for the round itself.
        self.fleet.wait_until_right("yes", 2 * self.interval + 10)
        periods = (time.monotonic() - began) / self.interval
        self.addDetail("periods", text_content(f"{periods:.2f}"))
        for host, writers in self.writers(before).items():
            self.assertEqual(1, len(writers), host)
            if shares[host] != {victim}:
                self.assertEqual(shares[host], writers, "a host moved without need")
        wait_for("two are left", lambda: self.are_sharing(others))
        self.assert_never_two_at_once()

    def test_an_agent_that_leaves_and_one_that_joins(self):
        self.fleet.declare("yes")
        first, second = self.start_agents(2)
        self.assertEqual(0, second.end())
        wait_for("one is left", lambda: self.are_sharing([first]))
        third = self.make_agent(self.interval, self.redis.url(self.timeout))
        third.start()
        wait_for("two share", lambda: self.are_sharing([first, third]))
        self.fleet.wait_until_right("yes")
        self.assert_never_two_at_once()

    def test_agents_that_all_want_to_write_every_host_do_it_one_after_the_other(self):
        self.fleet.declare("yes")
        for _ in range(3):
            self.make_agent(self.interval, self.redis.url(10)).start("--once")
        self.assertEqual({0}, {agent.wait() for agent in self.agents})
        self.assertEqual(HOSTS, self.fleet.right("yes"))
        self.assertEqual(HOSTS, len(self.writers()))
        self.assert_never_two_at_once()

    def test_without_redis_nothing_is_written_until_it_is_back(self):
        self.fleet.declare("yes")
        (agent,) = self.start_agents(1)
        self.fleet.wait_until_right("yes")
        self.redis.stop()
        agent.wait_for_line("coordination backend ([coordination]backend_url) does not answer")
        before = len(self.fleet.writes())
        self.fleet.declare("no")
        failed = agent.metric('rounds_total{outcome="failed"}')
        wait_for(
            "failed rounds", lambda: agent.metric('rounds_total{outcome="failed"}') > failed + 1
        )
        self.assertEqual(before, len(self.fleet.writes()))
        self.redis.start()
        # tooz's driver tries for a minute before it looks up
        self.fleet.wait_until_right("no", 150)
        self.assertEqual(0, agent.end())

    def test_an_agent_ends_while_redis_is_away(self):
        self.fleet.declare("yes")
        (agent,) = self.start_agents(1)
        self.fleet.wait_until_right("yes")
        self.redis.stop()
        agent.wait_for_line("does not answer")
        self.assertEqual(0, agent.end())


class TestPlacementStartedAnew(FleetMixin):
    """In a cloud of its own, because placement is killed."""

    def setUp(self):
        super().setUp()
        self.cloud = Cloud(CloudSpec(hosts=(HostSpec("compute1"),)))
        self.cloud.start()
        self.addCleanup(self.cloud.stop)
        self.placement = PlacementProcess(self.cloud)
        self.addCleanup(self.placement.stop)
        self.set_up_fleet()

    def test_an_agent_finishes_what_it_was_writing_when_placement_was_killed(self):
        self.fleet.declare("yes")
        agent = self.make_agent()
        agent.start()
        wait_for("some writes", lambda: len(self.fleet.writes()) >= HOSTS // 4)
        self.placement.kill()
        agent.wait_for_line("cannot be reached")
        wait_for("failed rounds", lambda: agent.metric('rounds_total{outcome="failed"}') >= 2)
        self.placement.start()
        self.fleet.wait_until_right("yes")
        self.assertEqual(0, agent.end())
        self.assertNotIn("Traceback", quiet(agent.text()))

    def test_a_token_that_is_revoked_is_replaced(self):
        identity = self.cloud.connection().identity
        user = identity.create_user(name="sync", password="secret", domain_id="default")
        role, project = identity.find_role("admin"), identity.find_project("admin")
        identity.assign_project_role_to_user(project, user, role)
        self.fleet.declare("yes")
        agent = self.make_agent(username="sync")
        agent.start()
        self.fleet.wait_until_right("yes")
        # keystone revokes all tokens of a user who is disabled, and a placement that is started
        # anew does not remember that it accepted one of them
        identity.update_user(user, is_enabled=False)
        identity.update_user(user, is_enabled=True)
        self.placement.kill()
        self.placement.start()
        agent.wait_for_line("RESP: [401]")
        self.fleet.declare("no")
        self.fleet.wait_until_right("no")
        self.assertEqual(2, agent.text().count("Making authentication request"))
