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

"""Hosts with their devices, summed up."""

from __future__ import annotations

import testtools

from tests.unit.inventory import cloud
from vfio_lm.cloud.model import Provider
from vfio_lm.inventory import HostInventory, HostMarking, totals
from vfio_lm.inventory.host import hosts

CLAIMED = cloud.MARKED | {"OWNER_CYBORG"}


def host(*devices: Provider) -> HostInventory:
    """Return the host compute1 with these devices."""
    (found,) = hosts({"compute1": cloud.service("compute1")}, {}, devices)
    return found


def slot(number: int, traits: frozenset[str], used: int = 0) -> Provider:
    return cloud.device("compute1", slot=number, traits=traits, used=used)


class TestMarking(testtools.TestCase):
    def test_devices_that_agree_speak_for_the_host(self) -> None:
        for traits, expected in (
            (cloud.MARKED, HostMarking.YES),
            (cloud.UNMARKED, HostMarking.NO),
            (cloud.SILENT, HostMarking.UNKNOWN),
        ):
            found = host(slot(0, traits), slot(1, traits))
            self.assertIs(expected, found.live_migratable)

    def test_one_device_more_that_is_not_declared_or_does_not_tell_makes_it_partly(self) -> None:
        for other in (cloud.UNMARKED, cloud.SILENT):
            found = host(slot(0, cloud.MARKED), slot(1, other))
            self.assertIs(HostMarking.PARTLY, found.live_migratable)

    def test_a_device_that_does_not_tell_keeps_the_others_no_from_being_the_answer(self) -> None:
        found = host(slot(0, cloud.UNMARKED), slot(1, cloud.SILENT))
        self.assertIs(HostMarking.UNKNOWN, found.live_migratable)

    def test_no_devices_is_another_answer_than_no_answer(self) -> None:
        services = {"compute1": cloud.service("compute1")}
        (without,) = hosts(services, {}, ())
        (unknown,) = hosts(services, {}, None)
        self.assertIs(HostMarking.NO_DEVICES, without.live_migratable)
        self.assertIs(HostMarking.UNKNOWN, unknown.live_migratable)


class TestHosts(testtools.TestCase):
    def test_a_host_is_there_whoever_knows_it(self) -> None:
        found = hosts(
            {"down": cloud.service("down", is_up=False)},
            {"compute1": cloud.node("compute1")},
            [cloud.device("compute1"), cloud.device("forgotten")],
        )
        self.assertEqual(["compute1", "down", "forgotten"], [host.name for host in found])
        self.assertEqual([1, 0, 1], [len(host.devices or ()) for host in found])

    def test_devices_stand_in_the_order_of_their_addresses(self) -> None:
        found = host(slot(2, cloud.MARKED), slot(0, cloud.MARKED), slot(1, cloud.MARKED))
        self.assertEqual(
            ["0000:81:00.0", "0000:81:01.0", "0000:81:02.0"],
            [device.address for device in found.devices or ()],
        )

    def test_another_owner_makes_a_device_and_its_host_contested(self) -> None:
        self.assertTrue(host(slot(0, cloud.MARKED), slot(1, CLAIMED)).is_contested)
        self.assertFalse(host(slot(0, cloud.MARKED)).is_contested)


class TestTotals(testtools.TestCase):
    def test_only_what_is_declared_and_free_counts_as_free_and_migratable(self) -> None:
        found = hosts(
            {},
            {},
            [
                cloud.device("compute1", used=1),
                cloud.device("compute2", traits=cloud.UNMARKED),
                cloud.device("compute3", traits=cloud.SILENT, used=4),
                cloud.device("compute4", traits=CLAIMED, used=2),
            ],
        )
        summed = totals(found)
        self.assertEqual((4, 4, 4), (summed.hosts, summed.hosts_with_devices, summed.devices))
        self.assertEqual((16, 7, 9), (summed.units, summed.used, summed.free))
        self.assertEqual((5, 1), (summed.free_migratable, summed.contested))
