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

"""Which drivers the kernel names as VFIO's, and for which cards."""

from tests import sysfs_tree
from tests.unit.compute.host.trees import TreeCase
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.host.variant_drivers import VfioDrivers, variant_aliases


class TestVfioDrivers(TreeCase):
    def test_the_kernel_names_its_variant_drivers(self):
        self.assertEqual(
            {"mlx5_vfio_pci", "qat_vfio_pci", "virtio_vfio_pci"},
            {module for _, module in variant_aliases(self.sysfs)},
        )

    def test_each_card(self):
        drivers = VfioDrivers(self.sysfs)
        cases = [
            (sysfs_tree.mlx5(self.tree, "0000:81:00.0")[0], True),
            (sysfs_tree.qat(self.tree, "0000:6b:00.0")[0], True),
            # No alias names it: its node shows.
            (sysfs_tree.nvidia_vgpu(self.tree, "0000:41:00.0")[0], True),
            ("0000:41:00.0", False),
            (sysfs_tree.nvme(self.tree, "0000:01:00.0")[0], False),
            (sysfs_tree.igb(self.tree, "0000:02:00.0", driver=None)[0], False),
            ("0000:02:00.0", False),
        ]
        for address, expected in cases:
            self.assertIs(expected, drivers.is_variant(self.function(address)), address)

    def test_whether_the_kernel_has_one(self):
        drivers = VfioDrivers(self.sysfs)
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0", driver=None)
        (other,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        self.assertTrue(drivers.is_available(self.function(vf)))
        self.assertFalse(drivers.is_available(self.function(other)))

    def test_a_file_that_was_cut_off_is_read_and_an_empty_one_is_none(self):
        (other,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        file = f"lib/modules/{self.release}/modules.alias"
        for text in ("", "# Aliases extracted from modules themselves.\n", "alias vfio_pci:v0"):
            self.tree.write(file, text)
            self.assertIn("has no alias", self.unavailable(other))
        self.tree.write(file, "alias pci:v0* igb\nalias vfio_pci:v00008086d000010CA")
        self.assertFalse(VfioDrivers(self.sysfs).is_available(self.function(other)))

    def test_drivers_that_do_not_announce_their_devices_may_be_for_any(self):
        (vgpu,) = sysfs_tree.nvidia_vgpu(
            self.tree, "0000:41:00.0", vgpu_types=(558,), driver="vfio-pci"
        )
        self.assertIn("NVIDIA", self.unavailable(vgpu))
        (other,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        self.tree.write(
            f"lib/modules/{self.release}/modules.builtin",
            "kernel/drivers/vfio/pci/vfio-pci.ko\n"
            "kernel/drivers/vfio/pci/vfio-pci-core.ko\n"
            "kernel/drivers/vfio/pci/xe/xe-vfio-pci.ko\n",
        )
        self.assertIn("xe-vfio-pci is built into the kernel", self.unavailable(other))

    def unavailable(self, address):
        drivers = VfioDrivers(self.sysfs)
        return str(self.assertRaises(NotKnownError, drivers.is_available, self.function(address)))

    def test_plain_vfio_pci_is_a_vfio_driver_and_no_variant(self):
        (vf,) = sysfs_tree.nvme(self.tree, "0000:01:00.0")
        self.assertTrue(VfioDrivers(self.sysfs).is_vfio(self.function(vf)))


class TestOldKernelWithoutAliases(TreeCase):
    modules_alias = None
    release = "5.15.0-91-generic"

    def test_what_cannot_be_told_is_unknown(self):
        sysfs_tree.igb(self.tree, "0000:02:00.0")
        drivers = VfioDrivers(self.sysfs)
        self.assertRaises(NotKnownError, drivers.is_variant, self.function("0000:02:00.0"))

    def test_no_driver_is_no_variant_driver(self):
        (vf,) = sysfs_tree.igb(self.tree, "0000:02:00.0", driver=None)
        self.assertFalse(VfioDrivers(self.sysfs).is_variant(self.function(vf)))


class TestNewKernelWithoutAliases(TreeCase):
    modules_alias = None

    def test_the_nodes_tell(self):
        vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        drivers = VfioDrivers(self.sysfs)
        self.assertTrue(drivers.is_variant(self.function(vfs[0])))
        self.assertFalse(drivers.is_variant(self.function("0000:81:00.0")))
