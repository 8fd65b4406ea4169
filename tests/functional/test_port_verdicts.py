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

"""The preflight's verdicts about servers with ports, held against nova and a real neutron."""

from __future__ import annotations

import dataclasses
import datetime
import unittest
from typing import Any

from tests.cloud import Cloud, CloudSpec
from tests.cloud.administrator import wait_for
from tests.cloud.networks import PLAIN, SRIOV
from tests.cloud.testcase import OwnCloudTestCase
from tests.functional.host_knowledge import knowledge
from tests.functional.ports import KINDS, PortTestCase, hosts
from vfio_lm.pci import read_nova_conf
from vfio_lm.preflight import Inputs, Report, Status, Verdict, check_with

PLAIN_PORT = ("normal", PLAIN)


def setUpModule() -> None:
    """Start the cloud that the tests of this module share."""
    spec = CloudSpec(hosts=hosts(), neutron=True, pci_in_placement=False)
    OwnCloudTestCase.cloud = unittest.enterModuleContext(Cloud(spec))


class VerdictOfPortsTestCase(PortTestCase):
    """A test of what is said before, and what nova does then."""

    def ask(self, server: Any) -> Report:
        """Run the preflight with the nova.conf and the facts of both hosts."""
        conf = read_nova_conf([self.cloud.nova_conf()])
        known = knowledge(self.cloud, self.cloud_hosts(), [server.id])
        inputs = Inputs(
            now=datetime.datetime.now(datetime.UTC),
            aliases=conf.aliases,
            pci_in_placement=conf.pci_in_placement,
            hosts=known,
        )
        return check_with(self.client, server.id, inputs)

    def cloud_hosts(self) -> list[Any]:
        """Give the hosts with the buses that the cloud gave them."""
        return list(CloudSpec(hosts=hosts()).with_buses().hosts)

    def answers(self, report: Report, check_id: str) -> list[Status]:
        """Give the answers of a check."""
        every = [*report.checks, *(r for each in report.destinations for r in each.checks)]
        return [result.status for result in every if result.id == check_id]

    def assert_verdict(self, verdict: Verdict, server: Any) -> None:
        """Assert what the preflight says, and that nova does it."""
        report = self.ask(server)
        self.assertIs(verdict, report.verdict, report.to_dict())
        moved = self.admin.live_migrate(server.id)
        self.assertEqual(verdict is Verdict.READY, moved.is_done, moved)
        self.assertFalse(moved.is_broken)


class TestAgents(VerdictOfPortsTestCase):
    """The agents of the destination decide."""

    def test_a_port_whose_agents_are_alive_is_ready(self) -> None:
        for vnic_type, (network, _) in KINDS.items():
            with self.subTest(vnic_type):
                server = self.boot_with(self.port(vnic_type, network))
                self.assert_verdict(Verdict.READY, server)
                self.cloud.reset()

    def test_a_port_whose_agent_is_dead_is_blocked_but_for_a_pf(self) -> None:
        self.without_agents("compute2")
        for vnic_type, (network, _) in KINDS.items():
            with self.subTest(vnic_type):
                server = self.boot_with(self.port(vnic_type, network))
                is_pf = vnic_type == "direct-physical"
                self.assert_verdict(Verdict.READY if is_pf else Verdict.BLOCKED, server)
                self.cloud.clear()

    def test_a_physical_network_that_is_missing_blocks(self) -> None:
        spec = dataclasses.replace(self.spec_of("compute2"), physical_networks=("physnet1",))
        self.cloud.start_network_agents(spec)
        self.addCleanup(self.cloud.start_network_agents, self.spec_of("compute2"))
        server = self.boot_with(self.port("direct", SRIOV))
        self.assertEqual([Status.FAIL], self.answers(self.ask(server), "destination-network"))
        self.assert_verdict(Verdict.BLOCKED, server)


class TestLossOfNetwork(VerdictOfPortsTestCase):
    """Whoever loses the network for a while sees which port it is."""

    def test_the_port_that_is_unplugged_is_named(self) -> None:
        server = self.boot_with(self.port("direct", SRIOV))
        (found,) = [each for each in self.ask(server).checks if each.id == "port-binding"]
        self.assertIs(Status.WARN, found.status)
        self.assertIn("direct-port (", found.message)


class TestBandwidth(VerdictOfPortsTestCase):
    """What a port asks placement for is part of what placement is asked."""

    def port_with(self, kbps: int) -> Any:
        """Create a port that needs a bandwidth."""
        policy = self.client.network.create_qos_policy(name=f"at-least-{kbps}")
        self.client.network.create_qos_minimum_bandwidth_rule(
            policy, min_kbps=kbps, direction="egress"
        )
        self.wait_for_bandwidth()
        return self.port("direct", SRIOV, qos_policy_id=policy.id)

    def test_a_host_with_enough_of_it_is_ready(self) -> None:
        server = self.boot_with(self.port_with(1000))
        self.assert_verdict(Verdict.READY, server)

    def test_a_host_with_too_little_of_it_is_blocked(self) -> None:
        self.boot_with(self.port_with(6000), host="compute2")
        server = self.boot_with(self.port_with(5000))
        report = self.ask(server)
        self.assertEqual([Status.FAIL], self.answers(report, "destination-capacity"))
        self.assert_verdict(Verdict.BLOCKED, server)


class TestPortsThatCameAndWent(VerdictOfPortsTestCase):
    """Nova asks for the ports that a server was made with."""

    def assert_in_doubt(self, server: Any) -> None:
        report = self.ask(server)
        self.assertIs(Verdict.UNKNOWN, report.verdict, report.to_dict())
        self.assertEqual([Status.UNKNOWN], self.answers(report, "request-drift"))

    def test_one_that_was_removed(self) -> None:
        port = self.port("direct", SRIOV)
        server = self.boot_with(port)
        self.wait_until_active(port)
        self.client.compute.delete_server_interface(port.id, server=server.id)
        wait_for("the port is free", lambda: not self.client.network.get_port(port.id).device_id)
        self.assert_in_doubt(server)

    def test_one_that_was_added(self) -> None:
        server = self.boot_with(self.port(*PLAIN_PORT))
        port = self.port("direct", SRIOV)
        self.client.compute.create_server_interface(server.id, port_id=port.id)
        self.wait_until_active(port)
        self.assert_in_doubt(server)

    def test_one_without_a_device_does_not_matter(self) -> None:
        server = self.boot_with(self.port(*PLAIN_PORT))
        port = self.port(*PLAIN_PORT)
        self.client.compute.create_server_interface(server.id, port_id=port.id)
        self.wait_until_active(port)
        self.assertEqual([Status.PASS], self.answers(self.ask(server), "request-drift"))
