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

"""What is read of nova's scheduling, where the embedded cloud does not come to say it."""

import datetime

import requests_mock
import testtools

from tests.unit.cloud import answers
from tests.unit.cloud.nova.test_client import compute_client
from vfio_lm.cloud.model import GuestNode, ServerTopology
from vfio_lm.cloud.nova import SchedulingClient

_NOVA = "http://127.0.0.1/compute/v2.1"


def scheduling_client(mock):
    return compute_client(mock, "2.100", SchedulingClient)


class TestMoves(testtools.TestCase):
    @requests_mock.Mocker()
    def test_what_is_over_is_left_out(self, mock):
        def migration(status, destination="compute2"):
            return answers.migration(
                migration_type="resize", status=status, dest_compute=destination
            )

        over = ("confirmed", "reverted", "error", "failed", "completed", "cancelled", "done")
        mock.get(
            f"{_NOVA}/os-migrations",
            json={
                "migrations": [
                    migration("finished"),
                    migration("queued", None),
                    *map(migration, over),
                ]
            },
        )
        found = scheduling_client(mock).moves("server1")
        self.assertEqual(
            [("finished", "compute2"), ("queued", "")],
            [(move.status, move.destination) for move in found],
        )


class TestClaims(testtools.TestCase):
    @requests_mock.Mocker()
    def test_they_are_of_moves_that_are_not_over(self, mock):
        found = [
            answers.migration(uuid=status, status=status)
            for status in ("running", "finished", "confirmed", "error")
        ]
        mock.get(f"{_NOVA}/os-migrations", json={"migrations": found})
        self.assertEqual({"running", "finished"}, scheduling_client(mock).claims())
        self.assertNotIn("migration_type", mock.request_history[-1].qs)


class TestDepartures(testtools.TestCase):
    @requests_mock.Mocker()
    def test_servers_are_told_by_the_host_they_left(self, mock):
        def migration(number, host, server):
            return {"uuid": str(number), "source_compute": host, "instance_uuid": server}

        moves = [migration(1, "compute1", "a"), migration(2, "compute2", "b")]
        mock.get(
            f"{_NOVA}/os-migrations",
            json={"migrations": [*moves, migration(3, "compute1", "c")]},
        )
        since = datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC)
        found = scheduling_client(mock).departures(since)
        self.assertEqual({"compute1": {"a", "c"}, "compute2": {"b"}}, found)
        asked = mock.request_history[-1].qs
        self.assertEqual(["2026-01-02t03:04:00+00:00"], asked["changes-since"])
        self.assertEqual(["completed"], asked["status"])


class TestHistory(testtools.TestCase):
    @requests_mock.Mocker()
    def test_the_last_resize_of_a_server_counts(self, mock):
        def resize(server, day, status):
            return answers.migration(
                instance_uuid=server,
                uuid=f"{server}-{day}",
                created_at=f"2026-01-{day:02}T00:00:00.000000",
                migration_type="resize",
                status=status,
            )

        mock.get(
            f"{_NOVA}/os-migrations",
            json={
                "migrations": [
                    resize("a", 3, "reverted"),
                    resize("a", 2, "confirmed"),
                    resize("b", 1, "error"),
                    resize("b", 2, "confirmed"),
                    resize("c", 1, "finished"),
                    resize("d", 1, "confirmed"),
                ]
            },
        )
        self.assertEqual({"a", "c"}, scheduling_client(mock).resizes_given_up())
        self.assertEqual(["resize"], mock.request_history[-1].qs["migration_type"])

    @requests_mock.Mocker()
    def test_the_names_of_actions(self, mock):
        actions = [{"action": "create"}, {"action": "detach_interface"}]
        url = f"{_NOVA}/servers/s1/os-instance-actions"
        mock.get(url, json={"instanceActions": actions})
        client = scheduling_client(mock)
        self.assertEqual({"create", "detach_interface"}, client.action_names("s1"))
        mock.get(url, status_code=404, json={})
        self.assertIsNone(client.action_names("s1"))


class TestServerGroup(testtools.TestCase):
    @requests_mock.Mocker()
    def test_a_group_that_is_gone_limits_nobody(self, mock):
        mock.get(f"{_NOVA}/os-server-groups/g1", status_code=404, json={})
        self.assertIs(None, scheduling_client(mock).server_group("g1"))

    @requests_mock.Mocker()
    def test_the_rule_about_servers_on_one_host_is_read(self, mock):
        group = {
            "id": "g1",
            "name": "apart",
            "policy": "anti-affinity",
            "members": ["a"],
            "rules": {"max_server_per_host": 3},
        }
        mock.get(f"{_NOVA}/os-server-groups/g1", json={"server_group": group})
        found = scheduling_client(mock).server_group("g1")
        self.assertEqual((3, frozenset({"a"})), (found.max_servers_per_host, found.members))


class TestShares(testtools.TestCase):
    @requests_mock.Mocker()
    def test_shares_are_told_by_their_ids(self, mock):
        share = {"share_id": "s1", "status": "active", "tag": "data"}
        mock.get(f"{_NOVA}/servers/a/shares", json={"shares": [share]})
        mock.get(f"{_NOVA}/servers/gone/shares", status_code=404, json={})
        client = scheduling_client(mock)
        self.assertEqual((("s1",), ()), (client.shares("a"), client.shares("gone")))


class TestTopology(testtools.TestCase):
    @requests_mock.Mocker()
    def test_what_a_server_has_of_its_host_is_read(self, mock):
        mock.get(f"{_NOVA}/servers/a/topology", json=answers.topology())
        mock.get(f"{_NOVA}/servers/gone/topology", status_code=404, json={})
        client = scheduling_client(mock)
        node = GuestNode(frozenset({0, 1}), 512, 1, {0: 4, 1: 5})
        self.assertEqual(ServerTopology((node,), 2048), client.topology("a"))
        self.assertIsNone(client.topology("gone"))

    @requests_mock.Mocker()
    def test_what_nova_hides_is_not_known(self, mock):
        node = {"vcpu_set": [0], "siblings": [], "memory_mb": 512}
        mock.get(f"{_NOVA}/servers/a/topology", json=answers.topology(nodes=[node]))
        (found,) = scheduling_client(mock).topology("a").nodes
        self.assertEqual((None, {}), (found.host_node, found.pinning))
