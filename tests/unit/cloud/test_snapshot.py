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

"""What the whole cloud is asked, and how often."""

from __future__ import annotations

import datetime

import nova.conf
import requests_mock
import testtools
from keystoneauth1 import fixture

from tests.unit.cloud.test_services import connection
from vfio_lm.cloud.snapshot import WholeCloud

_NOVA = "http://127.0.0.1/compute/v2.1"
_PLACEMENT = "http://127.0.0.1/placement"
_NOW = datetime.datetime(2026, 10, 5, 12, 0, tzinfo=datetime.UTC)


def whole_cloud(mock: requests_mock.Mocker) -> WholeCloud:
    """The snapshot of a cloud with nova and placement, as far as a test lets them answer."""
    versions = fixture.DiscoveryList(v2=False, v3=False)
    versions.add_nova_microversion(
        href=_NOVA, id="v2.1", status="CURRENT", version="2.100", min_version="2.1"
    )
    mock.get(_NOVA, json=versions)
    link = {"rel": "self", "href": ""}
    version = {"id": "v1.0", "status": "CURRENT", "min_version": "1.0", "max_version": "1.39"}
    mock.get(_PLACEMENT, json={"versions": [version | {"links": [link]}]})
    return WholeCloud(connection(compute=_NOVA, placement=_PLACEMENT))


class TestDepartures(testtools.TestCase):
    """Which servers have left a host so lately that the scheduler may still count them there."""

    @requests_mock.Mocker()
    def test_the_scheduler_is_given_as_long_as_nova_takes_to_send_its_next_list(self, mock):
        moves = mock.get(f"{_NOVA}/os-migrations", json={"migrations": []})
        whole_cloud(mock).departures(_NOW)
        (asked,) = moves.last_request.qs["changes-since"]
        # requests_mock writes small letters
        since = datetime.datetime.fromisoformat(asked.upper().replace(" ", "+"))
        interval = datetime.timedelta(seconds=nova.conf.CONF.scheduler_instance_sync_interval)
        # and no longer than twice that, or every group would be unknown
        self.assertTrue(interval < _NOW - since <= 2 * interval, since)

    @requests_mock.Mocker()
    def test_the_first_question_counts_for_all(self, mock):
        moves = mock.get(
            f"{_NOVA}/os-migrations",
            json={"migrations": [{"uuid": "1", "source_compute": "c1", "instance_uuid": "a"}]},
        )
        cloud = whole_cloud(mock)
        later = _NOW + datetime.timedelta(hours=1)
        self.assertEqual(cloud.departures(_NOW), cloud.departures(later))
        self.assertEqual({"c1": {"a"}}, cloud.departures(later))
        self.assertEqual(1, moves.call_count)
