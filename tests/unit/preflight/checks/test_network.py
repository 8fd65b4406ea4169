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

"""What the check of neutron on the destination answers."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import Network, NetworkAgent, Port, Segment
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import network

DIRECT = Port("p1", "direct", name="fast", network_id="n1", mechanism="sriovnicswitch")
NORMAL = Port("p2", "normal", network_id="n1", mechanism="openvswitch")


def with_ports(*ports, agents=(), **changes):
    known = Network(
        ports=tuple(port for port in ports if port.needs_device),
        plain_ports=tuple(port for port in ports if not port.needs_device),
    )
    settled = {
        "network_agents": {"compute2": agents},
        "segments": {"n1": (Segment("vlan", "physnet1"),)},
    }
    return facts(network=known, **(settled | changes))


def agent(kind, is_alive=True):
    return NetworkAgent(kind, is_alive, frozenset({"physnet1"}))


class TestDestinationNetwork(CheckTestCase):
    check = network.destination_network

    def test_a_server_without_a_port_needs_no_network(self):
        self.assert_answers(Status.NOT_APPLICABLE)

    def test_ports_whose_agents_are_alive_can_be_bound(self):
        agents = (agent("NIC Switch agent"), agent("Open vSwitch agent"))
        known = with_ports(DIRECT, NORMAL, agents=agents)
        answer = self.assert_answers(Status.PASS, known, saying="port fast (p1), port p2")
        self.assertEqual({"p1", "p2"}, set(answer.evidence["ports"]))

    def test_a_port_whose_agent_is_dead_is_refused(self):
        agents = (agent("NIC Switch agent", is_alive=False), agent("Open vSwitch agent"))
        known = with_ports(DIRECT, NORMAL, agents=agents)
        answer = self.assert_answers(
            Status.FAIL, known, saying="port fast (p1): its NIC Switch agent is dead"
        )
        self.assertEqual("on compute2:\n  systemctl restart neutron-sriov-nic-agent", answer.remedy)

    def test_an_agent_that_does_not_serve_the_network_gets_it(self):
        other = NetworkAgent("NIC Switch agent", True, frozenset({"physnet2"}))
        answer = self.assert_answers(Status.FAIL, with_ports(DIRECT, agents=(other,)))
        self.assertIn("serve physnet1: physical_device_mappings", answer.remedy)

    def test_a_network_that_no_vf_can_be_in_is_refused(self):
        whole = Port("p1", "direct-physical", network_id="n1", mechanism="sriovnicswitch")
        known = with_ports(whole, segments={"n1": (Segment("vxlan"),)})
        self.assert_answers(Status.FAIL, known, saying="neither flat nor a VLAN")

    def test_an_ordinary_port_counts_like_another(self):
        self.assert_answers(Status.FAIL, with_ports(NORMAL), saying="no Open vSwitch agent")

    def test_what_neutron_does_not_show_is_unknown(self):
        for name in ("network_agents", "segments"):
            self.assert_answers(Status.UNKNOWN, with_ports(DIRECT, **{name: None}))
        self.assert_answers(Status.UNKNOWN, facts(network=Network(ports=None)))

    def test_a_mechanism_that_is_not_known_is_unknown(self):
        other = Port("p3", "normal", network_id="n1", mechanism="acme")
        self.assert_answers(Status.UNKNOWN, with_ports(other), saying="acme")


class TestSourceNetwork(CheckTestCase):
    check = network.source_network

    def known(self, *agents, port=DIRECT):
        return with_ports(port, network_agents={"compute1": agents})

    def test_only_vfs_need_the_agent_of_the_source(self):
        whole = Port("p1", "direct-physical", network_id="n1", mechanism="sriovnicswitch")
        for port in (NORMAL, whole):
            self.assert_answers(Status.NOT_APPLICABLE, self.known(port=port))

    def test_the_agent_has_to_be_alive(self):
        self.assert_answers(Status.PASS, self.known(agent("NIC Switch agent")))
        dead = agent("NIC Switch agent", is_alive=False)
        self.assert_answers(Status.FAIL, self.known(dead), saying="dead")
        self.assert_answers(Status.FAIL, self.known(), saying="missing")

    def test_what_neutron_does_not_show_is_unknown(self):
        self.assert_answers(Status.UNKNOWN, with_ports(DIRECT, network_agents=None))
