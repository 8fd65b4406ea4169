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


"""Servers that ask for devices by alias, and the devices that they hold."""

import dataclasses

import testtools

from tests.unit.inventory.cloud import ALIASES, VF, device, flavor, server
from vfio_lm.inventory.server import held_devices, pci_servers
from vfio_lm.pci.alias_traits import Meaning


class TestPciServers(testtools.TestCase):
    def test_servers_without_devices_are_left_out_and_the_others_sorted(self):
        pci = flavor("pci", "yes:1")
        servers = [
            server("b", pci, host="compute2"),
            server("a", pci, host="compute2"),
            server("plain", flavor("plain")),
            server("c", pci, host="compute1"),
        ]
        found = pci_servers(servers, ALIASES)
        self.assertEqual(["c", "a", "b"], [item.server.name for item in found])
        self.assertEqual([None] * 3, [item.devices for item in found])

    def test_each_alias_says_what_it_says(self):
        asked = server("a", flavor("pci", "yes:1,no:2,gone:1"))
        (found,) = pci_servers([asked], ALIASES)
        self.assertEqual(
            {"yes": Meaning.YES, "no": Meaning.NO, "gone": Meaning.ALIAS_UNKNOWN},
            found.use.by_alias,
        )
        (found,) = pci_servers([asked], None)
        self.assertEqual({Meaning.ALIAS_UNKNOWN}, set(found.use.by_alias.values()))

    def test_a_malformed_flavor_is_shown_as_that(self):
        (found,) = pci_servers([server("a", flavor("pci", "yes"))], ALIASES)
        self.assertEqual((Meaning.MALFORMED, {}), (found.use.meaning, found.use.by_alias))


class TestHeldDevices(testtools.TestCase):
    def test_only_pci_devices_in_the_order_of_their_addresses(self):
        first, second = device("compute1", 0), device("compute1", 1)
        allocations = {"root": {"VCPU": 1}, second.uuid: {VF: 1}, first.uuid: {VF: 2}}
        found = held_devices(allocations, {p.uuid: p for p in (first, second)})
        self.assertEqual(
            [("0000:81:00.0", 2), ("0000:81:01.0", 1)], [(d.address, d.units) for d in found]
        )

    def test_a_device_with_an_odd_name_has_that_for_an_address(self):
        odd = dataclasses.replace(device("compute1"), name="odd")
        (found,) = held_devices({odd.uuid: {VF: 1}}, {odd.uuid: odd})
        self.assertEqual("odd", found.address)
