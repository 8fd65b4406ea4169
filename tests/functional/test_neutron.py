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

"""Servers with ports on the embedded cloud with a real neutron: what nova and neutron do."""

from __future__ import annotations

import dataclasses
import unittest
from xml.etree import ElementTree

from tests.cloud import Cloud, CloudSpec
from tests.cloud.administrator import wait_for
from tests.cloud.networks import PLAIN, SRIOV
from tests.cloud.testcase import OwnCloudTestCase
from tests.functional.ports import KINDS, SRIOV_AGENT, PortTestCase, hosts


def setUpModule() -> None:
    """Start the cloud that the tests of this module share."""
    spec = CloudSpec(hosts=hosts(), neutron=True, migration_seconds=1.0)
    OwnCloudTestCase.cloud = unittest.enterModuleContext(Cloud(spec))


class TestAgents(PortTestCase):
    """The agents of neutron are there, and may be gone."""

    def agents(self, host: str) -> dict[str, bool]:
        """Say of each agent of a host whether neutron thinks that it is alive."""
        return {each.agent_type: each.is_alive for each in self.client.network.agents(host=host)}

    def test_every_host_has_two(self) -> None:
        for host in hosts():
            agents = self.agents(host.name)
            self.assertEqual({SRIOV_AGENT: True, "Open vSwitch agent": True}, agents)

    def test_one_that_is_stopped_is_dead_until_it_is_started(self) -> None:
        self.cloud.stop_network_agents("compute2", SRIOV_AGENT)
        self.assertEqual({SRIOV_AGENT: False, "Open vSwitch agent": True}, self.agents("compute2"))
        self.cloud.start_network_agents(self.spec_of("compute2"))
        self.assertTrue(self.agents("compute2")[SRIOV_AGENT])

    def test_one_says_which_physical_networks_it_serves(self) -> None:
        (agent,) = self.client.network.agents(host="compute1", agent_type=SRIOV_AGENT)
        self.assertEqual({"physnet1", "physnet2"}, set(agent.configuration["device_mappings"]))


class TestPorts(PortTestCase):
    """Ports of every kind are bound, and move."""

    def test_a_port_is_bound_where_its_server_is(self) -> None:
        for vnic_type, (network, vif_type) in KINDS.items():
            with self.subTest(vnic_type):
                port = self.port(vnic_type, network)
                self.boot_with(port)
                port = self.wait_until_active(port)
                self.assertEqual(
                    ("compute1", vif_type), (port.binding_host_id, port.binding_vif_type)
                )
                self.cloud.reset()

    def test_a_port_moves_with_its_server(self) -> None:
        for vnic_type, (network, _) in KINDS.items():
            with self.subTest(vnic_type):
                port = self.port(vnic_type, network)
                server = self.boot_with(port)
                self.assertEqual("compute2", self.migrate(server).compute_host)
                self.assertEqual({"compute2": "ACTIVE"}, self.bindings(port))
                if vnic_type != "direct-physical":
                    # A PF has no agent that would say that it is up again.
                    self.wait_until_active(port)
                self.cloud.reset()

    def test_a_vf_of_the_destination_takes_the_place_of_the_sources(self) -> None:
        port = self.port("direct", SRIOV)
        server = self.boot_with(port)
        before = self.client.network.get_port(port.id).binding_profile["pci_slot"]
        self.migrate(server)
        after = self.client.network.get_port(port.id).binding_profile["pci_slot"]
        self.assertEqual(("0000:81", "0000:82"), (before[:7], after[:7]))
        (interface,) = ElementTree.fromstring(self.cloud.guest_xml(server.id)).iter("interface")
        self.assertEqual("hostdev", interface.get("type"))

    def test_a_port_has_two_bindings_while_its_server_moves(self) -> None:
        port = self.port("direct", SRIOV)
        server = self.boot_with(port)
        self.admin.act(server.id, {"os-migrateLive": {"host": None, "block_migration": "auto"}})
        both = {"compute1": "ACTIVE", "compute2": "INACTIVE"}
        wait_for("the port has two bindings", lambda: self.bindings(port) == both)
        self.admin.settled(server.id)

    def test_a_migration_that_fails_leaves_no_binding_at_the_destination(self) -> None:
        port = self.port("direct", SRIOV)
        server = self.boot_with(port)
        self.cloud.fail_next_migration()
        self.assertFalse(self.admin.live_migrate(server.id).is_done)
        wait_for("one binding is left", lambda: set(self.bindings(port)) == {"compute1"})

    def test_the_parent_of_a_trunk_moves_with_its_server(self) -> None:
        parent, child = self.port("normal", PLAIN), self.port("normal", PLAIN)
        sub_port = {"port_id": child.id, "segmentation_type": "vlan", "segmentation_id": 7}
        self.client.network.create_trunk(port_id=parent.id, sub_ports=[sub_port])
        server = self.boot_with(parent)
        self.assertEqual("compute2", self.migrate(server).compute_host)
        self.assertEqual({"compute2": "ACTIVE"}, self.bindings(parent))

    def test_a_port_takes_its_bandwidth_from_the_host_that_it_is_on(self) -> None:
        policy = self.client.network.create_qos_policy(name="at-least")
        self.client.network.create_qos_minimum_bandwidth_rule(
            policy, min_kbps=1000, direction="egress"
        )
        provider = f"compute2:{SRIOV_AGENT}:physnet2-pf"
        self.wait_for_bandwidth()
        port = self.port("direct", SRIOV, qos_policy_id=policy.id)
        server = self.boot_with(port)
        self.assertEqual("compute2", self.migrate(server).compute_host)
        path = f"/allocations/{server.id}"
        allocations = self.client.placement.get(path).json()["allocations"]
        held = allocations[self.provider(provider).id]["resources"]
        self.assertEqual({"NET_BW_EGR_KILOBIT_PER_SEC": 1000}, held)


class TestRefusals(PortTestCase):
    """What keeps a port from a host, and what does not."""

    def assert_refused(self, vnic_type: str) -> None:
        """Assert that nova finds no host for a server with such a port, and leaves it alone."""
        port = self.port(vnic_type, KINDS[vnic_type][0])
        server = self.boot_with(port)
        moved = self.admin.live_migrate(server.id)
        self.assertEqual(("compute1", False, "error"), (moved.host, moved.is_broken, moved.status))
        self.assertEqual({"compute1": "ACTIVE"}, self.bindings(port))
        self.cloud.clear()

    def test_no_port_is_bound_where_its_agent_is_dead(self) -> None:
        self.without_agents("compute2")
        for vnic_type in ("normal", "direct", "macvtap"):
            with self.subTest(vnic_type):
                self.assert_refused(vnic_type)

    def test_a_pf_is_bound_where_its_agent_is_dead(self) -> None:
        self.without_agents("compute2")
        server = self.boot_with(self.port("direct-physical", SRIOV))
        self.assertEqual("compute2", self.migrate(server).compute_host)

    def test_no_port_is_bound_where_its_physical_network_is_missing(self) -> None:
        spec = dataclasses.replace(self.spec_of("compute2"), physical_networks=("physnet1",))
        self.cloud.start_network_agents(spec)
        self.addCleanup(self.cloud.start_network_agents, self.spec_of("compute2"))
        for vnic_type in ("direct", "macvtap"):
            with self.subTest(vnic_type):
                self.assert_refused(vnic_type)
