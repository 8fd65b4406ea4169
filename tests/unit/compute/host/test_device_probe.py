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

"""The facts of one device: each value that is not known has its reason."""

from tests import sysfs_tree
from tests.unit.compute.host.probes import FULL, HostDevicesCase
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.host.vfio import DeviceBusyError


class TestDeviceProbe(HostDevicesCase):
    def test_a_free_device_is_asked(self):
        device = self.device(self.vfs[0])
        self.assertEqual(FULL.migration, device.migration)
        self.assertTrue(device.logs_dma)
        self.assertEqual(1 << 20, device.state_size_bytes)
        self.assertIs(True, device.is_free)
        self.assertTrue(device.has_variant_driver)
        self.assertFalse(device.shares_iommu_group)
        self.assertEqual("28.39.1002", device.firmware)

    def test_a_device_that_turns_out_busy_is_in_use_by_somebody_unseen(self):
        self.vfio.error = DeviceBusyError("/dev/vfio/40 is in use")
        device = self.device(self.vfs[0])
        self.assertEqual([self.vfs[0]], self.vfio.opened)
        self.assertIs(False, device.is_free)
        self.assertIsNone(device.migration)

    def test_a_device_that_cannot_be_opened_is_unknown_with_the_reason(self):
        self.vfio.error = NotKnownError("/dev/vfio/40 cannot be opened: Permission denied")
        device = self.device(self.vfs[0])
        for name in ("migration", "logs_dma", "state_size_bytes"):
            self.assertEqual(str(self.vfio.error), device.unknown[name])

    def test_a_vf_whose_pf_cannot_be_read_is_there(self):
        link = self.folder / self.tree.device(self.vfs[0]) / "physfn"
        link.unlink()
        link.mkdir()
        device = self.device(self.vfs[0])
        self.assertIsNone(device.parent_address)
        self.assertIn("is no link", device.unknown["parent_address"])

    def test_a_vf_without_port_is_unknown_to_devlink(self):
        self.options["show_ports"] = lambda: '{"port": {}}'
        self.assertIn("switchdev", self.device(self.vfs[0]).unknown["is_devlink_migratable"])

    def test_other_cards_have_no_such_attribute(self):
        (vf,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        device = self.device(vf)
        self.assertIsNone(device.is_devlink_migratable)
        self.assertNotIn("is_devlink_migratable", device.unknown)

    def test_a_pf_has_no_such_attribute(self):
        device = self.device("0000:81:00.0")
        self.assertIsNone(device.is_devlink_migratable)
        self.assertNotIn("is_devlink_migratable", device.unknown)
