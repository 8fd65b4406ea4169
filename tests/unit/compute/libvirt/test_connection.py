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

"""What libvirt's descriptions say, and what is said where libvirt-python is missing."""

import sys
from unittest import mock

import testtools

from vfio_lm.compute.libvirt.connection import connected, is_novas, parse_node_device
from vfio_lm.errors import VfioLmError
from vfio_lm.pci import PciAddress

#: libvirt 9.0, shortened
VF = """\
<device>
  <name>pci_0000_65_00_1</name>
  <path>/sys/devices/pci0000:60/0000:60:05.0/0000:65:00.1</path>
  <driver><name>mlx5_vfio_pci</name></driver>
  <capability type='pci'>
    <class>0x020000</class>
    <domain>0</domain>
    <bus>101</bus>
    <slot>0</slot>
    <function>1</function>
    <product id='0x101e'/>
    <vendor id='0x15b3'>Mellanox Technologies</vendor>
    <capability type='phys_function'>
      <address domain='0x0000' bus='0x65' slot='0x00' function='0x0'/>
    </capability>
  </capability>
</device>
"""


class TestNodeDevice(testtools.TestCase):
    def test_a_vf(self):
        device = parse_node_device(VF)
        self.assertEqual(PciAddress.parse("0000:65:00.1"), device.address)
        self.assertEqual(("15b3:101e", "mlx5_vfio_pci"), (device.ids, device.driver))

    def test_a_device_without_driver(self):
        text = VF.replace("<driver><name>mlx5_vfio_pci</name></driver>", "")
        self.assertIsNone(parse_node_device(text).driver)

    def test_a_device_beyond_novas_limits_is_left_out(self):
        text = VF.replace("<domain>0</domain>", "<domain>65536</domain>")
        self.assertIsNone(parse_node_device(text))

    def test_something_else_than_a_pci_device(self):
        self.assertIsNone(parse_node_device("<device><name>computer</name></device>"))


class TestNovas(testtools.TestCase):
    def test_novas_metadata_of_any_version(self):
        for version in ("1.0", "1.1", "2.0"):
            xml = (
                "<domain><metadata><nova:instance "
                f"xmlns:nova='http://openstack.org/xmlns/libvirt/nova/{version}'/>"
                "</metadata></domain>"
            )
            self.assertTrue(is_novas(xml))

    def test_others_metadata(self):
        for metadata in ("", "<a:b xmlns:a='http://libosinfo.org/xmlns/libvirt/domain/1.0'/>"):
            self.assertFalse(is_novas(f"<domain><metadata>{metadata}</metadata></domain>"))


class TestWithoutLibvirtPython(testtools.TestCase):
    def test_the_extra_is_named(self):
        with mock.patch.dict(sys.modules, {"libvirt": None}):
            error = self.assertRaises(VfioLmError, connected("qemu:///system").__enter__)
        self.assertIn("openstack-vfio-lm with its extra [compute]", str(error))
