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

"""An agent that cares for many hosts alone, and what ends it or placement at the wrong moment."""

from __future__ import annotations

import itertools
import random

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.base import CloudTestCase
from tests.functional.sync_agent import PlacementProcess
from tests.functional.sync_fleet import TRAITS, FleetMixin, quiet


class TestKilledAgent(FleetMixin, CloudTestCase):
    hosts = (HostSpec("compute1"),)

    def test_whatever_an_agent_was_doing_when_it_was_killed_the_next_round_finishes(self):
        self.set_up_fleet()
        chance = random.Random(5)
        agent = self.make_agent()
        interrupted = 0
        for value in itertools.islice(itertools.cycle(TRAITS), 10):
            self.fleet.declare(value)
            enough = chance.randrange(self.number_of_hosts)
            before = len(self.fleet.writes())
            agent.start()
            wait_for(
                f"{enough} writes", lambda b=before, e=enough: len(self.fleet.writes()) >= b + e
            )
            agent.kill()
            interrupted += self.fleet.right(value) < self.number_of_hosts
            finished = agent.run("--once")
            self.assertEqual(0, finished.returncode, finished.stderr)
            self.assertEqual(self.number_of_hosts, self.fleet.right(value))
        self.assertGreater(interrupted, 0, "no agent was killed in the middle of its writes")


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
        wait_for("some writes", lambda: len(self.fleet.writes()) >= self.number_of_hosts // 4)
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
        # again does not remember that it accepted one of them
        identity.update_user(user, is_enabled=False)
        identity.update_user(user, is_enabled=True)
        self.placement.kill()
        self.placement.start()
        agent.wait_for_line("RESP: [401]")
        self.fleet.declare("no")
        self.fleet.wait_until_right("no")
        self.assertEqual(2, agent.text().count("Making authentication request"))
