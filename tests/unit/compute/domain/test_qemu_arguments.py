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

"""VFIO devices in QEMU's arguments, in each way in which QEMU takes them."""

from __future__ import annotations

import testtools
from hypothesis import given
from hypothesis import strategies as st

from vfio_lm.compute.domain.qemu_arguments import device_of_argument, device_of_property

_VF = "0000:81:00.1"


class TestArgument(testtools.TestCase):
    def test_each_form(self) -> None:
        for text in (
            f"vfio-pci,host={_VF}",
            "vfio-pci,host=81:00.1,x-igd-opregion=on",
            f"vfio-pci-nohotplug,id=a,host={_VF}",
            f"driver=vfio-pci,host={_VF}",
            f"device.hostdev0.host={_VF}",
            f"device.hostdev0.sysfsdev=/sys/bus/pci/devices/{_VF}",
            f"vfio-pci.host={_VF}",
            f"vfio-pci,sysfsdev=/sys/bus/pci/devices/{_VF}",
            f"vfio-pci,sysfsdev=/sys/bus/pci/devices/{_VF}/,id=a",
            f'{{"driver": "vfio-pci", "host": "{_VF}", "id": "a"}}',
            f' {{"id":"a","driver":"vfio-pci","host":"{_VF}"}}',
        ):
            found = device_of_argument(text)
            assert found is not None, text
            self.assertEqual((_VF, text), (str(found.address), found.text))
            self.assertEqual(_VF, str(found))

    def test_a_device_that_is_not_named_as_an_address(self) -> None:
        for text in (
            "vfio-pci",
            "vfio-pci,host=zz",
            "vfio-pci,sysfsdev=/sys/bus/mdev/devices/c7a5fdbd-edaf-9455-926a-d65c16db1809",
            '{"driver":"vfio-pci"}',
            f"{{'driver':'vfio-pci','host':'{_VF}'}}",
            '{"driver":"vfio-pci"',
        ):
            found = device_of_argument(text)
            assert found is not None, text
            self.assertIsNone(found.address)
            self.assertEqual(text, str(found))

    def test_other_arguments(self) -> None:
        for text in (
            "-device",
            "virtio-net,host=81:00.1",
            "device.hostdev0.x-no-mmap=on",
            "virtio-net.host=81:00.1",
            "",
            "{}",
            '-device "vfio-pci,host=x"',
        ):
            self.assertIsNone(device_of_argument(text))

    def test_a_property_that_replaces_the_device_of_a_hostdev(self) -> None:
        found = device_of_property("host", _VF)
        self.assertEqual(_VF, str(found and found.address))
        self.assertIsNone(device_of_property("x-no-mmap", "true"))

    @given(st.text(max_size=40))
    def test_anything(self, text: str) -> None:
        for each in (text, f"vfio-pci,{text}", f'{{"driver":"vfio-pci",{text}'):
            device_of_argument(each)
