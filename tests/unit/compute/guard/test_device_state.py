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

"""The guard sees a device as this host's files tell of it; what they do not tell is an error."""

from __future__ import annotations

import os

from tests import sysfs_tree
from tests.unit.compute import domains
from tests.unit.compute.host.trees import TreeCase
from vfio_lm.compute.guard.device_state import DeviceState, GuardView
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.layout.folders import IN_SNAP
from vfio_lm.pci import PciAddress
from vfio_lm.pci.migratability import MigrationFlags

OTHER_UUID = "6cfa5dbf-7c4e-45c5-9d1c-6f6b7e1b9a4e"


class TestLook(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.tree.add_libvirt()

    def test_without_libvirts_status_files_it_is_unknown_who_has_it(self) -> None:
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        (self.folder / "run/libvirt/qemu").rmdir()
        error = self.assertRaises(NotKnownError, self.look, vf)
        self.assertIn("run/libvirt/qemu does not exist", str(error))

    def test_the_status_files_of_the_snap(self) -> None:
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        (self.folder / "run/libvirt/qemu").rmdir()
        (self.folder / IN_SNAP.status.lstrip("/")).parent.mkdir(parents=True)
        self.tree.hold(vf, "instance-00000001", OTHER_UUID)
        (self.folder / "run/libvirt/qemu").rename(self.folder / IN_SNAP.status.lstrip("/"))
        self.assertEqual("instance-00000001", self.look(vf).user)

    def look(self, address: str) -> DeviceState:
        return GuardView(str(self.folder)).look(PciAddress.parse(address), domains.UUID)

    def test_a_device_on_its_variant_driver(self) -> None:
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.assertEqual(
            DeviceState(
                exists=True,
                driver="mlx5_vfio_pci",
                has_variant_driver=True,
                is_variant_driver_available=True,
            ),
            self.look(vf),
        )

    def test_none(self) -> None:
        self.assertEqual(DeviceState(exists=False), self.look("0000:81:00.0"))

    def test_the_driver_that_the_kernel_has_for_it(self) -> None:
        for driver in (None, "mlx5_core", "vfio-pci"):
            vf, _ = sysfs_tree.mlx5(self.tree, f"0000:8{len(driver or '')}:00.0", driver=driver)
            seen = self.look(vf)
            self.assertEqual((driver, False), (seen.driver, seen.has_variant_driver))
            self.assertEqual("mlx5_vfio_pci", seen.offered_driver)
        (vf,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        seen = self.look(vf)
        self.assertEqual((None, False), (seen.offered_driver, seen.is_variant_driver_available))

    def test_a_kernel_that_does_not_list_its_drivers(self) -> None:
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0", driver="vfio-pci")
        next(self.folder.rglob("modules.alias")).unlink()
        seen = self.look(vf)
        self.assertEqual((None, None), (seen.offered_driver, seen.is_variant_driver_available))

    def test_what_debugfs_says_of_its_migration(self) -> None:
        can, cannot = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.assertIsNone(self.look(can).migration)
        self.tree.debug(can, state="RUNNING")
        self.tree.debug(cannot)
        self.assertIsNone(self.look(can).migration)
        self.assertEqual(MigrationFlags(), self.look(cannot).migration)

    def test_a_vf_without_a_vgpu(self) -> None:
        vfs = sysfs_tree.nvidia_vgpu(self.tree, "0000:41:00.0", vgpu_types=(558, 0))
        self.assertEqual([False, True], [self.look(vf).lacks_vgpu for vf in vfs])

    def test_another_domain_has_it(self) -> None:
        vf, other = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.tree.hold(vf, "instance-00000007", OTHER_UUID, as_interface=True)
        self.tree.hold(other, "guest", domains.UUID)
        self.assertEqual("instance-00000007", self.look(vf).user)
        self.assertIsNone(self.look(other).user)

    def test_another_domain_has_it_by_an_argument(self) -> None:
        vf, other = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        text = (
            "<domstatus><domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
            "<name>g2</name><qemu:commandline>"
            f"<qemu:arg value='vfio-pci,host={vf[5:]}'/></qemu:commandline></domain></domstatus>"
        )
        self.tree.write("run/libvirt/qemu/g2.xml", text)
        self.assertEqual("g2", self.look(vf).user)
        self.assertIsNone(self.look(other).user)

    def test_a_domain_that_is_only_defined_does_not_have_it(self) -> None:
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.tree.hold(vf, "instance-00000007", OTHER_UUID, is_running=False)
        self.assertIsNone(self.look(vf).user)

    def test_what_cannot_be_told_is_an_error(self) -> None:
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        path = self.tree.write("run/libvirt/qemu/g2.xml", f"<domstatus>{vf[5:]} <hostdev")
        error = self.assertRaises(NotKnownError, self.look, vf)
        self.assertIn(f"cannot tell whether PCI device {vf} is free: {path}: ", str(error))
        path.unlink()
        os.mkfifo(path)
        error = self.assertRaises(NotKnownError, self.look, vf)
        self.assertEqual(f"{path}: is a pipe, not a regular file", str(error))
