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

"""What a driver can do: only a free device is opened; of one in use debugfs is read."""

from tests import sysfs_tree
from tests.unit.compute.host.probes import UUID, BundleCase, HostDevicesCase
from vfio_lm.pci.migratability import MigrationFlags


class TestAbilities(HostDevicesCase):
    def test_a_group_of_which_another_device_is_in_use_is_never_opened(self):
        self.tree.add_function("0000:83:00.0", "15b3", "101e", driver="mlx5_vfio_pci", group=7)
        self.tree.add_function("0000:83:00.1", "15b3", "101e", driver="mlx5_vfio_pci", group=7)
        self.tree.hold("0000:83:00.1", "instance-00000001", UUID)
        device = self.device("0000:83:00.0")
        self.assertEqual([], self.vfio.opened)
        self.assertTrue(device.shares_iommu_group)
        self.assertIn(
            "with 0000:83:00.1, which instance-00000001 uses", device.unknown["migration"]
        )

    def test_a_domain_that_starts_during_the_probe_keeps_its_device(self):
        sysfs_tree.qat(self.tree, "0000:6b:00.0", vfs=1)
        ask = self.vfio.ask_device

        def start_a_domain_and_ask(*device):
            self.tree.hold(self.vfs[0], "instance-00000002", UUID)
            return ask(*device)

        self.vfio.ask_device = start_a_domain_and_ask
        devices = self.probe("0000:6b:00.1", self.vfs[0]).devices
        self.assertEqual(["0000:6b:00.1"], self.vfio.opened)
        self.assertEqual("instance-00000002", devices[1].user.name)

    def test_no_pf_is_advised_to_leave_its_driver(self):
        self.assertEqual(
            "it is bound to mlx5_core, which is no VFIO driver",
            self.device("0000:81:00.0").unknown["migration"],
        )

    def test_a_vf_on_another_driver_is_advised_to_get_the_one_that_this_kernel_has(self):
        self.tree.bind(self.vfs[0], None)
        self.assertEqual(
            "it is bound to no driver: bind it to mlx5_vfio_pci to see",
            self.device(self.vfs[0]).unknown["migration"],
        )

    def test_where_the_kernel_does_not_tell_the_advice_says_so(self):
        self.tree.bind(self.vfs[0], None)
        next(self.folder.rglob("modules.alias")).unlink()
        said = self.device(self.vfs[0]).unknown["migration"]
        self.assertIn("bind it to its variant driver to see, if this kernel has one (", said)
        self.assertIn("modules.alias: cannot be read", said)

    def test_plain_vfio_pci_migrates_nothing_and_need_not_be_opened(self):
        (vf,) = sysfs_tree.nvme(self.tree, "0000:01:00.0")
        device = self.device(vf)
        self.assertEqual(MigrationFlags(), device.migration)
        self.assertIs(False, device.logs_dma)
        self.assertIs(False, device.has_variant_driver)
        self.assertEqual([], self.vfio.opened)

    def test_a_device_on_a_driver_of_the_host_is_free_and_otherwise_unknown(self):
        (vf,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        device = self.device(vf)
        self.assertIs(True, device.is_free)
        self.assertIn("bound to igbvf, which is no VFIO driver", device.unknown["migration"])

    def test_a_kernel_without_the_bitmaps_cannot_log_dma(self):
        self.tree.write(f"boot/config-{self.release}", "# CONFIG_IOMMUFD_DRIVER is not set\n")
        self.assertIs(False, self.device(self.vfs[0]).logs_dma)


class TestAbilitiesInABundle(BundleCase):
    def test_no_device_is_opened_and_that_is_the_reason(self):
        self.tree.write("proc/1/comm", "systemd\n")
        self.tree.add_libvirt()
        device = self.device(self.vfs[0])
        self.assertIn("support bundle cannot be opened", device.unknown["logs_dma"])
