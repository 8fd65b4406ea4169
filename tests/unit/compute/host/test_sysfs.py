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

"""The kernel's files are read below a root, and never outside of it."""

import os
import tempfile

from tests.unit.compute.host.trees import TreeCase
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.errors import VfioLmError


class TestRoot(TreeCase):
    def test_a_folder_without_a_copy_of_sys_is_refused(self):
        said = str(self.assertRaises(VfioLmError, Sysfs(self.folder / "proc").addresses))
        self.assertIn("holds no copy of its /sys", said)

    def test_domains_beyond_novas_limit_are_apart(self):
        self.tree.add_function("10000:00:00.0", "8086", "0a54")
        self.tree.add_function("0000:00:00.0", "8086", "0a54")
        (self.folder / "sys/bus/pci/devices/._0000:00:00.0").symlink_to("nowhere")
        self.assertEqual(["0000:00:00.0"], [*map(str, self.sysfs.addresses())])
        self.assertEqual(["10000:00:00.0"], self.sysfs.addresses_beyond_nova())

    def test_a_link_that_leads_to_itself_has_no_name(self):
        (self.folder / "proc/loop").symlink_to("loop")
        (self.folder / "proc/nowhere").symlink_to("../nowhere")
        self.assertRaises(NotKnownError, self.sysfs.link, "proc/loop")
        self.assertEqual("nowhere", self.sysfs.link("proc/nowhere"))
        self.assertIsNone(self.sysfs.link("proc/absent"))

    def test_a_nul_is_no_text_and_no_path(self):
        self.tree.write("proc/nul", b"6.12\0\n")
        for name in ("proc/nul", "proc/\0"):
            self.assertRaises(NotKnownError, self.sysfs.text, name)

    def test_links_out_of_a_bundle_are_not_followed(self):
        with tempfile.NamedTemporaryFile() as file:
            os.symlink(file.name, self.folder / "proc/secret")
            self.assertRaises(NotKnownError, self.sysfs.text, "proc/secret")

    def test_the_running_kernel_tells_its_release(self):
        # A read with a large buffer fails here: the kernel would have to allocate it.
        self.assertEqual(os.uname().release, Sysfs("/").release)

    def test_the_kernels_configuration(self):
        self.assertRaises(NotKnownError, self.sysfs.is_built_with, "CONFIG_IOMMUFD_DRIVER")
        self.tree.write(
            f"boot/config-{self.release}",
            "# CONFIG_IOMMUFD_DRIVER is not set\nCONFIG_VFIO=m\nCONFIG_PCI=y\n",
        )
        self.assertFalse(self.sysfs.is_built_with("CONFIG_IOMMUFD_DRIVER"))
        self.assertTrue(self.sysfs.is_built_with("CONFIG_VFIO"))
        self.assertTrue(self.sysfs.is_built_with("CONFIG_PCI"))
