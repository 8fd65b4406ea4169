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

"""Servers of the embedded cloud live, move and end as on real hosts."""

from __future__ import annotations

import dataclasses
import unittest
from xml.etree import ElementTree

from tests.cloud import Cloud, CloudError, HostSpec
from tests.cloud.administrator import LIMIT, wait_for
from tests.cloud.testcase import OwnCloudTestCase

CYCLES = 50
#: cycles until thread pools and caches of nova have their size
WARM_UP_CYCLES = 15
#: what nova may grow by in the other cycles, MiB
GROWTH_ALLOWED = 40.0


def setUpModule() -> None:
    """Start the cloud that the tests of this module share."""
    OwnCloudTestCase.cloud = unittest.enterModuleContext(Cloud())


def host_addresses(xml: str) -> set[tuple[int, int, int]]:
    """Give bus, slot and function of every host device of a guest."""
    found = ElementTree.fromstring(xml).findall(".//hostdev/source/address")
    return {
        (int(a.attrib["bus"], 16), int(a.attrib["slot"], 16), int(a.attrib["function"], 16))
        for a in found
    }


class TestServers(OwnCloudTestCase):
    """Servers live and move."""

    def test_a_live_migration_rewrites_the_addresses(self) -> None:
        server = self.boot(host="compute1")
        self.assertTrue(
            host_addresses(self.cloud.guest_xml(server.id)) <= {(0x81, 0, 1), (0x81, 0, 2)}
        )
        server = self.migrate(server, "compute3")
        self.assertEqual("compute3", server.compute_host)
        (address,) = host_addresses(self.cloud.guest_xml(server.id))
        self.assertIn(address, {(0x83, 0, 1), (0x83, 0, 2)})

    def test_a_server_can_have_an_sriov_port(self) -> None:
        old = HostSpec("compute1", bus=0x81)
        spec = {"vendor_id": "8086", "product_id": "1515", "physical_network": "physnet2"}
        # devices of a physical network are not reported to placement, so what is there
        # has to go first
        self.cloud.remove_host("compute1")
        self.cloud.add_host(dataclasses.replace(old, device_specs=(spec,)))
        self.addCleanup(self.cloud.add_host, old)
        self.addCleanup(self.cloud.remove_host, "compute1")
        self.addCleanup(self.cloud.reset)
        port = self.client.network.find_port("sriov-1")
        server = self.boot(alias=None, networks=[{"port": port.id}])
        self.assertEqual("compute1", server.compute_host)
        (interface,) = ElementTree.fromstring(self.cloud.guest_xml(server.id)).iter("interface")
        self.assertEqual("hostdev", interface.get("type"))

    def test_a_server_can_get_other_devices_by_a_resize(self) -> None:
        server = self.boot(host="compute1")
        self.client.compute.resize_server(server, self.admin.flavor("vf-lm:2"))
        self.client.compute.wait_for_server(
            server, status="VERIFY_RESIZE", interval=0.1, wait=LIMIT
        )
        self.client.compute.confirm_server_resize(server)
        self.client.compute.wait_for_server(server, interval=0.1, wait=LIMIT)
        self.assertEqual(2, len(host_addresses(self.cloud.guest_xml(server.id))))

    def test_servers_of_a_silent_host_can_be_evacuated(self) -> None:
        server = self.boot(host="compute1")
        self.cloud.stop_host("compute1")
        self.client.compute.evacuate_server(server)

        def evacuated() -> bool:
            current = self.client.compute.get_server(server.id)
            return current.task_state is None and current.compute_host != "compute1"

        wait_for("the server is evacuated", evacuated)
        self.assertNotEqual(
            host_addresses(self.cloud.guest_xml(server.id)),
            host_addresses(self.cloud.guest_xml(server.id, host="compute1")),
        )
        self.cloud.start_host("compute1")
        with self.assertRaisesRegex(CloudError, "compute1 has no guest"):
            self.cloud.guest_xml(server.id, host="compute1")

    def test_an_injected_failure_ends_one_migration(self) -> None:
        server = self.boot(host="compute1")
        self.cloud.fail_next_migration("operation failed: made up for a test")
        self.migrate(server, "compute2")
        self.assertEqual("compute1", self.client.compute.get_server(server.id).compute_host)
        self.assertIn("made up for a test", self.cloud.logs("nova"))
        self.client.compute.reset_server_state(server.id, "active")
        self.migrate(server, "compute2")
        self.assertEqual("compute2", self.client.compute.get_server(server.id).compute_host)

    def test_many_cycles_leave_nothing_behind(self) -> None:
        memory = 0.0
        for number in range(CYCLES):
            server = self.boot(f"guest{number}")
            source = server.compute_host
            server = self.migrate(server)
            self.assertEqual(("ACTIVE", False), (server.status, server.compute_host == source))
            self.admin.delete(server.id)
            # nova frees the VF of a server that came by migration in its periodic update
            self.cloud.update_resources(server.compute_host)
            if number + 1 == WARM_UP_CYCLES:
                memory = self.cloud.memory_mb("nova")
        self.assertLess(self.cloud.memory_mb("nova") - memory, GROWTH_ALLOWED)
        wait_for("all allocations are gone", lambda: self.usage() == 0)
