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

"""What libvirt says comes with what to do about it; not every text was seen from a real one."""

import testtools

from vfio_lm.compute.libvirt.errors import LibvirtError, way_out

SEEN = {
    "Requested operation is not valid: cannot migrate domain: 0000:65:00.1: VFIO migration is not "
    "supported in kernel": "bind the VF to its variant driver",
    "cannot migrate domain: 0000:65:00.1: VFIO device doesn't support device and IOMMU dirty "
    "tracking": "DMA logging",
    "internal error: unable to execute QEMU command 'migrate': ram_save_setup failed: Operation "
    "not supported": "CONFIG_IOMMUFD_DRIVER",
    "internal error: qemu unexpectedly closed the monitor: vfio 0000:ca:00.2: Could not open "
    "'/dev/vfio/7': Device or resource busy": "name a free device with --map",
    "Requested operation is not valid: PCI device 0000:ca:00.2 is in use by driver QEMU, domain g1":
        "name a free device with --map",
    "Requested operation is not valid: Unmanaged PCI device 0000:ca:00.2 must be manually detached "
    "from the host": "use libvirt 10.0 or later",
    "An error occurred, but the cause is unknown": "does not exist on the destination",
    "XML error: Hostdev already exists in the domain configuration": "give each device its own",
    "Hook script execution failed: internal error: Child process failed": "the guard's own words",
    "unsupported configuration: Target domain memory 1 does not match source 2":
        "find out what changes it",
    "(domain_definition):1: Couldn't find end of Start Tag domain line 1": "not domain XML",
    "unable to connect to server at '10.99.0.2:49152': Connection refused": "49152 to 49215",
    "internal error: qemu unexpectedly closed the monitor: vfio 0000:ca:00.2: error getting "
    "device": "/var/log/libvirt/qemu",
}  # fmt: skip


class TestWayOut(testtools.TestCase):
    def test_each_error_that_was_seen_has_one(self):
        for message, expected in SEEN.items():
            self.assertIn(expected, way_out(message) or "none", message)

    def test_an_error_of_another_kind_has_none(self):
        self.assertIsNone(way_out("internal error: something else"))
        self.assertIsNone(way_out("unsupported configuration: something else"))

    def test_the_text_has_the_action_libvirts_words_and_the_way_out(self):
        message = "An error occurred, but the cause is unknown"
        said = str(LibvirtError("cannot migrate domain g1", 1, message))
        self.assertTrue(
            said.startswith(f"cannot migrate domain g1: libvirt says: {message}: "), said
        )

    def test_without_a_way_out_libvirts_words_are_the_end(self):
        self.assertEqual("asked: libvirt says: no", str(LibvirtError("asked", 1, "no")))
