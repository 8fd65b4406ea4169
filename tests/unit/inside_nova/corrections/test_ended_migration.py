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

"""The trial sees whether an error is raised again that was rolled back already."""

import os

import testtools

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova.virt.libvirt import driver

from vfio_lm.inside_nova.corrections.ended_migration import CORRECTION


class TestEndedMigration(testtools.TestCase):
    def test_the_installed_one_raises_the_error(self):
        self.assertFalse(CORRECTION.is_right(driver.LibvirtDriver._live_migration))

    def test_the_corrected_one_does_not(self):
        corrected = CORRECTION.corrected(driver.LibvirtDriver._live_migration)
        self.assertTrue(CORRECTION.is_right(corrected))

    def test_one_that_does_not_monitor_is_not_known(self):
        def other(self, *args):
            return None

        self.assertRaises(TypeError, CORRECTION.is_right, other)
