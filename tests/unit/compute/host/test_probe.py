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

"""The probe shows what is known, says why the rest is not, and opens no device in use."""

import os
import shutil

from tests import sysfs_tree
from tests.unit.compute.host.probes import (
    CAPABILITIES,
    UUID,
    VERSIONS,
    BundleCase,
    HostDevicesCase,
    ProbeCase,
)
from vfio_lm.pci import PciAddress
from vfio_lm.pci.nova_conf import NovaConf


class TestDevices(HostDevicesCase):
    def test_without_addresses_all_that_matter_are_found(self):
        sysfs_tree.plain_function(self.tree, "0000:10:00.0")
        sysfs_tree.plain_function(self.tree, "0000:11:00.0", driver="nouveau")
        found = [str(device.address) for device in self.probe().devices]
        self.assertEqual(["0000:10:00.0", "0000:81:00.0", *self.vfs], found)

    def test_an_address_that_is_given_twice_is_told_once(self):
        self.assertEqual(1, len(self.probe(self.vfs[0], self.vfs[0]).devices))


class TestBundleOfLinks(BundleCase):
    def test_links_without_the_folders_are_unknown_and_not_none(self):
        for link in (self.folder / "sys/bus/pci/devices").iterdir():
            target = link.readlink()
            link.unlink()
            link.symlink_to(f"../{target}")
        facts = self.probe()
        self.assertEqual((), facts.devices)
        self.assertIn("copy /sys/devices, too", facts.unknown["devices"])
        self.assertEqual({"0000:60:0b.0", "0000:6b:00.0", *self.vfs}, set(facts.unreadable))

    def test_an_empty_folder_of_devices_is_unknown_and_not_none(self):
        for link in (self.folder / "sys/bus/pci/devices").iterdir():
            link.unlink()
        self.assertIn("is empty", self.probe().unknown["devices"])

    def test_folders_or_files_where_links_were_are_unknown(self):
        folder = self.folder / "sys/bus/pci/devices"
        real = (folder / self.vfs[0]).resolve()
        for vf in self.vfs:
            (folder / vf).unlink()
        shutil.copytree(real, folder / self.vfs[0], symlinks=True)
        (folder / self.vfs[1]).write_text("../../../devices/pci0000:60/0000:60:0b.0/0000:6b:00.2")
        facts = self.probe()
        self.assertEqual(["0000:6b:00.0"], [str(each.address) for each in facts.devices])
        self.assertEqual({*self.vfs}, set(facts.unreadable))
        for why in facts.unreadable.values():
            self.assertIn("is no link: copy /sys with links kept", why)

    def test_a_bundle_without_groups_does_not_tell_whether_the_iommu_is_on(self):
        shutil.rmtree(self.folder / "sys/kernel/iommu_groups")
        facts = self.probe()
        self.assertIsNone(facts.is_iommu_on)
        self.assertIn("holds no sys/kernel/iommu_groups", facts.unknown["is_iommu_on"])


class TestDamage(ProbeCase):
    """Whatever a file has become, the probe ends with facts, and the rest of them is as before."""

    def setUp(self):
        super().setUp()
        self.vf, *others = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.others = [*others, *sysfs_tree.qat(self.tree, "0000:6b:00.0", vfs=1)]
        sysfs_tree.nvidia_vgpu(self.tree, "0000:41:00.0", vgpu_types=(558,))
        self.tree.write("proc/1/comm", "systemd\n")
        self.tree.write("proc/sys/kernel/hostname", "node7\n")
        self.tree.add_libvirt()
        self.tree.hold(self.vf, "instance-00000001", UUID)
        self.tree.debug(self.vf, state="RUNNING", features="stop-copy\n")
        self.tree.open("0000:6b:00.1", 4711, "qemu")

    def damages(self, path):
        """Yield after each damage to a file, a folder or a link, and repair it."""
        aside = self.folder.with_name(f"{self.folder.name}-aside")
        path.rename(aside)
        yield "vanished"
        path.symlink_to(path.name)
        yield "a loop"
        path.unlink()
        path.symlink_to("nowhere/at/all")
        yield "a link to nothing"
        path.unlink()
        path.mkdir()
        yield "an empty folder"
        path.rmdir()
        for damage in (b"", b"0\0", b"\xff\xfe\n"):
            path.write_bytes(damage)
            yield repr(damage)
        path.unlink()
        os.mkfifo(path)
        yield "a pipe"
        path.unlink()
        aside.rename(path)

    def test_a_damaged_function_hides_no_other(self):
        before = self.probe()
        link = self.folder / "sys/bus/pci/devices" / self.vf
        names = ("vendor", "device", "class", "physfn", "driver", "iommu_group", "numa_node")
        for path in (link, *(link.resolve() / name for name in names)):
            for damage in self.damages(path):
                with self.subTest(path=path.name, damage=damage):
                    facts = self.probe()
                    for other in self.others:
                        address = PciAddress.parse(other)
                        self.assertEqual(before.find(address), facts.find(address))
                    found = {*facts.unreadable, *(str(each.address) for each in facts.devices)}
                    self.assertTrue(self.vf in found or (path, damage) == (link, "vanished"))
        self.assertEqual(before, self.probe())

    def test_damage_to_the_files_of_the_host_ends_no_probe(self):
        for name in (
            "proc/sys/kernel/osrelease",
            f"lib/modules/{self.release}/modules.alias",
            "run/libvirt/qemu",
            "run/libvirt/qemu/instance-00000001.xml",
            "proc/4711/fd",
            "proc/4711/fd/10",
            "sys/class/infiniband",
            "sys/class/infiniband/mlx5_0_81/device",
            "sys/class/infiniband/mlx5_0_81/fw_ver",
            "sys/bus/pci/drivers/mlx5_vfio_pci/module",
            "sys/kernel/iommu_groups",
            f"sys/kernel/debug/vfio/{self.vf}/migration/features",
            "sys/bus/vdpa/devices/vdpa0",
        ):
            self.tree.write("sys/bus/vdpa/devices/vdpa1/uevent", "")
            self.tree.link("sys/bus/vdpa/devices/vdpa0", self.tree.device(self.vf))
            path = self.folder / name
            for damage in self.damages(path):
                with self.subTest(path=name, damage=damage):
                    facts = self.probe()
                    self.assertLessEqual(
                        {*self.others},
                        {*facts.unreadable, *(str(each.address) for each in facts.devices)},
                    )

    def test_flags_that_a_driver_always_has_are_known_while_it_is_in_use(self):
        qat = self.probe().find(PciAddress.parse("0000:6b:00.1"))
        self.assertIs(False, qat.is_free)
        self.assertTrue(qat.migration.pre_copy)
        self.assertNotIn("migration", qat.unknown)
        self.assertIn("in use", qat.unknown["logs_dma"])

    def test_a_function_without_readable_ids_is_unknown_with_the_reason(self):
        (self.folder / self.tree.device(self.vf) / "device").write_bytes(b"0x10\0")
        facts = self.probe()
        self.assertIn("device: not a text file", facts.unreadable[self.vf])
        self.assertIn(self.vf, facts.missing_devices)


class TestHost(ProbeCase):
    def test_what_is_known(self):
        sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.options = {
            "show_versions": lambda: VERSIONS,
            "show_capabilities": lambda: CAPABILITIES,
            "conf": NovaConf((), {}, None, permit_post_copy=True, downtime_ms=2000),
        }
        facts = self.probe()
        self.assertEqual(self.release, facts.kernel)
        self.assertIs(True, facts.is_iommu_on)
        self.assertEqual(("9.0.1", "7.2.22"), (facts.libvirt_version, facts.qemu_version))
        self.assertEqual([0, 1], [node.id for node in facts.numa_nodes])
        self.assertEqual((True, 2000), (facts.permits_post_copy, facts.downtime_ms))
        self.assertEqual({}, facts.unknown)

    def test_without_nova_conf_and_libvirt_it_is_unknown(self):
        sysfs_tree.plain_function(self.tree, "0000:10:00.0", driver=None)
        facts = self.probe()
        self.assertEqual(
            {
                "libvirt_version",
                "qemu_version",
                "permits_post_copy",
                "downtime_ms",
                "numa_nodes",
                "timeout_action",
                "parallel_connections",
            },
            set(facts.unknown),
        )

    def test_a_kernel_without_groups_has_no_iommu_on(self):
        self.assertIs(False, self.probe().is_iommu_on)
