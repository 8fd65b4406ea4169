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

"""Who uses a device, from libvirt's files and /proc; where these are missing it is unknown."""

import os

import fixtures

from tests.unit.compute.host.probes import UUID, BundleCase, HostDevicesCase
from vfio_lm.compute.domain.qemu_arguments import NAMESPACE
from vfio_lm.pci.host_facts import DeviceUser


class TestDeviceUsers(HostDevicesCase):
    def test_a_device_of_a_domain_is_never_opened(self):
        self.tree.hold(self.vfs[0], "instance-00000001", UUID)
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertEqual(DeviceUser("instance-00000001", UUID), device.user)
        self.assertIs(False, device.is_free)
        self.assertIsNone(device.migration)
        self.assertIn("it is in use, so it is not opened", device.unknown["migration"])

    def test_a_device_of_a_server_that_is_shut_off_is_in_use(self):
        self.tree.hold(self.vfs[0], "instance-00000001", UUID, is_running=False)
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertEqual(DeviceUser("instance-00000001", UUID), device.user)

    def test_a_port_of_neutron_is_a_device_of_a_domain_too(self):
        self.tree.hold(self.vfs[0], "instance-00000001", UUID, as_interface=True)
        self.assertEqual("instance-00000001", self.device(self.vfs[0]).user.name)

    def test_a_vf_below_a_macvtap_port_of_neutron_is_in_use(self):
        for folder, head in (("run/libvirt/qemu", "domstatus"), ("etc/libvirt/qemu", None)):
            with self.subTest(folder):
                tree = self.tree
                tree.write(f"{tree.device(self.vfs[0])}/net/ens1f0v0/address", "fa:16:3e:00:00:01")
                domain = (
                    "<domain><name>instance-00000001</name><devices><interface type='direct'>"
                    "<source dev='ens1f0v0' mode='passthrough'/></interface></devices></domain>"
                )
                text = f"<{head}>{domain}</{head}>" if head else domain
                path = tree.write(f"{folder}/instance-00000001.xml", text)
                self.assertEqual("instance-00000001", self.device(self.vfs[0]).user.name)
                self.assertIs(True, self.device(self.vfs[1]).is_free)
                path.unlink()

    def test_a_device_that_a_domain_passes_to_qemu_as_an_argument_is_in_use(self):
        domain = (
            f"<domain xmlns:qemu='{NAMESPACE}'><name>instance-00000001</name>"
            f"<qemu:commandline><qemu:arg value='-device'/>"
            f"<qemu:arg value='vfio-pci,host={self.vfs[0]}'/></qemu:commandline></domain>"
        )
        self.tree.write("run/libvirt/qemu/g1.xml", f"<domstatus>{domain}</domstatus>")
        device = self.device(self.vfs[0])
        self.assertEqual("instance-00000001", device.user.name)
        self.assertEqual([], self.vfio.opened)

    def test_a_device_that_a_process_has_open_is_never_opened(self):
        self.tree.open(self.vfs[0], 4711, "dpdk-testpmd")
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertEqual("dpdk-testpmd (process 4711)", device.user.name)

    def test_a_file_that_is_closed_meanwhile_hides_no_other(self):
        real = os.readlink

        def readlink(path, *args, **options):
            if os.fspath(path).endswith("/fd/10"):
                raise FileNotFoundError(2, "No such file or directory", path)
            return real(path, *args, **options)

        for _ in range(2):
            self.tree.open(self.vfs[0], 4711, "qemu")
        self.useFixture(fixtures.MockPatch("os.readlink", readlink))
        self.assertEqual("qemu (process 4711)", self.device(self.vfs[0]).user.name)

    def test_a_device_whose_users_are_unknown_is_never_opened(self):
        self.tree.write("run/libvirt/qemu/broken.xml", "<domstatus>")
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertIsNone(device.is_free)
        self.assertIn("broken.xml", device.unknown["user"])
        self.assertIn("it may be in use", device.unknown["migration"])


class TestUsersInABundle(BundleCase):
    def test_without_libvirts_files_the_users_are_unknown(self):
        for folder in ("etc/libvirt/qemu", "run/libvirt/qemu"):
            reason = self.device(self.vfs[0]).unknown["user"]
            self.assertIn(f"holds no {folder}", reason)
            (self.folder / folder).mkdir(parents=True)

    def test_without_processes_the_users_are_unknown(self):
        self.tree.add_libvirt()
        self.assertIn("which processes", self.device(self.vfs[0]).unknown["user"])

    def test_a_domains_device_is_known_to_be_in_use_all_the_same(self):
        self.tree.add_libvirt()
        self.tree.hold(self.vfs[0], "instance-00000001", UUID)
        self.assertIs(False, self.device(self.vfs[0]).is_free)
