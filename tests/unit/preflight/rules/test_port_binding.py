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

"""Our answer to whether neutron binds a port is the one of neutron's own drivers."""

from __future__ import annotations

import logging
from unittest import mock

import testtools
from hypothesis import given
from hypothesis import strategies as st
from neutron.plugins.ml2.drivers.mech_sriov.mech_driver import mech_driver as sriov
from neutron.plugins.ml2.drivers.openvswitch.mech_driver import mech_openvswitch

from vfio_lm.cloud.model import NetworkAgent, Port, Segment
from vfio_lm.preflight.rules.port_binding import Bindable, binding_answer

logging.getLogger("neutron").setLevel(logging.CRITICAL)

#: By the name of the driver, its class and where its agent keeps the physical networks.
DRIVERS = {
    "sriovnicswitch": (sriov.SriovNicSwitchMechanismDriver, "device_mappings"),
    "openvswitch": (mech_openvswitch.OpenvswitchMechanismDriver, "bridge_mappings"),
}
VNIC_TYPES = {
    "sriovnicswitch": ["direct", "macvtap", "direct-physical"],
    "openvswitch": ["normal"],
}
_NETWORKS = st.sampled_from(["physnet1", "physnet2"])
_SEGMENTS = st.one_of(
    st.builds(Segment, st.sampled_from(["flat", "vlan"]), _NETWORKS),
    st.builds(Segment, st.sampled_from(["vxlan", "geneve", "local"])),
)
_AGENTS = st.builds(
    NetworkAgent,
    st.sampled_from(["NIC Switch agent", "Open vSwitch agent"]),
    st.booleans(),
    st.frozensets(_NETWORKS),
    st.frozensets(st.sampled_from(["vxlan"])),
)


def neutron_binds(port, segments, agents):
    """Ask neutron's driver to bind a port to a host with these agents."""
    driver_class, mappings = DRIVERS[port.mechanism]
    driver = driver_class()
    rows = [
        {
            "agent_type": agent.agent_type,
            "host": "compute2",
            "alive": agent.is_alive,
            "configurations": {
                mappings: {name: ["ens1"] for name in agent.physical_networks},
                "tunnel_types": sorted(agent.tunnel_types),
            },
        }
        for agent in agents
    ]
    context = mock.Mock(
        current={"id": port.id, "binding:vnic_type": port.vnic_type, "binding:profile": {}},
        network=mock.Mock(current={"id": "n1"}),
        segments_to_bind=[
            {
                "id": "s1",
                "network_id": "n1",
                "network_type": segment.network_type,
                "physical_network": segment.physical_network,
                "segmentation_id": 1,
            }
            for segment in segments
        ],
        host_agents=lambda kind: [row for row in rows if row["agent_type"] == kind],
    )
    driver.bind_port(context)
    return context.set_binding.called


class TestAgainstNeutron(testtools.TestCase):
    @given(
        st.sampled_from(sorted(DRIVERS)),
        st.data(),
        st.lists(_SEGMENTS, min_size=1, max_size=2),
        st.lists(_AGENTS, max_size=2, unique_by=lambda agent: agent.agent_type),
    )
    def test_neutron_answers_the_same(self, mechanism, data, segments, agents):
        vnic_type = data.draw(st.sampled_from(VNIC_TYPES[mechanism]))
        port = Port("p1", vnic_type, mechanism=mechanism)
        expected = Bindable.YES if neutron_binds(port, segments, agents) else Bindable.NO
        self.assertIs(expected, binding_answer(port, segments, agents).bindable)


class TestBindingAnswer(testtools.TestCase):
    VLAN = Segment("vlan", "physnet1")

    def answer(self, mechanism, *agents, segment=VLAN, vnic_type="normal"):
        return binding_answer(Port("p1", vnic_type, mechanism=mechanism), [segment], agents)

    def test_the_reason_is_said(self):
        dead = NetworkAgent("NIC Switch agent", False, frozenset({"physnet1"}))
        other = NetworkAgent("NIC Switch agent", True, frozenset({"physnet2"}))
        for agents, reason in (
            ((), "the host has no NIC Switch agent"),
            ((dead,), "its NIC Switch agent is dead"),
            ((other,), "its NIC Switch agent does not serve physnet1"),
        ):
            answer = self.answer("sriovnicswitch", *agents, vnic_type="direct")
            self.assertEqual((Bindable.NO, reason), (answer.bindable, answer.reason))

    def test_ovn_needs_a_controller_and_the_physical_network(self):
        controller = NetworkAgent("OVN Controller agent", True, frozenset({"physnet1"}))
        self.assertIs(Bindable.YES, self.answer("ovn", controller).bindable)
        geneve = self.answer("ovn", controller, segment=Segment("geneve"))
        self.assertIs(Bindable.YES, geneve.bindable)
        elsewhere = self.answer("ovn", controller, segment=Segment("flat", "physnet2"))
        self.assertIs(Bindable.NO, elsewhere.bindable)

    def test_another_mechanism_may_take_over(self):
        ovn = NetworkAgent("OVN Controller agent", True, frozenset({"physnet1"}))
        answer = self.answer("openvswitch", ovn)
        self.assertIs(Bindable.UNKNOWN, answer.bindable)
        self.assertIn("OVN Controller agent is alive", answer.reason)

    def test_a_mechanism_of_others_is_not_known(self):
        for mechanism in ("cisco_apic", None):
            self.assertIs(Bindable.UNKNOWN, self.answer(mechanism).bindable)
