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

"""Devices: where they are, which are asked for, and who holds them."""

import dataclasses

import testtools

from tests.unit.inventory.cloud import SILENT, UNMARKED, VF, device, node
from vfio_lm.cloud.model import Inventory, Marking
from vfio_lm.inventory.device import DeviceFilter, PciDevice, holders, pci_devices


class TestDevice(testtools.TestCase):
    def test_an_overcommitted_device_has_nothing_free(self):
        found = PciDevice(provider=device("compute1", capacity=1, used=2), host="compute1")
        self.assertEqual((1, 2, 0), (found.total, found.used, found.free))

    def test_a_provider_without_inventory_is_shown_with_nothing(self):
        provider = dataclasses.replace(device("compute1"), inventories={})
        found = PciDevice(provider=provider, host="compute1")
        self.assertEqual(("", 0, 0, 0), (found.resource_class, found.total, found.used, found.free))


class TestHosts(testtools.TestCase):
    def test_nova_names_the_host_and_else_the_provider_does(self):
        known, unknown = device("node7.example"), device("gone.example")
        host = dataclasses.replace(node("node7.example"), host="compute7")
        self.assertEqual(
            {known.uuid: "compute7", unknown.uuid: "gone.example"},
            {each.provider.uuid: each.host for each in pci_devices([known, unknown], [host])},
        )

    def test_what_a_host_left_behind_is_not_free(self):
        here, gone = pci_devices([device("compute1"), device("gone")], [node("compute1")])
        self.assertEqual((False, True), (here.is_left_behind, gone.is_left_behind))
        self.assertLess(0, here.free)
        self.assertEqual(0, gone.free)

    def test_nothing_is_left_behind_where_nova_does_not_answer(self):
        (found,) = pci_devices([device("compute1")], [])
        self.assertFalse(found.is_left_behind)


class TestFilter(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.device = PciDevice(provider=device("compute1", capacity=2, used=1), host="compute1")

    def test_what_is_not_set_does_not_matter(self):
        self.assertTrue(DeviceFilter().accepts(self.device))

    def test_each_condition_counts(self):
        right = {
            "host": "compute1",
            "resource_class": VF,
            "is_free": True,
            "live_migratable": Marking.MARKED,
        }
        self.assertTrue(DeviceFilter(**right).accepts(self.device))
        for wrong in (
            {"host": "compute2"},
            {"resource_class": "CUSTOM_OTHER"},
            {"live_migratable": Marking.NOT_MARKED},
        ):
            self.assertFalse(DeviceFilter(**(right | wrong)).accepts(self.device), wrong)
        full = dataclasses.replace(
            self.device.provider, inventories={VF: Inventory(capacity=2, used=2)}
        )
        self.assertFalse(DeviceFilter(**right).accepts(PciDevice(provider=full, host="compute1")))

    def test_unknown_is_neither_yes_nor_no(self):
        silent = PciDevice(provider=device("compute1", traits=SILENT), host="compute1")
        unmarked = PciDevice(provider=device("compute1", traits=UNMARKED), host="compute1")
        no = DeviceFilter(live_migratable=Marking.NOT_MARKED)
        self.assertEqual([False, True], [no.accepts(silent), no.accepts(unmarked)])


class TestHolders(testtools.TestCase):
    def test_servers_come_first_and_what_has_no_name_last(self):
        allocations = {"m": {VF: 1}, "a": {VF: 2}, "b": {VF: 1}, "k": {VF: 1}}
        found = holders(allocations, {"a": "web2", "b": "web1"})
        self.assertEqual(
            [("b", "web1", 1), ("a", "web2", 2), ("k", None, 1), ("m", None, 1)],
            [(holder.id, holder.name, holder.units) for holder in found],
        )
