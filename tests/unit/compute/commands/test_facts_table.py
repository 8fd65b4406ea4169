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

"""The table of ``vfio-lm-host probe`` shows what decides, and says what is in the way."""

import json

from tests import sysfs_tree
from tests.unit.compute.host.probes import NOW, HostDevicesCase
from tests.unit.compute.libvirt.devices import device
from tests.unit.preflight.scenario import conf
from vfio_lm.compute.commands.facts_table import format_facts
from vfio_lm.pci import DeviceKind
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.migratability import MigrationFlags

# What Talos 1.11 ships: no VFIO variant driver at all.
_WITHOUT_VARIANTS = """\
alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci
alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core
"""


def table(*devices, specs=()):
    facts = HostFacts("host1", NOW, devices)
    return format_facts(facts, Host(conf=conf(*specs), facts=facts))


def obstacles(text):
    """Return the lines that say why devices cannot be live migrated."""
    _, _, after = text.partition("Cannot be live migrated:\n")
    return [line.strip() for line in after.partition("\n\n")[0].splitlines()]


class TestColumns(HostDevicesCase):
    def test_firmware_variant_driver_and_devlink_are_columns(self):
        port = {"flavour": "pcivf", "pfnum": 0, "vfnum": 0, "function": {"migratable": "disable"}}
        ports = {"port": {"pci/0000:81:00.0/1": port}}
        self.options["show_ports"] = lambda: json.dumps(ports)
        text = table(self.device(self.vfs[0]))
        header, row, *_ = text.partition("\n\n")[2].splitlines()
        header, row = header.split(), row.split()
        self.assertEqual(["Firmware", "Devlink", "Migratable"], header[-3:])
        self.assertEqual(["28.39.1002", "no"], row[-2:])
        self.assertIn("mlx5_vfio_pci  yes", text)
        self.assertEqual(["0000:81:00.1: is not set migratable in devlink"], obstacles(text))

    def test_a_vgpu_type_is_a_column_of_hosts_that_have_some(self):
        vfs = sysfs_tree.nvidia_vgpu(self.tree, "0000:41:00.0", vgpu_types=(558, 0))
        text = table(*map(self.device, vfs))
        self.assertIn("vGPU Type", text)
        self.assertRegex(text, "(?m)^0000:41:00.4 .* 558$")
        self.assertRegex(text, "(?m)^0000:41:00.5 .* 0$")
        self.assertEqual(["0000:41:00.5: has no vGPU type"], obstacles(text))
        self.assertNotIn("Firmware", text)
        self.assertNotIn("Devlink", text)
        self.assertNotIn("vGPU", table(self.device(self.vfs[0])))


class TestObstacles(HostDevicesCase):
    modules_alias = _WITHOUT_VARIANTS
    release = "6.18.34-talos"

    def test_a_kernel_without_variant_driver_is_no_reason_to_bind_one(self):
        for vf, driver in zip(self.vfs, ("vfio-pci", None), strict=True):
            self.tree.bind(vf, driver)
        pf = self.device("0000:81:00.0")
        text = table(pf, *map(self.device, self.vfs))
        self.assertEqual(
            [
                "0000:81:00.1: is bound to vfio-pci, and this kernel has no variant driver for it",
                "0000:81:00.2: is bound to no driver, and this kernel has no variant driver for it",
            ],
            obstacles(text),
        )
        self.assertNotIn("bind it", text)
        self.assertIn(
            "this kernel (6.18.34-talos) has no variant driver for 15b3:101e",
            self.device(self.vfs[1]).unknown["migration"],
        )
        self.assertEqual(3, sum("  no  " in line for line in text.splitlines()))

    def test_what_libvirt_binds_itself_is_no_obstacle_but_with_managed_no(self):
        unbound = device(
            "0000:81:00.1", driver=None, has_variant_driver=False, migration=None,
            is_variant_driver_available=True,
        )  # fmt: skip
        self.assertEqual([], obstacles(table(unbound)))
        said = obstacles(table(unbound, specs=[{"vendor_id": "15b3", "managed": "no"}]))
        self.assertEqual(
            ["0000:81:00.1: is bound to no driver, and libvirt leaves it there (managed is no)"],
            said,
        )

    def test_devices_with_one_obstacle_are_one_line(self):
        lame = [
            device(f"0000:81:00.{n}", has_variant_driver=True, migration=MigrationFlags())
            for n in range(1, 7)
        ]
        (said,) = obstacles(table(*lame))
        self.assertTrue(
            said.startswith("0000:81:00.1, 0000:81:00.2, 0000:81:00.3, 0000:81:00.4 and 2")
        )
        self.assertTrue(
            said.endswith("has driver mlx5_vfio_pci, which cannot save its state (STOP_COPY)")
        )

    def test_a_pf_for_its_vfs_and_a_device_that_can_are_not_named(self):
        pf = device(
            "0000:81:00.0",
            kind=DeviceKind.PF,
            driver="mlx5_core",
            migration=None,
            has_variant_driver=False,
            is_variant_driver_available=False,
        )
        self.assertNotIn("Cannot", table(pf, device("0000:81:00.1", has_variant_driver=True)))
