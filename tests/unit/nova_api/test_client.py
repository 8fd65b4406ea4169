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

"""What is read from nova, where a real nova of that kind does not run beside the tests."""

import requests_mock
import testtools
from keystoneauth1 import adapter, fixture, session
from keystoneauth1.identity import v3

from vfio_lm.errors import CloudError
from vfio_lm.nova_api import ComputeClient

_KEYSTONE = "http://127.0.0.1/identity/v3"
_NOVA = "http://127.0.0.1/compute/v2.1"


def compute_client(mock: requests_mock.Mocker, microversion: str) -> ComputeClient:
    """A client of a nova that serves this microversion at most."""
    token = fixture.V3Token()
    token.set_project_scope()
    token.add_service("compute").add_standard_endpoints(public=_NOVA)
    mock.get(_KEYSTONE, json={"version": fixture.V3Discovery(_KEYSTONE)})
    mock.post(f"{_KEYSTONE}/auth/tokens", json=token, headers={"X-Subject-Token": "token"})
    discovery = fixture.DiscoveryList(v2=False, v3=False)
    discovery.add_nova_microversion(
        href=_NOVA, id="v2.1", status="CURRENT", version=microversion, min_version="2.1"
    )
    mock.get(_NOVA, json=discovery)
    auth = v3.Password(
        auth_url=_KEYSTONE,
        username="admin",
        password="secret",
        project_name="admin",
        user_domain_id="default",
        project_domain_id="default",
    )
    return ComputeClient(adapter.Adapter(session.Session(auth), service_type="compute"))


class TestMaxMicroversion(testtools.TestCase):
    @requests_mock.Mocker()
    def test_nova_2025_1_is_new_enough(self, mock):
        self.assertEqual((2, 100), compute_client(mock, "2.100").max_microversion())

    @requests_mock.Mocker()
    def test_an_older_nova_is_refused_with_its_version_and_the_reason(self, mock):
        client = compute_client(mock, "2.96")
        error = self.assertRaises(CloudError, client.max_microversion)
        self.assertIn("serves microversion 2.96 at most", str(error))
        self.assertIn("nova 2025.1 and later (2.100)", str(error))


class TestHypervisors(testtools.TestCase):
    @requests_mock.Mocker()
    def test_all_pages_are_read(self, mock):
        def page(*hosts, more):
            return {
                "hypervisors": [
                    {
                        "id": f"uuid-of-{host}",
                        "service": {"host": host},
                        "hypervisor_hostname": host,
                        "hypervisor_type": "QEMU",
                        "hypervisor_version": 8002002,
                    }
                    for host in hosts
                ],
                "hypervisors_links": [{"rel": "next", "href": "…"}] if more else [],
            }

        client = compute_client(mock, "2.100")
        url = f"{_NOVA}/os-hypervisors/detail"
        mock.get(url, json=page("a", "b", more=True))
        mock.get(f"{url}?marker=uuid-of-b", json=page("c", more=False))
        self.assertEqual(["a", "b", "c"], list(client.nodes()))
