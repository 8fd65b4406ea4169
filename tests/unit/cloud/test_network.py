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


"""What is read of neutron's ports, where no real neutron runs beside the tests."""

from __future__ import annotations

import requests_mock
import testtools

from tests.unit.cloud import answers, clouds
from vfio_lm.cloud.model import PortKind
from vfio_lm.cloud.network import NetworkClient
from vfio_lm.errors import CloudError

_PORTS = f"{clouds.NEUTRON}/ports"
MORE = [{"rel": "next", "href": "http://127.0.0.1/network/v2.0/ports?marker=…"}]


def client(mock: requests_mock.Mocker) -> NetworkClient:
    found = NetworkClient.of(clouds.mocked(mock, network=clouds.NEUTRON))
    assert found is not None
    return found


def asked_for_ports(mock: requests_mock.Mocker) -> list[dict[str, list[str]]]:
    return [each.qs for each in mock.request_history if each.path.endswith("/ports")]


class TestNetworks(testtools.TestCase):
    @requests_mock.Mocker()
    def test_ports_are_told_apart(self, mock):
        ports = [
            answers.port(id="p0", device_id="another"),
            answers.port(id="p1", **{"binding:vnic_type": "normal"}),
            answers.port(id="p2", resource_request=None),
            answers.port(id="p3", resource_request=None)
            | {"binding:vnic_type": "accelerator-direct", "binding:profile": {}},
        ]
        mock.get(_PORTS, json={"ports": ports})
        found = client(mock).networks([answers.SERVER_ID])[answers.SERVER_ID]
        self.assertEqual(("p1",), found.ports_with_resources)
        self.assertIsNone(found.has_port_bindings)
        direct, accelerator = found.ports
        self.assertEqual(
            (True, "physnet1", True), (direct.is_bound, direct.physical_network, direct.trusted)
        )
        self.assertEqual((False, PortKind.REFUSED), (accelerator.is_bound, accelerator.kind))

    @requests_mock.Mocker()
    def test_a_few_servers_are_asked_for_by_their_ids(self, mock):
        mock.get(_PORTS, json={"ports": []})
        self.assertEqual({"s1", "s2"}, set(client(mock).networks(["s1", "s2"])))
        self.assertEqual(["s1", "s2"], asked_for_ports(mock)[0]["device_id"])

    @requests_mock.Mocker()
    def test_ports_of_many_servers_are_read_in_one_list_page_by_page(self, mock):
        ports = [answers.port(id=f"p{number}", device_id=f"s{number}") for number in range(100)]
        mock.get(f"{_PORTS}?limit=1000", json={"ports": ports[:60], "ports_links": MORE})
        mock.get(f"{_PORTS}?limit=1000&marker=p59", json={"ports": ports[60:]})
        wanted = [f"s{number}" for number in range(5, 99)]
        found = client(mock).networks(wanted)
        self.assertEqual(wanted, list(found))
        for server_id, network in found.items():
            (port,) = network.ports
            self.assertEqual(server_id.replace("s", "p"), port.id)
        self.assertEqual(2, len(asked_for_ports(mock)))
        self.assertNotIn("device_id", asked_for_ports(mock)[0])

    @requests_mock.Mocker()
    def test_a_port_whose_type_is_hidden_is_not_taken_for_an_ordinary_one(self, mock):
        port = answers.port()
        del port["binding:vnic_type"]
        mock.get(_PORTS, json={"ports": [port]})
        self.assertRaises(CloudError, client(mock).networks, ["s1"])


class TestPciPorts(testtools.TestCase):
    @requests_mock.Mocker()
    def test_ports_behind_the_first_page_are_seen(self, mock):
        ports = [answers.port(id=f"p{number}", device_id=f"s{number % 2}") for number in range(5)]
        mock.get(_PORTS, json={"ports": ports[:2], "ports_links": MORE})
        mock.get(f"{_PORTS}?marker=p1", json={"ports": ports[2:4], "ports_links": MORE})
        mock.get(f"{_PORTS}?marker=p3", json={"ports": ports[4:], "ports_links": []})
        found = client(mock).pci_ports()
        self.assertEqual(
            {"s0": ["p0", "p2", "p4"], "s1": ["p1", "p3"]},
            {server: [port.id for port in ports] for server, ports in found.items()},
        )
        self.assertIn("direct", asked_for_ports(mock)[-1]["binding:vnic_type"])

    @requests_mock.Mocker()
    def test_a_port_of_no_server_and_a_port_without_a_device_are_left_out(self, mock):
        ports = [
            answers.port(id="p1", device_id=""),
            answers.port(id="p2", **{"binding:vnic_type": "normal"}),
        ]
        mock.get(_PORTS, json={"ports": ports})
        self.assertEqual({}, client(mock).pci_ports())


class TestPortBindings(testtools.TestCase):
    @requests_mock.Mocker()
    def test_neutron_has_the_extension_or_says_that_it_has_not(self, mock):
        url = f"{clouds.NEUTRON}/extensions/binding-extended"
        mock.get(url, json={"extension": {"alias": "binding-extended"}})
        self.assertIs(True, client(mock).has_port_bindings())
        gone = {"NeutronError": {"type": "HTTPNotFound", "message": "", "detail": ""}}
        mock.get(url, status_code=404, json=gone)
        self.assertIs(False, client(mock).has_port_bindings())
        mock.get(url, status_code=404, text="<html>")
        self.assertRaises(CloudError, client(mock).has_port_bindings)
