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
from vfio_lm.cloud.model import PortKind, Segment
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
            answers.port(id="p2", resource_request={}),
            answers.port(id="p3", resource_request=None)
            | {"binding:vnic_type": "accelerator-direct", "binding:profile": {}},
        ]
        mock.get(_PORTS, json={"ports": ports})
        found = client(mock).networks([answers.SERVER_ID])[answers.SERVER_ID]
        (group,) = found.resources.groups
        self.assertEqual(("p1", {"NET_BW_EGR_KILOBIT_PER_SEC": 1}), (group.suffix, group.resources))
        self.assertEqual(["p1"], [each.id for each in found.plain_ports])
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


class TestAgents(testtools.TestCase):
    def agents(self, mock, *configurations):
        agents = [
            {"id": f"a{number}", "host": "compute1", "agent_type": "A", "alive": True}
            | {"configurations": each}
            for number, each in enumerate(configurations)
        ]
        mock.get(f"{clouds.NEUTRON}/agents", json={"agents": agents})
        return client(mock).agents()["compute1"]

    @requests_mock.Mocker()
    def test_physical_networks_stand_where_each_kind_has_them(self, mock):
        found = self.agents(
            mock,
            {"device_mappings": {"physnet1": ["ens1"]}},
            {"bridge_mappings": {"physnet1": "br-1"}, "tunnel_types": ["vxlan"]},
            {"bridge-mappings": "physnet1:br-1, physnet2:br-2"},
            {},
        )
        self.assertEqual(
            [{"physnet1"}, {"physnet1"}, {"physnet1", "physnet2"}, set()],
            [set(each.physical_networks) for each in found],
        )
        self.assertEqual({"vxlan"}, set(found[1].tunnel_types))

    @requests_mock.Mocker()
    def test_who_may_not_see_them_is_refused(self, mock):
        mock.get(f"{clouds.NEUTRON}/agents", status_code=403, json={"NeutronError": {}})
        self.assertRaises(CloudError, client(mock).agents)


class TestSegments(testtools.TestCase):
    @requests_mock.Mocker()
    def test_a_network_has_one_segment_or_several(self, mock):
        vlan = {"provider:network_type": "vlan", "provider:physical_network": "physnet1"}
        tunnel = {"provider:network_type": "vxlan", "provider:physical_network": None}
        networks = [{"id": "n1"} | vlan, {"id": "n2", "segments": [vlan, tunnel]}]
        mock.get(f"{clouds.NEUTRON}/networks", json={"networks": networks})
        found = client(mock).segments({"n1", "n2"})
        self.assertEqual((Segment("vlan", "physnet1"),), found["n1"])
        self.assertEqual((Segment("vlan", "physnet1"), Segment("vxlan")), found["n2"])

    @requests_mock.Mocker()
    def test_a_network_whose_provider_is_hidden_is_no_answer(self, mock):
        mock.get(f"{clouds.NEUTRON}/networks", json={"networks": [{"id": "n1"}]})
        self.assertRaises(CloudError, client(mock).segments, {"n1"})


class TestBoundDrivers(testtools.TestCase):
    @requests_mock.Mocker()
    def test_the_last_driver_is_the_one_that_needs_its_agent(self, mock):
        details = {"bound_drivers": {"0": "acme", "1": "openvswitch"}}
        ports = [answers.port(**{"binding:vif_details": details})]
        mock.get(_PORTS, json={"ports": ports})
        (port,) = client(mock).networks([answers.SERVER_ID])[answers.SERVER_ID].ports
        self.assertEqual("openvswitch", port.mechanism)
