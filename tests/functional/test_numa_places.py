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

"""Servers with a NUMA topology, judged without nova's word and then moved by nova."""

from __future__ import annotations

from tests.cloud import HostSpec
from tests.functional.base import YES
from tests.functional.test_host_knowledge import HostsTestCase
from vfio_lm.preflight import Status, Verdict


class NumaPlacesTestCase(HostsTestCase):
    """Two NUMA nodes on each host, with four CPUs and a PF of two VFs on each."""

    hosts = tuple(
        HostSpec(f"compute{number}", pfs=2, bus=0x80 + number, device_specs=(YES,), vcpus=8)
        for number in (1, 2)
    )

    def pinned(self, aliases: str | None, vcpus: int, **specs: str) -> str:
        return self.admin.flavor(aliases, vcpus=vcpus, **{"hw:cpu_policy": "dedicated"} | specs)

    def verdict(self, server: str, *others: str) -> Verdict:
        report = self.ask(server, self.known(server, *others))
        self.said = report.to_dict()
        return report.verdict

    def settled(self, server: str) -> Status:
        """What the check says, which has to be known."""
        (destination,) = self.said["destinations"]
        (found,) = [each for each in destination["checks"] if each["id"] == "numa"]
        return Status(found["status"])


class TestNumaOfHosts(NumaPlacesTestCase):
    def test_a_pinned_server_moves_where_a_node_has_room(self) -> None:
        server = self.boot(self.pinned("vf-yes:1", 2), host="compute1")
        self.assertIs(Verdict.READY, self.verdict(server), self.said)
        self.assertEqual("compute2", self.live_migrate(server))
        # The next time nova would leave the addresses of its devices as they are.
        self.assertIs(Verdict.UNKNOWN, self.verdict(server), self.said)

    def test_a_node_with_room_beside_one_without_is_enough(self) -> None:
        server = self.boot(self.pinned("vf-yes:1", 2), host="compute1")
        occupant = self.boot(self.pinned(None, 3), host="compute2")
        self.assertIs(Verdict.READY, self.verdict(server, occupant), self.said)
        self.assertEqual("compute2", self.live_migrate(server))

    def test_a_host_whose_cpus_are_taken_is_blocked(self) -> None:
        server = self.boot(self.pinned("vf-yes:1", 2), host="compute1")
        others = [self.boot(self.pinned(None, 3), host="compute2") for _ in range(2)]
        self.assertIs(Verdict.BLOCKED, self.verdict(server, *others), self.said)
        self.assertIs(Status.FAIL, self.settled(server), self.said)
        self.assertIsNone(self.live_migrate(server, "compute2"))

    def test_a_host_with_cpus_and_devices_apart_is_blocked(self) -> None:
        server = self.boot(self.pinned("vf-yes:1", 2), host="compute1")
        with_devices = self.boot(self.pinned("vf-yes:2", 1), host="compute2")
        without = self.boot(self.pinned(None, 4), host="compute2")
        self.assertIs(Verdict.BLOCKED, self.verdict(server, with_devices, without), self.said)
        self.assertIs(Status.FAIL, self.settled(server), self.said)
        self.assertIsNone(self.live_migrate(server, "compute2"))


class TestNumaOfHostsInPlacement(NumaPlacesTestCase):
    """Placement may choose another PF than the one near the node that nova-compute chooses."""

    pci_in_placement = True

    def test_only_what_can_be_chosen_together_is_ready(self) -> None:
        server = self.boot(self.pinned("vf-yes:1", 2), host="compute1")
        self.assertIs(Verdict.UNKNOWN, self.verdict(server), self.said)
        occupant = self.boot(self.pinned("vf-yes:2", 1), host="compute2")
        self.assertIs(Verdict.READY, self.verdict(server, occupant), self.said)
        self.assertEqual("compute2", self.live_migrate(server))


class TestHugePagesOfHosts(NumaPlacesTestCase):
    hosts = tuple(
        HostSpec(
            f"compute{number}",
            pfs=2,
            bus=0x80 + number,
            device_specs=(YES,),
            vcpus=8,
            huge_pages={"2048": 384},
        )
        for number in (1, 2)
    )

    def test_pages_that_others_have_are_not_free(self) -> None:
        flavor = self.admin.flavor("vf-yes:1", vcpus=1, **{"hw:mem_page_size": "2MB"})
        without = self.admin.flavor(None, vcpus=1, **{"hw:mem_page_size": "large"})
        server = self.boot(flavor, host="compute1")
        self.assertIs(Verdict.READY, self.verdict(server), self.said)
        # Of a server whose migration was ever tried, nothing is said any more.
        refused = self.boot(flavor, host="compute1")
        others = [self.boot(without, host="compute2") for _ in range(2)]
        self.assertIs(Verdict.BLOCKED, self.verdict(server, refused, *others), self.said)
        self.assertIsNone(self.live_migrate(refused, "compute2"))
        for each in others:
            self.admin.delete(each)
        self.cloud.update_resources()
        self.assertIs(Verdict.READY, self.verdict(server, refused), self.said)
        self.assertEqual("compute2", self.live_migrate(server))
