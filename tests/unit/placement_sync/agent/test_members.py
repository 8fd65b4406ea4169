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

"""Hosts are shared by the members of a group; here on tooz's driver for one machine."""

import pathlib
import socket
import threading

import fixtures
import testtools

from placement_sync.agent.members import Alone, CoordinationError, Group
from placement_sync.agent.settings import Coordination

_HOSTS = [f"compute{number}.example" for number in range(60)]


class TestAlone(testtools.TestCase):
    def test_it_owns_and_writes_everything(self):
        alone = Alone()
        self.assertEqual(1, alone.refresh())
        self.assertTrue(alone.owns("compute1"))
        with alone.writing("compute1") as may_write:
            self.assertTrue(may_write)
        alone.leave()


class TestGroup(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def settings(self, timeout=10, group="group"):
        url = f"file://{self.folder}?timeout={timeout}"
        return Coordination(url, group, timeout)

    def member(self, **kwargs):
        member = Group(self.settings(), **kwargs)
        self.addCleanup(member.leave)
        member.refresh()
        return member

    def assert_shared(self, *members):
        """Every host belongs to exactly one member, and none of the members is idle."""
        for member in members:
            self.assertEqual(len(members), member.refresh())
        owners = {host: [each for each in members if each.owns(host)] for host in _HOSTS}
        self.assertEqual({}, {host: found for host, found in owners.items() if len(found) != 1})
        self.assertEqual({m.name for m in members}, {found[0].name for found in owners.values()})
        return {host: found[0].name for host, found in owners.items()}

    def test_one_member_owns_every_host(self):
        self.assert_shared(self.member())

    def test_each_host_has_exactly_one_member(self):
        self.assert_shared(self.member(), self.member(), self.member())

    def test_only_hosts_of_a_member_that_leaves_move(self):
        members = [self.member() for _ in range(3)]
        before = self.assert_shared(*members)
        members[1].leave()
        after = self.assert_shared(members[0], members[2])
        moved = {host for host in _HOSTS if before[host] != after[host]}
        self.assertEqual({h for h in _HOSTS if before[h] == members[1].name}, moved)

    def test_groups_share_nothing(self):
        other = Group(self.settings(group="other"))
        self.addCleanup(other.leave)
        self.member()
        self.assertEqual(1, other.refresh())

    def test_a_member_that_the_backend_forgot_joins_again(self):
        member = self.member()
        for path in self.folder.rglob("*.raw"):
            path.unlink()
        self.assertEqual(1, member.refresh())
        self.assertEqual(1, self.member(takes_part=False).refresh())

    def test_a_round_by_hand_owns_every_host_and_takes_none_away(self):
        member = self.member()
        visitor = self.member(takes_part=False)
        self.assertTrue(all(visitor.owns(host) for host in _HOSTS))
        self.assertEqual(1, member.refresh())

    def test_a_host_is_written_by_one_at_a_time(self):
        first, second = self.member(), self.member()
        entered = threading.Event()
        order = []

        def write_too():
            entered.set()
            with second.writing("compute1") as may_write:
                order.append(("second", may_write))

        with first.writing("compute1") as may_write:
            thread = threading.Thread(target=write_too)
            thread.start()
            self.assertTrue(entered.wait(10))
            with second.writing("compute2") as may_write_another:
                order.append(("first", may_write and may_write_another))
        thread.join(30)
        self.assertEqual([("first", True), ("second", True)], order)

    def test_a_lock_that_is_not_given_back_is_not_waited_for_for_ever(self):
        first = self.member()
        second = Group(self.settings(timeout=1))
        self.addCleanup(second.leave)
        second.refresh()
        with first.writing("compute1"), second.writing("compute1") as may_write:
            self.assertFalse(may_write)

    def test_a_backend_that_tooz_does_not_know(self):
        error = self.assertRaises(CoordinationError, Group, Coordination("nix://x", "g", 1))
        self.assertIn("[coordination]backend_url: tooz has no such backend", str(error))

    def test_a_backend_that_is_away_holds_nobody_up(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"redis://127.0.0.1:{unused.getsockname()[1]}?timeout=1"
            member = Group(Coordination(url, "group", 1))
            error = self.assertRaises(CoordinationError, member.refresh)
            self.assertIn("does not answer: nothing is heard for 1 s", str(error))
            self.assertFalse(member.owns("compute1"))
            with member.writing("compute1") as may_write:
                self.assertFalse(may_write)
            member.leave()
