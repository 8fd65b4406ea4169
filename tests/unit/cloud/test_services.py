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

"""What is left when nova or placement is not there."""

from __future__ import annotations

import socket

import testtools
from keystoneauth1 import session
from keystoneauth1.access import access
from keystoneauth1.identity.access import AccessInfoPlugin
from openstack.config import cloud_region
from openstack.connection import Connection

from vfio_lm.cloud import services
from vfio_lm.errors import CloudError
from vfio_lm.inventory import collect_hosts, list_servers


def connection(**urls: str) -> Connection:
    """Return a connection with a catalogue of these services."""
    catalogue = [
        {
            "type": name,
            "name": name,
            "endpoints": [{"interface": "public", "region": "R", "region_id": "R", "url": url}],
        }
        for name, url in urls.items()
    ]
    known = access.AccessInfoV3({"token": {"catalog": catalogue}}, auth_token="token")
    return Connection(
        config=cloud_region.from_session(
            session.Session(auth=AccessInfoPlugin(known), timeout=5), region_name="R"
        )
    )


class TestAbsentServices(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        # Bound and not listening: who connects is refused, and nobody else gets the port.
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{taken.getsockname()[1]}"

    def test_a_service_that_does_not_answer_is_named_with_its_address(self) -> None:
        for path in ("", "/v2.1"):
            asked = connection(placement=self.url, compute=self.url + path)
            with testtools.ExpectedException(CloudError, f"placement cannot be.*{self.url}"):
                services.placement(asked)
            with testtools.ExpectedException(CloudError, f"nova cannot be reached.*{self.url}"):
                list_servers(asked)

    def test_a_service_that_the_catalogue_lacks_is_named(self) -> None:
        with testtools.ExpectedException(CloudError, "placement cannot be reached.*no placement"):
            services.placement(connection(compute=self.url))
        with testtools.ExpectedException(CloudError, "nova cannot be reached.*no compute"):
            services.nova(connection(placement=self.url))

    def test_each_service_that_is_not_there_is_a_gap_and_no_error(self) -> None:
        gaps: list[CloudError] = []
        asked = connection(placement=self.url, compute=f"{self.url}/v2.1")
        self.assertEqual((), collect_hosts(asked, gaps.append))
        self.assertEqual(
            ["nova cannot", "placement cannot"], [" ".join(str(g).split()[:2]) for g in gaps]
        )

    def test_without_a_place_for_gaps_they_are_errors(self) -> None:
        with testtools.ExpectedException(CloudError):
            collect_hosts(connection(placement=self.url, compute=f"{self.url}/v2.1"))
