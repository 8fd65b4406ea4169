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

from typing import Any

import requests_mock
import testtools
from keystoneauth1 import adapter, fixture, session
from keystoneauth1.identity import v3

from tests.unit.cloud import answers
from tests.unit.cloud.answers import GONE
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.errors import CloudError, ForbiddenError, NotFoundError

_KEYSTONE = "http://127.0.0.1/identity/v3"
_NOVA = "http://127.0.0.1/compute/v2.1"


def compute_client(
    mock: requests_mock.Mocker, microversion: str, kind: type[ComputeClient] = ComputeClient
) -> Any:
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
    return kind(adapter.Adapter(session.Session(auth), service_type="compute"))


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
                "hypervisors": [answers.hypervisor(host) for host in hosts],
                "hypervisors_links": [{"rel": "next", "href": "…"}] if more else [],
            }

        client = compute_client(mock, "2.100")
        url = f"{_NOVA}/os-hypervisors/detail"
        mock.get(url, json=page("a", "b", more=True))
        mock.get(f"{url}?marker=uuid-of-b", json=page("c", more=False))
        self.assertEqual(["a", "b", "c"], list(client.nodes()))

    @requests_mock.Mocker()
    def test_of_a_host_with_several_none_is_taken_for_the_right_one(self, mock):
        old = answers.hypervisor("a") | {"id": "another", "hypervisor_hostname": "a-of-old"}
        found = [answers.hypervisor("a"), answers.hypervisor("b"), old]
        mock.get(f"{_NOVA}/os-hypervisors/detail", json={"hypervisors": found})
        self.assertEqual(["b"], list(compute_client(mock, "2.100").nodes()))


class TestServers(testtools.TestCase):
    @requests_mock.Mocker()
    def test_all_pages_are_read_with_the_filter(self, mock):
        client = compute_client(mock, "2.100")
        url = f"{_NOVA}/servers/detail?all_tenants=true&host=compute1"
        more = [{"rel": "next", "href": "…"}]
        mock.get(url, json={"servers": [answers.server("a")], "servers_links": more})
        mock.get(f"{url}&marker=id-of-a", json={"servers": [answers.server("b")]})
        first, second = client.servers("compute1")
        self.assertEqual(["a", "b"], [first.name, second.name])
        self.assertEqual(frozenset({"t"}), first.tags)
        flavor = first.flavor
        self.assertEqual(
            (7, 3, 2, 1500),
            (flavor.disk_gib, flavor.root_gib, flavor.ephemeral_gib, flavor.swap_mib),
        )

    @requests_mock.Mocker()
    def test_servers_of_a_cell_that_is_down_are_left_out_with_a_warning(self, mock):
        client = compute_client(mock, "2.100")
        down = {"id": "x", "status": "UNKNOWN", "tenant_id": "p", "created": "", "links": []}
        mock.get(f"{_NOVA}/servers/detail", json={"servers": [down, answers.server("a")]})
        with self.assertLogs("vfio_lm.cloud.nova.client", "WARNING") as logs:
            (server,) = client.servers()
        self.assertEqual("a", server.name)
        self.assertIn("1 servers are left out", logs.output[0])

    @requests_mock.Mocker()
    def test_a_user_that_is_not_shown_hosts_is_refused(self, mock):
        client = compute_client(mock, "2.100")
        item = answers.server("a")
        del item["OS-EXT-SRV-ATTR:host"]
        mock.get(f"{_NOVA}/servers/detail", json={"servers": [item]})
        error = self.assertRaises(ForbiddenError, client.servers)
        self.assertIn("admin role", str(error))


class TestFlavors(testtools.TestCase):
    def item(self, flavor_id, name):
        return answers.flavor(name, id=flavor_id, extra_specs={})

    @requests_mock.Mocker()
    def test_an_id_is_looked_up_before_a_name(self, mock):
        client = compute_client(mock, "2.100")
        mock.get(f"{_NOVA}/flavors/1", json={"flavor": self.item("1", "one")})
        mock.get(f"{_NOVA}/flavors/a%2Fb", status_code=404, json=GONE)
        mock.get(f"{_NOVA}/flavors/gone", status_code=404, json=GONE)
        listed = [self.item("9", "1"), self.item("2", "a/b")]
        mock.get(f"{_NOVA}/flavors/detail?is_public=None", json={"flavors": listed})
        self.assertEqual("one", client.flavor("1").name)
        self.assertEqual("2", client.flavor("a/b").id)
        self.assertRaises(NotFoundError, client.flavor, "gone")

    @requests_mock.Mocker()
    def test_what_is_gone_already_need_not_be_deleted(self, mock):
        client = compute_client(mock, "2.100")
        mock.delete(f"{_NOVA}/flavors/1/os-extra_specs/a", status_code=404, json=GONE)
        client.delete_extra_spec("1", "a")
        mock.delete(f"{_NOVA}/flavors/1/os-extra_specs/a", status_code=500, reason="broken")
        error = self.assertRaises(CloudError, client.delete_extra_spec, "1", "a")
        self.assertIn("500 to DELETE", str(error))
        self.assertIn("broken", str(error))
