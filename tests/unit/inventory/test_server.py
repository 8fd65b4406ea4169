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

"""Whether a server could migrate, as far as one look tells; a wrong promise is the worst."""

import dataclasses

import testtools

from tests.unit.inventory.cloud import (
    ALIASES,
    MARKED,
    SILENT,
    UNMARKED,
    VF,
    device,
    flavor,
    node,
    server,
    service,
    tree,
)
from vfio_lm.inventory.flavor import alias_use
from vfio_lm.inventory.server import CouldMigrate, HeldDevice, could_migrate, held_devices, supply

LIKELY, NO, UNKNOWN = CouldMigrate.LIKELY, CouldMigrate.NO, CouldMigrate.UNKNOWN


class TestCouldMigrate(testtools.TestCase):
    def verdict(self, *devices, aliases="yes:2", known=ALIASES, held=2, memory=4096, **changes):
        """Ask about a server with 512 MiB on compute1; the devices are free on compute2."""
        services = {host: service(host) for host in ("compute1", "compute2")}
        services |= changes.pop("services", {})
        trees = changes.pop("trees", None)
        if trees is None:
            on_source = tree("compute1", device("compute1", capacity=2, used=2))
            trees = {
                "root-compute1": on_source,
                "root-compute2": tree("compute2", *devices, memory=memory),
            }
        pci = {provider.uuid: provider for provider in (device("compute1"), *devices)}
        left = supply(trees, pci, [node("compute1"), node("compute2")], services)
        asked = server("vm", flavor("pci", aliases), **changes)
        return could_migrate(
            asked,
            alias_use(asked.flavor.extra_specs, known),
            [HeldDevice(device("compute1"), {VF: held})] if held else [],
            known,
            left,
        )[0]

    def test_enough_free_devices_elsewhere_make_it_likely(self):
        self.assertIs(LIKELY, self.verdict(device("compute2", capacity=2)))
        split = [device("compute2", slot, capacity=1) for slot in (0, 1)]
        self.assertIs(LIKELY, self.verdict(*split))

    def test_too_few_do_not(self):
        self.assertIs(NO, self.verdict(device("compute2", capacity=4, used=3)))
        self.assertIs(NO, self.verdict())

    def test_devices_that_are_not_declared_live_migratable_do_not_count(self):
        self.assertIs(NO, self.verdict(device("compute2", traits=UNMARKED)))
        self.assertIs(UNKNOWN, self.verdict(device("compute2", traits=SILENT)))
        one, other = device("compute2", 0, MARKED, 1), device("compute2", 1, SILENT, 1)
        self.assertIs(UNKNOWN, self.verdict(one, other))

    def test_a_host_without_the_memory_does_not_count(self):
        self.assertIs(LIKELY, self.verdict(device("compute2"), memory=512))
        self.assertIs(NO, self.verdict(device("compute2"), memory=511))

    def test_a_host_that_is_down_or_disabled_does_not_count(self):
        for change in ({"is_up": False}, {"is_enabled": False}):
            down = {"compute2": service("compute2", **change)}
            self.assertIs(NO, self.verdict(device("compute2"), services=down), change)

    def test_its_own_host_does_not_count(self):
        self.assertIs(NO, self.verdict(device("compute2"), host="compute2"))

    def test_a_host_that_placement_did_not_tell_about_leaves_it_open(self):
        trees = {"root-compute1": tree("compute1", device("compute1"))}
        self.assertIs(UNKNOWN, self.verdict(device("compute2"), trees=trees))

    def test_nova_refuses_aliases_that_are_not_yes(self):
        free = device("compute2")
        for aliases in ("no:1", "unspecified:1", "yes:1,unspecified:1", "gone:1,no:1"):
            self.assertIs(NO, self.verdict(free, aliases=aliases), aliases)

    def test_unknown_aliases_leave_it_open(self):
        free = device("compute2")
        self.assertIs(UNKNOWN, self.verdict(free, aliases="gone:1"))
        self.assertIs(UNKNOWN, self.verdict(free, aliases="yes:1,gone:1"))
        self.assertIs(UNKNOWN, self.verdict(free, known=None))
        self.assertIs(UNKNOWN, self.verdict(free, aliases="yes"))  # malformed

    def test_nova_refuses_servers_that_do_not_run_or_are_busy(self):
        free = device("compute2")
        self.assertIs(NO, self.verdict(free, status="SHUTOFF", vm_state="stopped"))
        self.assertIs(NO, self.verdict(free, task_state="rebooting"))
        self.assertIs(LIKELY, self.verdict(free, status="PAUSED", vm_state="paused"))

    def test_devices_that_placement_does_not_count_leave_it_open(self):
        self.assertIs(UNKNOWN, self.verdict(device("compute2"), held=0))


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
