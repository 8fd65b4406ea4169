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

"""What debugfs says of a device in use, and what older kernels leave out."""

from tests.unit.compute.host.probes import UUID, HostDevicesCase
from vfio_lm.compute.host.vfio_debugfs import read_answers
from vfio_lm.pci import PciAddress
from vfio_lm.pci.migratability import MigrationFlags


class TestVfioDebugfs(HostDevicesCase):
    def test_debugfs_tells_of_a_device_in_use(self):
        self.tree.hold(self.vfs[0], "instance-00000001", UUID)
        self.tree.debug(self.vfs[0], state="RUNNING", features="stop-copy\np2p\ndirty-tracking\n")
        device = self.device(self.vfs[0])
        self.assertEqual(MigrationFlags(True, True, False), device.migration)
        self.assertTrue(device.logs_dma)
        self.assertEqual("RUNNING", device.migration_state)
        self.assertIn("only the driver of a free device", device.unknown["state_size_bytes"])

    def test_debugfs_of_an_older_kernel_tells_only_that_it_can_migrate(self):
        self.tree.hold(self.vfs[0], "instance-00000001", UUID)
        self.tree.debug(self.vfs[0], state="ERROR")
        device = self.device(self.vfs[0])
        self.assertIsNone(device.migration)
        self.assertEqual("ERROR", device.migration_state)
        self.assertIn("from Linux 6.18 on", device.unknown["migration"])

    def test_debugfs_without_migration_is_a_no(self):
        self.tree.hold(self.vfs[0], "instance-00000001", UUID)
        self.tree.debug(self.vfs[0])
        device = self.device(self.vfs[0])
        self.assertEqual(MigrationFlags(), device.migration)
        self.assertIn("cannot migrate", device.unknown["migration_state"])

    def test_each_word_of_the_features_is_one_flag(self):
        for word, flags, logs_dma in (
            ("stop-copy", MigrationFlags(stop_copy=True), False),
            ("p2p", MigrationFlags(p2p=True), False),
            ("pre-copy", MigrationFlags(pre_copy=True), False),
            ("dirty-tracking", MigrationFlags(), True),
        ):
            self.tree.debug(self.vfs[0], state="RUNNING", features=f"{word}\n")
            answers = read_answers(self.sysfs, PciAddress.parse(self.vfs[0]))
            self.assertEqual((flags, logs_dma), (answers.migration, answers.logs_dma))
