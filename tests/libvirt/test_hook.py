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

"""The guard that ``vfio-lm-host hook`` installs, as the destination's real libvirtd runs it."""

from __future__ import annotations

import shutil

from tests.libvirt import base
from vfio_lm.compute.libvirt.errors import HOOK_SCRIPT_FAILED

HOOKS = ("--hooks-dir", "/etc/libvirt/hooks")


class TestGuard(base.LibvirtTestCase):
    """The source's user sees why the destination refused."""

    installed_on = None

    def prepare_hosts(self):
        host = self.destination_host
        installed = host.vfio_lm_host("hook", "install", *HOOKS)
        self.assertEqual(0, installed.returncode, installed.stderr)
        if "kill -HUP" in installed.stdout:
            host.restart_libvirtd()
        type(self).installed_on = host

    @classmethod
    def tearDownClass(cls):
        if cls.installed_on is not None:
            cls.installed_on.vfio_lm_host("hook", "uninstall", *HOOKS)
        super().tearDownClass()

    def assert_refused(self, expected, mapping):
        error = self.migrate_by_libvirt(mapping)
        self.assertIsNotNone(error)
        self.assertIn(expected, error[1])
        self.assertEqual(HOOK_SCRIPT_FAILED, error[0])
        self.assertEqual(["g1"], self.names(self.source))
        self.assertTrue(self.is_running(self.source))
        self.assertNotIn("g1", self.names(self.destination))

    def test_right_devices_pass(self):
        self.start(["0000:65:00.1", "0000:ca:00.1"])
        finished = self.migrate(
            *("--map", "0000:65:00.1=0000:ca:00.1", "--map", "0000:ca:00.1=0000:65:00.1")
        )
        self.assertEqual(3, finished.returncode, finished.stderr)
        wanted = ["0000:ca:00.1", "0000:65:00.1"]
        self.assertEqual((wanted, wanted), self.devices(self.destination))

    def test_the_devices_of_a_server_that_starts_are_claimed(self):
        folder = self.destination_host.folder / "run/vfio-lm/claims"
        shutil.rmtree(folder, ignore_errors=True)
        self.destination.createXML(base.domain_xml(["0000:ca:00.3"]))
        self.assertEqual(["0000:ca:00.3"], [path.name for path in folder.iterdir()])

    def test_a_domain_without_devices_passes(self):
        self.start([])
        self.assertIsNone(self.migrate_by_libvirt({}))

    def test_an_absent_device_is_refused(self):
        self.start(["0000:65:00.1"])
        self.assert_refused(
            f"PCI device {base.ABSENT_VF} does not exist on this host",
            {"0000:65:00.1": base.ABSENT_VF},
        )

    def test_a_busy_device_is_refused(self):
        self.start(["0000:65:00.1"])
        other = base.domain_xml(["0000:ca:00.2"], name="other", uuid=base.UUID[:-1] + "6")
        self.destination.createXML(other)
        self.assert_refused(
            "PCI device 0000:ca:00.2 is in use by domain other", {"0000:65:00.1": "0000:ca:00.2"}
        )

    def test_a_device_on_the_plain_driver_is_refused(self):
        self.start(["0000:65:00.1"])
        tree = self.destination_host.tree
        tree.bind("0000:ca:00.2", "vfio-pci")
        self.addCleanup(tree.bind, "0000:ca:00.2", "mlx5_vfio_pci")
        self.assert_refused(
            "PCI device 0000:ca:00.2 is bound to vfio-pci", {"0000:65:00.1": "0000:ca:00.2"}
        )

    def test_one_device_for_two_is_refused(self):
        self.start(["0000:65:00.1", "0000:65:00.2"])
        self.assert_refused(
            "PCI device 0000:65:00.2 is in the domain XML twice", {"0000:65:00.1": "0000:65:00.2"}
        )

    def test_what_only_the_guard_sees_is_told_by_our_command(self):
        self.start(["0000:65:00.1"])
        # the kernel on the destination says that this device's driver cannot migrate it
        tree = self.destination_host.tree
        tree.debug("0000:ca:00.2")
        self.addCleanup(shutil.rmtree, tree.root / "sys/kernel/debug")
        finished = self.migrate("--map", "0000:65:00.1=0000:ca:00.2")
        self.assertEqual(1, finished.returncode, finished.stdout)
        self.assertIn("PCI device 0000:ca:00.2 cannot be migrated", finished.stderr)
        self.assertIn("domain g1 still runs on the source", finished.stderr)
        self.assertIn("the guard on the destination refused", finished.stderr)
        self.assert_still_on_source()
