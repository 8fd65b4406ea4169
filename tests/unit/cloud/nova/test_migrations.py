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

"""What is read of live migrations, where real nova would take long to come there."""

import datetime

import requests_mock
import testtools

from tests.unit.cloud import answers
from tests.unit.cloud.answers import GONE
from tests.unit.cloud.nova.test_client import _NOVA, compute_client
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.errors import CloudError, NotFoundError

_ID = "54d230f3-d8b5-4d7c-8ad4-43033325152b"


def migration_client(mock, microversion="2.100"):
    return compute_client(mock, microversion, MigrationClient)


class TestMigrations(testtools.TestCase):
    @requests_mock.Mocker()
    def test_all_pages_are_read(self, mock):
        client = migration_client(mock)
        url = f"{_NOVA}/os-migrations?migration_type=live-migration&host=compute1"
        more = [{"rel": "next", "href": "…"}]
        mock.get(url, json={"migrations": [answers.migration(2)], "migrations_links": more})
        mock.get(f"{url}&marker=uuid-of-2", json={"migrations": [answers.migration(1)]})
        self.assertEqual([2, 1], [found.id for found in client.migrations(host="compute1")])

    @requests_mock.Mocker()
    def test_times_are_in_utc_and_no_destination_is_no_name(self, mock):
        client = migration_client(mock)
        mock.get(f"{_NOVA}/os-migrations", json={"migrations": [answers.migration(1)]})
        found = client.newest_migration(_ID)
        self.assertEqual(datetime.UTC, found.created_at.tzinfo)
        self.assertEqual(
            ("", None, True), (found.destination, found.updated_at, found.is_in_progress)
        )
        mock.get(f"{_NOVA}/os-migrations", json={"migrations": []})
        self.assertIsNone(client.newest_migration(_ID))
        mock.get(
            f"{_NOVA}/os-migrations", json={"migrations": [answers.migration(1, created_at="soon")]}
        )
        self.assertRaises(CloudError, client.newest_migration, _ID)

    @requests_mock.Mocker()
    def test_progress_is_there_once_nova_has_asked_the_hypervisor(self, mock):
        client = migration_client(mock)
        item = answers.progress(1)
        url = f"{_NOVA}/servers/{_ID}/migrations"
        mock.get(url, json={"migrations": [item]})
        found = client.in_progress(_ID)
        self.assertEqual((_ID, None, None), (found.migration.server_id, found.memory, found.disk))
        numbers = {"memory_total_bytes": 8, "memory_processed_bytes": 3}
        mock.get(url, json={"migrations": [item | numbers]})
        memory = client.in_progress(_ID).memory
        self.assertEqual((8, 3, 0), (memory.total, memory.processed, memory.remaining))
        mock.get(url, json={"migrations": []})
        self.assertIsNone(client.in_progress(_ID))

    @requests_mock.Mocker()
    def test_events_come_in_the_order_in_which_they_began(self, mock):
        client = migration_client(mock)

        def event(name, second, **changes):
            return {
                "event": name,
                "start_time": f"2026-11-24T04:08:{second}.000000",
                "finish_time": None,
                "result": None,
            } | changes

        action = {
            "action": "live-migration",
            "request_id": "req-1",
            "user_id": "u",
            "start_time": "2026-11-24T04:08:04.000000",
            "events": [event("b", "06", result="Error", details="no"), event("a", "05")],
        }
        url = f"{_NOVA}/servers/{_ID}/os-instance-actions/req-1"
        mock.get(url, json={"instanceAction": action})
        first, second = client.action(_ID, "req-1").events
        self.assertEqual(("a", "", ""), (first.name, first.result, first.host))
        self.assertEqual((True, "no"), (second.is_failed, second.details))
        mock.get(url, status_code=404, json=GONE)
        self.assertIsNone(client.action(_ID, "req-1"))


class TestOwnServer(testtools.TestCase):
    @requests_mock.Mocker()
    def test_an_old_nova_answers_too(self, mock):
        client = migration_client(mock, "2.60")
        found = mock.get(f"{_NOVA}/servers/{_ID}", json={"server": answers.server("a", id=_ID)})
        self.assertEqual({"a": "b"}, client.own_server(_ID).extra_specs)
        sent = found.last_request.headers["OpenStack-API-Version"]
        self.assertEqual("compute 2.47", sent)

    @requests_mock.Mocker()
    def test_names_are_looked_for_in_the_users_own_project(self, mock):
        client = migration_client(mock)
        servers = [answers.server("web.1"), answers.server("webx1")]
        found = mock.get(f"{_NOVA}/servers/detail", json={"servers": servers})
        self.assertEqual("id-of-web.1", client.own_server("web.1").id)
        self.assertEqual({"name": ["^web\\.1$"]}, found.last_request.qs)
        mock.get(
            f"{_NOVA}/servers/detail", json={"servers": [answers.server("a"), answers.server("a")]}
        )
        self.assertRaises(NotFoundError, client.own_server, "a")
        mock.get(f"{_NOVA}/servers/{_ID}", status_code=404, json=GONE)
        self.assertRaises(NotFoundError, client.own_server, _ID)

    @requests_mock.Mocker()
    def test_hidden_extra_specs_are_not_taken_for_none(self, mock):
        client = migration_client(mock)
        item = answers.server("a", id=_ID, flavor={"original_name": "m1"})
        mock.get(f"{_NOVA}/servers/{_ID}", json={"server": item})
        self.assertIsNone(client.own_server(_ID).extra_specs)
