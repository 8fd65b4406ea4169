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

"""What forbids a migration, from what both hosts say; nothing of it needs libvirt."""

import dataclasses

import testtools

from vfio_lm.compute.domain.devices import DomainDevices, MdevSource, PciSource
from vfio_lm.compute.libvirt.connection import Domain, DomainState, NodeDevice
from vfio_lm.compute.libvirt.migration_plan import (
    DestinationEnd,
    HostEnd,
    MigrationPlan,
    refusals,
    warnings,
)
from vfio_lm.pci import PciAddress

HERE = PciAddress.parse("0000:65:00.1")
HERE_TOO = PciAddress.parse("0000:65:00.2")
THERE = PciAddress.parse("0000:ca:00.1")
THERE_TOO = PciAddress.parse("0000:ca:00.2")
NEW = (11, 3, 0)
NEW_QEMU = (10, 0, 0)


def devices(*addresses, managed=False, **more):
    sources = tuple(PciSource(address, managed, 0) for address in addresses)
    return DomainDevices("g1", "", **({"pci": sources, "mdevs": (), "otherwise_used": ()} | more))


def node_devices(*addresses, driver="mlx5_vfio_pci", product_id="101e"):
    return {each: NodeDevice(each, "15b3", product_id, driver) for each in addresses}


def domain(live=None, **changes):
    live = live or devices(HERE)
    fields = {"is_persistent": True, "is_novas": False, "has_job": False, "config": live}
    fields |= {"state": DomainState.RUNNING} | changes
    return Domain("g1", "u", live=live, **fields)


SOURCE = HostEnd("qemu:///system", NEW, NEW_QEMU, node_devices(HERE, HERE_TOO))
DESTINATION = DestinationEnd("qemu+ssh://b/system", NEW, NEW_QEMU, node_devices(THERE, THERE_TOO))


def migration(domain_=None, mapping=None, destination=None, source=None, **more):
    return MigrationPlan(
        domain=domain_ or domain(),
        source=dataclasses.replace(SOURCE, **(source or {})),
        destination=dataclasses.replace(DESTINATION, **(destination or {})),
        mapping={HERE: THERE} if mapping is None else mapping,
        **more,
    )


class TestRefusals(testtools.TestCase):
    def assert_refused(self, expected, *args, **kwargs):
        found = refusals(migration(*args, **kwargs))
        self.assertEqual(1, len(found), found)
        self.assertIn(expected, found[0])

    def test_a_plain_case_is_not_refused(self):
        self.assertEqual([], refusals(migration()))
        self.assertEqual([], warnings(migration()))

    def test_only_a_running_domain_is_moved(self):
        for state in (DomainState.PAUSED, DomainState.STOPPED, DomainState.STUCK):
            self.assert_refused(state.value, domain(state=state))

    def test_a_post_copy_migration_is_named(self):
        self.assert_refused(
            "in a post-copy migration, which VFIO devices do not survive",
            domain(state=DomainState.IN_POST_COPY, has_job=True),
        )

    def test_a_migration_under_way_is_left_alone_and_its_other_half_no_left_over(self):
        self.assert_refused(
            "'virsh domjobabort g1' ends it", domain(has_job=True), destination={"namesake": "g1"}
        )

    def test_a_left_over_on_the_destination(self):
        self.assert_refused(
            "'virsh -c qemu+ssh://b/system undefine g1'", destination={"namesake": "g1"}
        )

    def test_a_domain_of_novas(self):
        self.assert_refused("openstack server migrate", domain(is_novas=True))
        self.assertEqual([], refusals(migration(domain(is_novas=True), is_forced=True)))

    def test_a_domain_without_devices(self):
        self.assert_refused("'virsh migrate' does for it", domain(devices(managed=True)), {})

    def test_a_device_that_cannot_be_moved(self):
        live = devices(HERE, otherwise_used=(HERE_TOO,))
        self.assert_refused("uses 0000:65:00.2 as an NVMe disk", domain(live))

    def test_a_configuration_that_differs(self):
        self.assert_refused(
            "runs with 0000:65:00.1, but its configuration has 0000:65:00.2: correct it with "
            "'virsh edit g1'",
            domain(config=devices(HERE_TOO)),
        )
        transient = domain(config=devices(HERE_TOO), is_persistent=False)
        self.assertEqual([], refusals(migration(transient)))

    def test_a_device_that_is_not_in_the_map(self):
        self.assert_refused(
            "--map 0000:65:00.2=ADDRESS", domain(devices(HERE, HERE_TOO)), {HERE: THERE}
        )

    def test_a_device_that_the_domain_does_not_have(self):
        self.assert_refused(
            "device 0000:65:00.2 is in the map, but domain g1 has 0000:65:00.1",
            mapping={HERE: THERE, HERE_TOO: THERE_TOO},
        )

    def test_two_devices_to_one(self):
        self.assert_refused(
            "2 devices are mapped to 0000:ca:00.1",
            domain(devices(HERE, HERE_TOO)),
            {HERE: THERE, HERE_TOO: THERE},
        )

    def test_a_device_that_is_not_there(self):
        self.assert_refused("has no PCI device 0000:ca:00.1", destination={"devices": {}})

    def test_a_device_of_another_kind(self):
        other = node_devices(THERE, product_id="1021")
        self.assert_refused(
            "is a 15b3:101e and 0000:ca:00.1 on the destination a 15b3:1021",
            destination={"devices": other},
        )

    def test_a_device_in_use(self):
        self.assert_refused("in use by domain g2", destination={"in_use": {THERE: "g2"}})

    def test_a_source_on_the_plain_driver(self):
        plain = {"devices": node_devices(HERE, driver="vfio-pci")}
        found = refusals(migration(source=plain))
        self.assertIn("is bound to plain vfio-pci on the source", found[0])

    def test_a_destination_on_another_driver(self):
        for driver, said in (("vfio-pci", "to vfio-pci"), (None, "to no driver")):
            self.assert_refused(
                f"0000:ca:00.1 is bound {said} on the destination",
                destination={"devices": node_devices(THERE, driver=driver)},
            )

    def test_libvirt_binds_a_managed_device_itself_from_10_0_on(self):
        managed = domain(devices(HERE, managed=True))
        unbound = {"devices": node_devices(THERE, driver="mlx5_core")}
        self.assertEqual([], refusals(migration(managed, destination=unbound)))
        self.assert_refused(
            "libvirt before 10.0 would bind it to plain vfio-pci",
            managed,
            destination=unbound | {"libvirt_version": (9, 10, 0)},
        )
        # a device that has a VFIO driver keeps it
        plain = {"devices": node_devices(THERE, driver="vfio-pci")}
        self.assert_refused("bind it to mlx5_vfio_pci", managed, destination=plain)

    def test_all_reasons_are_told_at_once(self):
        found = refusals(
            migration(
                domain(state=DomainState.PAUSED, is_novas=True),
                destination={"devices": {}, "namesake": "g1"},
            )
        )
        self.assertEqual(4, len(found), found)


class TestWarnings(testtools.TestCase):
    def test_versions_that_nova_would_refuse(self):
        found = warnings(migration(source={"qemu_version": (7, 2, 22)}))
        self.assertEqual(1, len(found), found)
        self.assertIn("QEMU 7.2.22 at qemu:///system is older than 8.2.2", found[0])

    def test_a_destination_that_is_older(self):
        found = warnings(migration(destination={"libvirt_version": (10, 5, 0)}))
        self.assertEqual(1, len(found), found)
        self.assertIn("libvirt 10.5.0 on the destination is older than 11.3.0", found[0])

    def test_a_mediated_device(self):
        live = devices(HERE, mdevs=(MdevSource("c0ffee", 0),))
        self.assertIn("c0ffee keeps its UUID", warnings(migration(domain(live)))[0])
