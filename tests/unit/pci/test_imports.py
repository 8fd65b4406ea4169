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

"""Who only needs an address does not wait for what reading a nova.conf needs."""

import pkgutil
import subprocess
import sys

import testtools

import vfio_lm.pci

_HEAVY = {"oslo_config", "oslo_utils", "jsonschema", "os_traits", "lxml", "argparse", "pbr"}


class TestImports(testtools.TestCase):
    def test_an_address_needs_nothing_heavy(self):
        script = "import sys, vfio_lm.pci.address; print(*sys.modules)"
        modules = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
        self.assertIn("vfio_lm.pci.address", modules)
        self.assertEqual(set(), _HEAVY & set(modules))

    def test_every_name_of_the_package_is_there(self):
        for name in vfio_lm.pci.__all__:
            self.assertIsNotNone(getattr(vfio_lm.pci, name))

    def test_no_name_of_the_package_is_a_modules_too(self):
        modules = {module.name for module in pkgutil.iter_modules(vfio_lm.pci.__path__)}
        self.assertEqual(set(), modules & set(vfio_lm.pci.__all__))

    def test_a_name_that_is_not_there_is_an_error(self):
        self.assertRaises(AttributeError, getattr, vfio_lm.pci, "PciAdress")
