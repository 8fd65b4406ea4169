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

"""Each fault that vfio-lm-nova-compute corrects, with and without it; for each release."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any, ClassVar

from tests.cloud import Cloud, CloudSpec, HostSpec, environments
from tests.cloud.testcase import OwnCloudTestCase
from vfio_lm.compute.domain.remap import hostdev_addresses
from vfio_lm.inside_nova.corrections import NAMES

_YES = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "yes"}
_NEAR, _GOOD = "HW_PCI_LIVE_MIGRATABLE,CUSTOM_NEAR", "HW_PCI_LIVE_MIGRATABLE,CUSTOM_GOOD"
_BUSES = {"compute1": 0x81, "compute2": 0x82, "compute3": 0x83}


def _host(name: str, bus: int) -> HostSpec:
    """Three PFs: of NUMA node 0, of node 1, and of node 0 for ports."""
    specs = (
        _YES | {"address": f"0000:{bus:02x}:00.*", "traits": _NEAR},
        _YES | {"address": f"0000:{bus:02x}:01.*", "traits": _GOOD},
        _YES | {"address": f"0000:{bus:02x}:02.*", "physical_network": "physnet2"},
    )
    return HostSpec(name, pfs=3, vfs=2, bus=bus, device_specs=specs)


class CorrectionTestCase(OwnCloudTestCase):
    """Three hosts, whose nova-compute has the corrections that a class of tests wants."""

    release = environments.CURRENT
    corrections: ClassVar[tuple[str, ...]]

    @classmethod
    def setUpClass(cls) -> None:
        spec = CloudSpec(
            hosts=tuple(_host(*each) for each in _BUSES.items()),
            aliases=tuple(
                _YES | {"name": name, "device_type": "type-VF", "traits": traits}
                for name, traits in (("near", _NEAR), ("good", _GOOD))
            ),
            corrections=cls.corrections,
        )
        cls.cloud = cls.enterClassContext(Cloud(spec, release=cls.release))
        super().setUpClass()

    def server(self, alias: str, *, port: str | None = None, **extra_specs: str) -> str:
        """Create a server on compute1."""
        fields: dict[str, Any] = {}
        if port is not None:
            fields["networks"] = [{"port": self.client.network.find_port(port).id}]
        flavor = self.admin.flavor(alias, **extra_specs)
        server = self.admin.request_server(flavor, "compute1", **fields)
        self.admin.wait_until_built([server])
        return server

    def moved(self, server: str, *hosts: str) -> None:
        for host in hosts:
            moved = self.admin.live_migrate(server, host)
            self.assertEqual((host, False), (moved.host, moved.is_broken), moved)
            self.cloud.forget_moves()

    def guest_bus(self, server: str) -> int:
        (address,) = hostdev_addresses(self.cloud.guest_xml(server))
        return address.bus

    def claimed(self) -> list[str]:
        """The addresses of devices that are claimed and not allocated."""
        path = self.cloud.directory / "db" / "nova_cell1.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            query = "SELECT address FROM pci_devices WHERE status = 'claimed'"
            return [address for (address,) in connection.execute(query)]

    def pinned_server_moves(self) -> Any:
        """Move a server with a VF of node 1, where the claim would choose node 0 by itself."""
        server = self.server("good:1", **{"hw:cpu_policy": "dedicated"})
        return self.admin.live_migrate(server, "compute2")

    def server_after_two_moves(self) -> str:
        server = self.server("near:1", **{"hw:numa_nodes": "1"})
        self.moved(server, "compute2", "compute3")
        return server

    def server_after_a_failure(self) -> dict[str, Any]:
        server = self.server("near:1")
        self.cloud.fail_next_migration()
        moved = self.admin.live_migrate(server, "compute2")
        self.assertEqual("compute1", moved.host)
        return self.admin.show(server) | {"migration": moved.status}

    def devices_left_by_a_server_with_a_port(self) -> list[str]:
        server = self.server("near:1", port="sriov-1")
        self.moved(server, "compute2")
        self.admin.delete(server)
        self.cloud.update_resources()
        return self.claimed()


class Installed(CorrectionTestCase):
    """The installed nova-compute; a test fails when nova itself is right."""

    corrections = ()
    #: Whether it raises the error of a live migration that it has rolled back.
    raises_twice = True

    def test_a_server_goes_to_error_where_placement_chose_another_numa_node(self) -> None:
        moved = self.pinned_server_moves()
        self.assertEqual(("compute1", True), (moved.host, moved.is_broken))

    def test_the_second_move_leaves_a_guest_with_devices_of_the_source(self) -> None:
        server = self.server_after_two_moves()
        self.assertEqual(_BUSES["compute2"], self.guest_bus(server))

    def test_a_server_goes_to_error_after_a_failure_that_was_rolled_back(self) -> None:
        server = self.server_after_a_failure()
        expected = ("ERROR", "error") if self.raises_twice else ("ACTIVE", "failed")
        self.assertEqual(expected, (server["status"], server["migration"]))

    def test_a_device_stays_claimed_for_a_server_that_is_gone(self) -> None:
        (address,) = self.devices_left_by_a_server_with_a_port()
        self.assertTrue(address.startswith("0000:82:00."), address)


class Corrected(CorrectionTestCase):
    """The installed nova-compute, started by vfio-lm-nova-compute."""

    corrections = NAMES

    def test_the_claim_finds_the_numa_node_that_placement_chose(self) -> None:
        moved = self.pinned_server_moves()
        self.assertEqual(("compute2", False), (moved.host, moved.is_broken))

    def test_the_second_move_gives_the_guest_its_devices(self) -> None:
        server = self.server_after_two_moves()
        self.assertEqual(_BUSES["compute3"], self.guest_bus(server))

    def test_a_server_is_active_after_a_failure_that_was_rolled_back(self) -> None:
        server = self.server_after_a_failure()
        self.assertEqual(("ACTIVE", "failed"), (server["status"], server["migration"]))

    def test_every_device_is_given_back(self) -> None:
        self.assertEqual([], self.devices_left_by_a_server_with_a_port())

    def test_the_log_says_what_was_done(self) -> None:
        text = self.cloud.logs("nova", lines=20000)
        for name in NAMES:
            self.assertIn(f"vfio-lm correction {name}: ", text)
