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

"""What the kernel's files tell of PCI functions, on trees like those of real cards."""

from tests import sysfs_tree
from tests.unit.compute.host.trees import TreeCase
from vfio_lm.compute.host.pci_function import NoSuchDeviceError
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci import DeviceKind, PciAddress


class TestFunctions(TreeCase):
    def test_a_pf_and_its_vfs(self):
        vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0", numa_node=1)
        pf, vf = self.function("0000:81:00.0"), self.function(vfs[0])
        self.assertIs(DeviceKind.PF, pf.kind)
        self.assertIs(DeviceKind.VF, vf.kind)
        self.assertEqual(pf.address, vf.parent_address)
        self.assertEqual(
            {0: PciAddress.parse(vfs[0]), 1: PciAddress.parse(vfs[1])}, pf.vf_addresses
        )
        self.assertEqual(("15b3", "101e"), (vf.vendor_id, vf.product_id))
        self.assertEqual(1, vf.numa_node)
        self.assertEqual("mlx5_core", pf.driver)
        self.assertEqual(1, len(pf.interfaces))

    def test_a_pf_without_vfs_is_a_pf(self):
        sysfs_tree.mlx5(self.tree, "0000:81:00.0", vfs=0)
        self.assertIs(DeviceKind.PF, self.function("0000:81:00.0").kind)

    def test_a_function_without_sriov(self):
        sysfs_tree.plain_function(self.tree, "0000:10:00.0")
        function = self.function("0000:10:00.0")
        self.assertIs(DeviceKind.PCI, function.kind)
        self.assertIsNone(function.parent_address)

    def test_no_numa_node_is_none_and_not_minus_one(self):
        (vf,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        self.assertEqual("0000:02:10.0", vf)
        self.assertIsNone(self.function(vf).numa_node)

    def test_a_vf_that_is_used_through_vdpa(self):
        vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        folder = f"{self.tree.device(vfs[0])}/vdpa0"
        self.tree.write(f"{folder}/uevent", "")
        self.tree.link("sys/bus/vdpa/devices/vdpa0", folder)
        self.assertIs(DeviceKind.VDPA, self.function(vfs[0]).kind)
        self.assertIs(DeviceKind.VF, self.function(vfs[1]).kind)

    def test_a_vf_without_a_vgpu_has_type_zero(self):
        vfs = sysfs_tree.nvidia_vgpu(self.tree, "0000:41:00.0", vgpu_types=(558, 0))
        self.assertEqual(["558", "0"], [self.function(vf).vgpu_type for vf in vfs])

    def test_bridges_of_a_group_do_not_count(self):
        add = self.tree.add_function
        add("0000:00:1c.0", "8086", "347a", class_code="060400", group=7)
        add("0000:00:1d.0", "10de", "1eb8", group=7)
        self.assertEqual([], self.function("0000:00:1d.0").group_members)
        add("0000:00:1d.1", "10de", "10f8", group=7)
        (member,) = self.function("0000:00:1d.0").group_members
        self.assertEqual("0000:00:1d.1", str(member.address))

    def test_without_a_group_it_is_unknown_whether_it_is_shared(self):
        self.tree.add_function("0000:00:1d.0", "10de", "1eb8", has_group=False)
        function = self.function("0000:00:1d.0")
        self.assertIsNone(function.iommu_group)
        self.assertRaises(NotKnownError, lambda: function.group_members)

    def test_an_address_without_device_is_refused_with_a_way_out(self):
        said = str(self.assertRaises(NoSuchDeviceError, self.function, "0000:99:00.0"))
        self.assertIn("0000:99:00.0", said)
        self.assertIn("without addresses", said)

    def test_a_driver_that_is_no_link_is_unknown_and_not_absent(self):
        sysfs_tree.plain_function(self.tree, "0000:10:00.0", driver=None)
        (self.folder / self.tree.device("0000:10:00.0") / "driver").mkdir()
        self.assertRaises(NotKnownError, lambda: self.function("0000:10:00.0").driver)
