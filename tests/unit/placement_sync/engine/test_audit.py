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

"""What is wrong with a host and its providers, and the way to mend it."""

import testtools

from placement_sync.engine.audit import consumers_without_server
from placement_sync.engine.finding import Kind
from tests.unit.placement_sync.cases import FindingsTestCase
from tests.unit.placement_sync.fleet import (
    CLASS,
    LIVE,
    MANAGED,
    NO,
    UNTAGGED,
    YES,
    facts,
    host,
    of_nova,
    provider,
    root,
    vf,
)
from vfio_lm.inventory.stray import Stray
from vfio_lm.pci import DeviceKind
from vfio_lm.pci.migratability import MigrationFlags


class TestStrays(testtools.TestCase):
    def test_a_consumer_that_nova_does_not_know_is_named_with_what_it_holds(self):
        (found,) = consumers_without_server([Stray("7f3e", {"compute1_0000:81:00.0": 2})])
        self.assertEqual((Kind.CONSUMER_WITHOUT_SERVER, "7f3e"), (found.kind, found.subject))
        self.assertTrue(found.kind.is_drift)
        self.assertIn("holds 2 units of compute1_0000:81:00.0", found.text)
        self.assertIn("nova-manage placement audit --verbose", found.remedy)


class TestHostFindings(FindingsTestCase):
    def test_a_host_that_placement_does_not_know(self):
        plan = self.plan([host("compute1", YES)])
        (found,) = plan.findings
        self.assertEqual((), plan.steps)
        self.assertEqual((Kind.HOST_WITHOUT_PROVIDER, "compute1"), (found.kind, found.subject))
        self.assertEqual("compute1.conf", found.where)

    def test_nova_34_misses_the_trait_until_it_is_restarted(self):
        found = self.finding(Kind.MISSING, [host("compute1", YES)], root(), of_nova())
        self.assertIn("restart nova-compute", found.remedy)
        self.assertEqual("compute1.conf:2", found.where)

    def test_before_34_the_line_to_change_and_the_tag_to_add_are_named(self):
        before = provider("compute1_0000:81:00.0", "compute1", MANAGED, classes=[CLASS])
        config = host("compute1", NO, YES | {"traits": "CUSTOM_FAST"})
        found = self.finding(Kind.MISSING, [config], root(), before)
        self.assertIn(f'"traits": "CUSTOM_FAST,{LIVE}"', found.remedy)
        self.assertEqual("compute1.conf:3", found.where)
        self.assertIn("durable if we set it: no", found.text)

    def test_before_34_with_the_tag_nova_compute_needs_a_restart(self):
        before = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        spec = YES | {"traits": LIVE}
        found = self.finding(Kind.MISSING, [host("compute1", spec)], root(), before)
        self.assertIn("restart", found.remedy)
        self.assertNotIn("add", found.remedy)

    def test_a_trait_too_many(self):
        found = self.finding(Kind.EXTRA, [host("compute1", UNTAGGED)], root(), of_nova(LIVE))
        self.assertIn("restart", found.remedy)
        tagged = UNTAGGED | {"traits": LIVE}
        found = self.finding(Kind.EXTRA, [host("compute1", tagged)], root(), of_nova(LIVE))
        self.assertIn('out of "traits"', found.remedy)

    def test_a_provider_that_no_specification_means(self):
        spec = YES | {"address": "0001:00:00.0"}
        self.finding(Kind.PROVIDER_WITHOUT_DEVICE, [host("compute1", spec)], root(), of_nova())

    def test_a_provider_whose_device_the_kernel_does_not_know(self):
        config = host("compute1", YES, facts=facts())
        found = self.finding(Kind.PROVIDER_WITHOUT_DEVICE, [config], root(), of_nova(LIVE))
        self.assertIn("host facts", found.text)

    def test_a_device_that_nova_compute_does_not_report(self):
        config = host("compute1", YES, reports=True, facts=facts(vf(1), vf(2)))
        found = self.finding(Kind.DEVICE_WITHOUT_PROVIDER, [config], root())
        self.assertIn("0000:81:00.1, 0000:81:00.2", found.text)
        self.assertEqual((), self.plan([config], root(), of_nova(LIVE)).findings)
        silent = host("compute1", YES, facts=facts(vf(1)))
        self.assertEqual((), self.plan([silent], root()).findings)

    def test_drivers_that_cannot_are_named_together(self):
        devices = [vf(function, driver="vfio-pci") for function in range(1, 7)]
        config = host("compute1", YES, facts=facts(*devices))
        found = self.finding(Kind.DRIVER_CANNOT, [config], root())
        self.assertIn("0000:81:00.4 and 2 more", found.text)
        self.assertEqual("compute1.conf:2", found.where)

    def test_the_remedy_is_possible_on_that_host(self):
        for remedy, changes in (
            ("bind the devices to their variant driver", {"driver": "vfio-pci"}),
            (
                "give the host a kernel with a variant driver",
                {"driver": "vfio-pci", "is_variant_driver_available": False},
            ),
            ("set the devices migratable in devlink", {"is_devlink_migratable": False}),
            ("give the devices a vGPU type", {"vgpu_type": "0"}),
            ("upgrade the driver, the firmware", {"migration": MigrationFlags()}),
        ):
            config = host("compute1", YES, facts=facts(vf(**changes)))
            found = self.finding(Kind.DRIVER_CANNOT, [config], root())
            self.assertTrue(found.remedy.startswith(remedy), found.remedy)

    def test_what_is_not_known_is_neither_missing_nor_too_much(self):
        before_34 = provider("compute1_0000:81:00.0", "compute1", MANAGED, LIVE)
        tagged = {"traits": LIVE}
        plan = self.plan([host("compute1", YES | tagged, NO | tagged)], root(), before_34)
        self.assertEqual({Kind.UNDECIDED}, {found.kind for found in plan.findings})

    def test_a_driver_need_not_do_what_is_not_declared(self):
        no = UNTAGGED | {"live_migratable": "no"}
        config = host("compute1", no, facts=facts(vf(driver="vfio-pci")))
        self.assertEqual((), self.plan([config], root()).findings)

    def test_a_pf_that_carries_vfs_is_not_reported(self):
        pf = vf(0, "mlx5_core", kind=DeviceKind.PF, parent_address=None, product_id="1019")
        whole = {"address": "0000:81:00.*", "live_migratable": "no"}
        config = host("compute1", whole, reports=True, facts=facts(pf, vf(1)))
        found = self.finding(Kind.DEVICE_WITHOUT_PROVIDER, [config], root())
        self.assertTrue(found.text.startswith("0000:81:00.1: "), found.text)
