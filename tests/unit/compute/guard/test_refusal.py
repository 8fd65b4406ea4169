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

"""Which states of a device keep a server from coming, and what is said about each."""

from __future__ import annotations

import testtools

from tests.unit.compute import domains
from vfio_lm.compute.domain.devices import read_devices
from vfio_lm.compute.guard.device_state import DeviceState
from vfio_lm.compute.guard.refusal import refusals
from vfio_lm.pci import PciAddress
from vfio_lm.pci.migratability import MigrationFlags

A, B = "0000:81:00.1", "0000:81:00.2"
_GOOD = DeviceState(exists=True, driver="mlx5_vfio_pci", has_variant_driver=True)


def state(**changes: object) -> DeviceState:
    return DeviceState(**{"exists": True, "driver": None} | changes)  # type: ignore[arg-type]


class TestRefusals(testtools.TestCase):
    def said(
        self, *states: DeviceState, addresses: tuple[str, ...] = (A,), managed: bool = False
    ) -> list[str]:
        xml = domains.domain(*addresses).xml()
        if managed:
            xml = xml.replace("managed='no'", "managed='yes'")
        known = dict(zip(map(PciAddress.parse, addresses), states, strict=True))
        return list(refusals(read_devices(xml.encode()), known.__getitem__))

    def test_a_device_that_can_take_it(self) -> None:
        self.assertEqual([], self.said(_GOOD))

    def test_each_reason(self) -> None:
        plain = {"driver": "vfio-pci", "offered_driver": "qat_vfio_pci"}
        for expected, one in (
            ("does not exist on this host: map it to another one", DeviceState(exists=False)),
            ("is in use by domain g2", state(has_variant_driver=True, user="g2")),
            ("is bound to vfio-pci, which cannot migrate a device: bind it to qat", state(**plain)),
            (
                "is bound to igbvf, which is no VFIO driver: this kernel has no variant driver",
                state(driver="igbvf", is_variant_driver_available=False),
            ),
            (
                "is bound to igbvf, which is no VFIO driver: bind it to its variant driver, if",
                state(driver="igbvf"),
            ),
            ("is bound to no driver: bind it to mlx5", state(offered_driver="mlx5_vfio_pci")),
            (
                "cannot be migrated, says its driver x: look at the device's firmware",
                state(driver="x", has_variant_driver=True, migration=MigrationFlags()),
            ),
            (
                "has no vGPU type: write one",
                state(driver="nvidia", has_variant_driver=True, lacks_vgpu=True),
            ),
        ):
            (said,) = self.said(one)
            self.assertTrue(said.startswith(f"PCI device {A} {expected}"), said)

    def test_what_libvirt_binds_itself_is_no_reason(self) -> None:
        unbound = state(driver="mlx5_core", offered_driver="mlx5_vfio_pci")
        self.assertEqual([], self.said(unbound, managed=True))
        self.assertEqual(1, len(self.said(unbound)))
        # but from the plain driver it takes no device away, and where there is no driver it cannot
        without = state(driver="igbvf", is_variant_driver_available=False)
        self.assertEqual(1, len(self.said(without, managed=True)))
        self.assertEqual([], self.said(state(driver="igbvf"), managed=True))
        plain = state(driver="vfio-pci", offered_driver="qat_vfio_pci")
        self.assertEqual(1, len(self.said(plain, managed=True)))

    def test_each_device_has_its_reason(self) -> None:
        absent = DeviceState(exists=False)
        self.assertEqual(2, len(self.said(absent, absent, addresses=(A, B))))
        (said,) = self.said(_GOOD, absent, addresses=(A, B))
        self.assertIn(B, said)

    def test_a_device_twice(self) -> None:
        (said,) = self.said(_GOOD, _GOOD, addresses=(A, A))
        self.assertEqual(f"PCI device {A} is in the domain XML twice", said)

    def test_a_device_in_an_argument_is_looked_at_as_well(self) -> None:
        argument = f"<qemu:arg value='vfio-pci,host={B}'/>"
        xml = domains.domain().xml().replace("<qemu:commandline>", f"<qemu:commandline>{argument}")
        devices = read_devices(xml.encode())
        self.assertEqual([], list(refusals(devices, lambda _: _GOOD)))
        (said,) = refusals(devices, lambda _: DeviceState(exists=False))
        self.assertIn(f"PCI device {B} does not exist", said)
