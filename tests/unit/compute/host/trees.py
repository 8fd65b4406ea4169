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

"""A tree of the kernel's files for a test."""

import pathlib
import tempfile

import testtools

from tests import sysfs_tree
from vfio_lm.compute.host.pci_function import PciFunction
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.pci import PciAddress


class TreeCase(testtools.TestCase):
    """Has a tree of its own."""

    modules_alias = sysfs_tree.MODULES_ALIAS
    release = "6.12.107-amd64"

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.tree = sysfs_tree.SysfsTree(folder.name, self.release, self.modules_alias)
        self.sysfs = Sysfs(folder.name)

    def function(self, address):
        return PciFunction.at(self.sysfs, PciAddress.parse(address))
