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

"""The probe tells what is known, says why the rest is not, and opens no device in use."""

from tests import sysfs_tree
from tests.unit.compute.host.probes import VERSIONS, HostDevicesCase, ProbeCase
from vfio_lm.pci.nova_conf import NovaConf


class TestDevices(HostDevicesCase):
    def test_without_addresses_all_that_matter_are_found(self):
        sysfs_tree.plain_function(self.tree, "0000:10:00.0")
        sysfs_tree.plain_function(self.tree, "0000:11:00.0", driver="nouveau")
        found = [str(device.address) for device in self.probe().devices]
        self.assertEqual(["0000:10:00.0", "0000:81:00.0", *self.vfs], found)

    def test_an_address_that_is_given_twice_is_told_once(self):
        self.assertEqual(1, len(self.probe(self.vfs[0], self.vfs[0]).devices))


class TestHost(ProbeCase):
    def test_what_is_known(self):
        sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.options = {
            "run_virsh": lambda: VERSIONS,
            "conf": NovaConf((), {}, None, permit_post_copy=True, downtime_ms=2000),
        }
        facts = self.probe()
        self.assertEqual(self.release, facts.kernel)
        self.assertIs(True, facts.is_iommu_on)
        self.assertEqual(("9.0.1", "7.2.22"), (facts.libvirt_version, facts.qemu_version))
        self.assertEqual((True, 2000), (facts.permits_post_copy, facts.downtime_ms))
        self.assertEqual({}, facts.unknown)

    def test_without_nova_conf_and_libvirt_it_is_unknown(self):
        facts = self.probe()
        self.assertEqual(
            {"libvirt_version", "qemu_version", "permits_post_copy", "downtime_ms"},
            set(facts.unknown),
        )

    def test_a_kernel_without_groups_has_no_iommu_on(self):
        self.assertIs(False, self.probe().is_iommu_on)
