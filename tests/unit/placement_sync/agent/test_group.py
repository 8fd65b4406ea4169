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

"""Hosts are shared by the members of a group; here on tooz's driver for one machine.

What real backends and processes do is tested in tests.functional.test_placement_sync_backends.
"""

import pathlib
import socket
import threading
import time
from unittest import mock

import fixtures
import testtools

from placement_sync.agent.backend_connection import CoordinationError
from placement_sync.agent.backend_url import Coordination
from placement_sync.agent.group import Group

_HOSTS = [f"compute{number}.example" for number in range(60)]
_LIMIT = 30


class GroupTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def settings(self, timeout=10, group="group"):
        url = f"file://{self.folder}?timeout={timeout}"
        return Coordination(url, group, timeout)

    def member(self, timeout=10, **kwargs):
        member = Group(self.settings(timeout), **kwargs)
        self.leave_later(member)
        member.refresh()
        return member

    def leave_later(self, member):
        """Let it leave, which is not waited for: the file driver needs a second."""
        self.addCleanup(threading.Thread(target=member.leave, daemon=True).start)

    def wait_for(self, condition):
        end = time.monotonic() + _LIMIT
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def break_driver(self, method, error):
        """Let what the driver is asked for fail, until the return value is called."""
        patch = mock.patch(f"tooz.drivers.file.{method}", fail_with(error))
        patch.start()
        self.addCleanup(mock.patch.stopall)
        return patch.stop


def fail_with(error):
    def fail(*args, **kwargs):
        raise error

    return fail


class TestSharing(GroupTestCase):
    def assert_shared(self, *members):
        """Every host belongs to exactly one member, and none of the members is idle."""
        for member in members:
            self.assertEqual(len(members), member.refresh().members)
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
        self.leave_later(other)
        self.member()
        self.assertEqual(1, other.refresh().members)

    def test_a_member_that_the_backend_forgot_joins_again(self):
        member = self.member()
        for path in self.folder.rglob("*.raw"):
            path.unlink()
        self.assertEqual(1, member.refresh().members)
        self.assertEqual(1, self.member(takes_part=False).refresh().members)

    def test_a_round_by_hand_owns_every_host_and_takes_none_away(self):
        member = self.member()
        visitor = self.member(takes_part=False)
        self.assertTrue(all(visitor.owns(host) for host in _HOSTS))
        self.assertEqual(1, member.refresh().members)

    def test_an_agent_that_cannot_work_leaves_its_hosts_to_the_others(self):
        first, second = self.member(), self.member()
        view = first.refresh(is_able=False)
        self.assertEqual((1, False), (view.members, view.is_member))
        self.assertEqual(1, second.refresh().members)
        self.assertTrue(all(second.owns(host) for host in _HOSTS))
        self.assert_shared(first, second)

    def test_it_may_look_at_the_hosts_that_would_be_its_own(self):
        first, second = self.member(), self.member()
        self.assert_shared(first, second)
        before = [host for host in _HOSTS if first.owns(host)]
        first.refresh(is_able=False)
        self.assertEqual(before, [host for host in _HOSTS if first.owns(host)])

    def test_an_agent_that_cannot_work_stays_where_there_is_no_other(self):
        first, second = self.member(), self.member()
        first.refresh(is_able=False)
        self.assertTrue(second.refresh(is_able=False).is_member)
        second.leave()
        self.assertTrue(first.refresh(is_able=False).is_member)

    def test_joining_is_said_once(self):
        member = Group(self.settings())
        self.leave_later(member)
        self.assertTrue(member.refresh().has_joined)
        self.assertFalse(member.refresh().has_joined)
        other = self.member()
        member.refresh(is_able=False)
        self.assertTrue(member.refresh().has_joined)
        self.assertFalse(other.refresh().has_joined)

    def test_an_agent_whose_rounds_have_stopped_leaves(self):
        first, second = self.member(timeout=1), self.member()
        first.refresh(valid_for=0.1)
        self.wait_for(lambda: second.refresh().members == 1)
        self.assertEqual(2, first.refresh().members)


class TestLocks(GroupTestCase):
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
        first, second = self.member(), self.member(timeout=1)
        with first.writing("compute1"), second.writing("compute1") as may_write:
            self.assertFalse(may_write)
        self.assertEqual("another agent is writing to them", second.trouble)
        second.refresh()
        self.assertEqual("", second.trouble)

    def test_a_name_with_any_character_can_be_locked(self):
        with self.member().writing("[flavors]/é ") as may_write:
            self.assertTrue(may_write)

    def test_an_error_at_a_lock_is_no_error_of_the_round(self):
        member = self.member()
        mend = self.break_driver("FileLock.acquire", KeyError("whatever"))
        with member.writing("compute1") as may_write:
            self.assertFalse(may_write)
        self.assertIn("does not answer: 'whatever'", member.trouble)
        mend()
        self.assertEqual(1, member.refresh().members)
        with member.writing("compute1") as may_write:
            self.assertTrue(may_write)

    def test_a_lock_that_cannot_be_given_back_ends_the_connection_that_would_refresh_it(self):
        member = self.member()
        held = member._connection
        mend = self.break_driver("FileLock.release", KeyError("whatever"))
        with member.writing("compute1") as may_write:
            self.assertTrue(may_write)
        mend()
        self.assertTrue(held.is_over)
        member.refresh()
        self.assertIsNot(held, member._connection)


class TestBackendInTrouble(GroupTestCase):
    def test_a_backend_that_tooz_does_not_know(self):
        error = self.assertRaises(CoordinationError, Group, Coordination("nix://x", "g", 1))
        self.assertIn("[coordination]backend_url: tooz cannot use it", str(error))

    def test_a_backend_that_is_away_holds_nothing_up(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"redis://127.0.0.1:{unused.getsockname()[1]}?timeout=1"
            member = Group(Coordination(url, "group", 1))
            error = self.assertRaises(CoordinationError, member.refresh)
            self.assertIn("does not answer within 1 s", str(error))
            self.assertFalse(member.owns("compute1"))
            with member.writing("compute1") as may_write:
                self.assertFalse(may_write)
            self.assertTrue(member.is_alive)
            member.leave()

    def test_whatever_the_driver_raises_the_agent_knows_nothing_and_comes_back(self):
        member = self.member(timeout=1)
        for method in ("get_members", "heartbeat"):
            for error in (KeyError("whatever"), OSError(), SystemExit(), RuntimeError("x" * 9)):
                mend = self.break_driver(f"FileDriver.{method}", error)
                self.assertRaises(CoordinationError, member.refresh)
                self.assertFalse(any(map(member.owns, _HOSTS)))
                mend()
                self.assertEqual(1, member.refresh().members)
                self.assertTrue(all(map(member.owns, _HOSTS)))
        self.assertTrue(member.is_alive)

    def test_a_connection_that_is_lost_is_made_again_before_the_next_look(self):
        member, other = self.member(timeout=1), self.member()
        lost = member._connection
        lost.abandon()
        member._wake.set()
        self.wait_for(lambda: member._connection is not lost)
        self.assert_shared(member, other)

    def test_another_agent_never_sees_it_missing_meanwhile(self):
        member, other = self.member(), self.member()
        for _ in range(5):
            member._connection.abandon()
            self.assertEqual(2, other.refresh().members)
            member.refresh()
            self.assertEqual(2, other.refresh().members)

    def assert_shared(self, *members):
        for member in members:
            self.assertEqual(len(members), member.refresh().members)
