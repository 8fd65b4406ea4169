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

"""What cinder and neutron tell, where no real one runs beside the tests."""

from __future__ import annotations

import dataclasses

import openstack.connection
import requests_mock
import testtools
from keystoneauth1 import fixture

from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.beside import image_properties, networks
from vfio_lm.cloud.model import PortKind

_KEYSTONE = "http://127.0.0.1/identity/v3"
_CINDER = "http://127.0.0.1/volume/v3"
_NEUTRON = "http://127.0.0.1/network/v2.0"


def _versions(url):
    """The document by which a service tells its versions."""
    link = {"rel": "self", "href": url}
    major = url[-1] if url[-1].isdigit() else "2"
    return {"versions": [{"id": f"v{major}.0", "status": "CURRENT", "links": [link]}]}


def connection(mock, **services):
    """A connection to a cloud whose catalogue has these services."""
    token = fixture.V3Token()
    token.set_project_scope()
    for service_type, url in services.items():
        mock.get(url, json=_versions(url))
        token.add_service(service_type.replace("_", "-")).add_standard_endpoints(public=url)
    mock.get(_KEYSTONE, json={"version": fixture.V3Discovery(_KEYSTONE)})
    mock.post(f"{_KEYSTONE}/auth/tokens", json=token, headers={"X-Subject-Token": "token"})
    return openstack.connection.Connection(
        auth={
            "auth_url": _KEYSTONE,
            "username": "admin",
            "password": "secret",
            "project_name": "admin",
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        interface="public",
    )


class TestImageProperties(testtools.TestCase):
    def server(self, **changes):
        of_volume = {
            "image_properties": None,
            "volume_ids": ("v1", "v2"),
            "root_device": "/dev/vda",
        }
        return dataclasses.replace(facts().server, **of_volume | changes)

    def volume(self, device, **properties):
        return {
            "volume": {
                "attachments": [{"server_id": "s", "device": device}],
                "volume_image_metadata": properties,
            }
        }

    @requests_mock.Mocker()
    def test_those_of_an_image_need_no_cinder(self, mock):
        server = self.server(image_properties={"os_distro": "debian"})
        found = image_properties(connection(mock), [server])
        self.assertEqual({server.id: {"os_distro": "debian"}}, found)

    @requests_mock.Mocker()
    def test_a_cloud_without_cinder_does_not_tell(self, mock):
        server = self.server()
        self.assertEqual({server.id: None}, image_properties(connection(mock), [server]))

    @requests_mock.Mocker()
    def test_the_root_volume_counts(self, mock):
        mock.get(f"{_CINDER}/volumes/v1", json=self.volume("/dev/vdb", hw_tpm_version="2.0"))
        mock.get(f"{_CINDER}/volumes/v2", json=self.volume("/dev/vda", os_distro="debian"))
        server = self.server()
        found = image_properties(connection(mock, block_storage=_CINDER), [server])
        self.assertEqual({server.id: {"os_distro": "debian"}}, found)

    @requests_mock.Mocker()
    def test_many_volumes_are_read_in_one_list_page_by_page(self, mock):
        servers = [self.server(id=f"s{number}", volume_ids=(f"v{number}",)) for number in range(20)]
        volumes = [
            {"id": f"v{number}"} | self.volume("/dev/vda", number=str(number))["volume"]
            for number in range(20)
        ]
        url = f"{_CINDER}/volumes/detail?all_tenants=True"
        more = [{"rel": "next", "href": "…"}]
        mock.get(url, json={"volumes": volumes[:12], "volumes_links": more})
        mock.get(f"{url}&marker=v11", json={"volumes": volumes[12:]})
        found = image_properties(connection(mock, block_storage=_CINDER), servers)
        self.assertEqual({f"s{number}": {"number": str(number)} for number in range(20)}, found)
        asked = [each for each in mock.request_history if "/volumes/" in each.path]
        self.assertEqual(2, len(asked))

    @requests_mock.Mocker()
    def test_a_cinder_that_does_not_answer_does_not_tell(self, mock):
        cloud = connection(mock, block_storage=_CINDER)
        mock.get(_CINDER, status_code=503)
        mock.get(f"{_CINDER}/volumes/v1", status_code=503)
        mock.get(f"{_CINDER}/volumes/v2", status_code=503)
        server = self.server()
        self.assertEqual({server.id: None}, image_properties(cloud, [server]))


class TestNetwork(testtools.TestCase):
    @requests_mock.Mocker()
    def test_ports_are_told_apart(self, mock):
        ports = [
            {"id": "p0", "binding:vnic_type": "direct", "device_id": "another"},
            {"id": "p1", "binding:vnic_type": "normal", "resource_request": {"required": []}},
            {
                "id": "p2",
                "binding:vnic_type": "direct",
                "binding:profile": {"physical_network": "physnet1", "trusted": "true"},
            },
            {"id": "p3", "binding:vnic_type": "accelerator-direct", "binding:profile": {}},
        ]
        ports = [{"device_id": "server1"} | port for port in ports]
        mock.get(f"{_NEUTRON}/ports", json={"ports": ports})
        mock.get(f"{_NEUTRON}/extensions/binding-extended", status_code=404)
        found = networks(connection(mock, network=_NEUTRON), ["server1"])["server1"]
        self.assertEqual(("p1",), found.ports_with_resources)
        self.assertIs(False, found.has_port_bindings)
        direct, accelerator = found.ports
        self.assertEqual(
            (True, "physnet1", True), (direct.is_bound, direct.physical_network, direct.trusted)
        )
        self.assertEqual((False, PortKind.REFUSED), (accelerator.is_bound, accelerator.kind))

    @requests_mock.Mocker()
    def test_a_cloud_without_neutron_has_no_ports(self, mock):
        self.assertEqual((), networks(connection(mock), ["server1"])["server1"].ports)

    @requests_mock.Mocker()
    def test_a_silent_neutron_is_not_taken_for_no_ports(self, mock):
        mock.get(f"{_NEUTRON}/ports", status_code=503)
        found = networks(connection(mock, network=_NEUTRON), ["server1"])
        self.assertIs(None, found["server1"].ports)

    @requests_mock.Mocker()
    def test_ports_of_many_servers_are_read_in_one_list_page_by_page(self, mock):
        ports = [
            {"id": f"p{number}", "device_id": f"s{number}", "binding:vnic_type": "direct"}
            for number in range(100)
        ]
        url = f"{_NEUTRON}/ports?limit=1000"
        more = [{"rel": "next", "href": "…"}]
        mock.get(url, json={"ports": ports[:60], "ports_links": more})
        mock.get(f"{url}&marker=p59", json={"ports": ports[60:]})
        mock.get(f"{_NEUTRON}/extensions/binding-extended", json={"extension": {}})
        wanted = [f"s{number}" for number in range(5, 99)]
        found = networks(connection(mock, network=_NEUTRON), wanted)
        self.assertEqual(wanted, list(found))
        for server_id, network in found.items():
            (port,) = network.ports
            self.assertEqual(server_id.replace("s", "p"), port.id)
            self.assertIs(True, network.has_port_bindings)
        asked = [each for each in mock.request_history if each.path.startswith("/network/v2.0/")]
        self.assertEqual(3, len(asked))
