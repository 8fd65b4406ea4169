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

import datetime
import json

from nova.conf import libvirt as nova_libvirt

from tests import sysfs_tree
from tests.unit.compute.host.trees import TreeCase
from vfio_lm.compute.host.probe import HostProbe
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.host.vfio import DeviceAnswers, DeviceBusyError
from vfio_lm.pci import PciAddress
from vfio_lm.pci.host_facts import DeviceUser, parse_host_facts
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.pci.nova_conf import NovaConf

_NOW = datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC)
_UUID = "5b6e5350-0000-4000-8000-000000000001"
_FULL = DeviceAnswers(MigrationFlags(True, True, True), logs_dma=True, state_size_bytes=1 << 20)
_VERSIONS = """\
Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.22
Running against daemon: 9.0.1
"""


class FakeDevices:
    """Answers for every device, and notes which were opened."""

    def __init__(self, answers=_FULL, error=None):
        self.answers = answers
        self.error = error
        self.opened = []

    def ask_device(self, address, group, node):
        self.opened.append(str(address))
        if self.error:
            raise self.error
        return self.answers


class ProbeCase(TreeCase):
    def setUp(self):
        super().setUp()
        self.vfio = FakeDevices()
        self.options = {}

    def probe(self, *addresses):
        probe = HostProbe(self.sysfs, vfio=self.vfio, **self.options)
        facts = probe.host("host1", _NOW, [PciAddress.parse(each) for each in addresses])
        self.assertEqual(facts, parse_host_facts(facts.to_json(), "here"))
        return facts

    def device(self, address):
        (facts,) = self.probe(address).devices
        return facts

    def add_libvirts_folders(self):
        for folder in ("etc/libvirt/qemu", "run/libvirt/qemu"):
            (self.folder / folder).mkdir(parents=True)


class TestDevices(ProbeCase):
    def setUp(self):
        super().setUp()
        self.vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        # Without any process, nobody can be ruled out.
        self.tree.write("proc/1/comm", "systemd\n")
        self.add_libvirts_folders()

    def test_a_free_device_is_asked(self):
        device = self.device(self.vfs[0])
        self.assertEqual(_FULL.migration, device.migration)
        self.assertTrue(device.logs_dma)
        self.assertEqual(1 << 20, device.state_size_bytes)
        self.assertIs(True, device.is_free)
        self.assertTrue(device.has_variant_driver)
        self.assertFalse(device.shares_iommu_group)
        self.assertEqual("28.39.1002", device.firmware)

    def test_a_device_of_a_domain_is_never_opened(self):
        self.tree.hold(self.vfs[0], "instance-00000001", _UUID)
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertEqual(DeviceUser("instance-00000001", _UUID), device.user)
        self.assertIs(False, device.is_free)
        self.assertIsNone(device.migration)
        self.assertIn("it is in use, so it is not opened", device.unknown["migration"])

    def test_a_device_of_a_server_that_is_shut_off_is_in_use(self):
        self.tree.hold(self.vfs[0], "instance-00000001", _UUID, is_running=False)
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertEqual(DeviceUser("instance-00000001", _UUID), device.user)

    def test_a_port_of_neutron_is_a_device_of_a_domain_too(self):
        self.tree.hold(self.vfs[0], "instance-00000001", _UUID, as_interface=True)
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

    def test_a_device_that_a_process_has_open_is_never_opened(self):
        self.tree.open(self.vfs[0], 4711, "dpdk-testpmd")
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertEqual("dpdk-testpmd (process 4711)", device.user.name)

    def test_a_device_whose_users_are_unknown_is_never_opened(self):
        self.tree.write("run/libvirt/qemu/broken.xml", "<domstatus>")
        device = self.device(self.vfs[0])
        self.assertEqual([], self.vfio.opened)
        self.assertIsNone(device.is_free)
        self.assertIn("broken.xml", device.unknown["user"])
        self.assertIn("it may be in use", device.unknown["migration"])

    def test_a_group_of_which_another_device_is_in_use_is_never_opened(self):
        self.tree.add_function("0000:83:00.0", "15b3", "101e", driver="mlx5_vfio_pci", group=7)
        self.tree.add_function("0000:83:00.1", "15b3", "101e", driver="mlx5_vfio_pci", group=7)
        self.tree.hold("0000:83:00.1", "instance-00000001", _UUID)
        device = self.device("0000:83:00.0")
        self.assertEqual([], self.vfio.opened)
        self.assertTrue(device.shares_iommu_group)
        self.assertIn(
            "with 0000:83:00.1, which instance-00000001 uses", device.unknown["migration"]
        )

    def test_a_device_that_turns_out_busy_is_in_use_by_somebody_unseen(self):
        self.vfio.error = DeviceBusyError("/dev/vfio/40 is in use")
        device = self.device(self.vfs[0])
        self.assertEqual([self.vfs[0]], self.vfio.opened)
        self.assertIs(False, device.is_free)
        self.assertIsNone(device.migration)

    def test_a_domain_that_starts_during_the_probe_keeps_its_device(self):
        sysfs_tree.qat(self.tree, "0000:6b:00.0", vfs=1)
        ask = self.vfio.ask_device

        def start_a_domain_and_ask(*device):
            self.tree.hold(self.vfs[0], "instance-00000002", _UUID)
            return ask(*device)

        self.vfio.ask_device = start_a_domain_and_ask
        devices = self.probe("0000:6b:00.1", self.vfs[0]).devices
        self.assertEqual(["0000:6b:00.1"], self.vfio.opened)
        self.assertEqual("instance-00000002", devices[1].user.name)

    def test_no_pf_is_advised_to_leave_its_driver(self):
        self.assertEqual(
            "it is bound to mlx5_core, which is no VFIO driver",
            self.device("0000:81:00.0").unknown["migration"],
        )

    def test_a_device_that_cannot_be_opened_is_unknown_with_the_reason(self):
        self.vfio.error = NotKnownError("/dev/vfio/40 cannot be opened: Permission denied")
        device = self.device(self.vfs[0])
        for name in ("migration", "logs_dma", "state_size_bytes"):
            self.assertEqual(str(self.vfio.error), device.unknown[name])

    def test_plain_vfio_pci_migrates_nothing_and_need_not_be_opened(self):
        (vf,) = sysfs_tree.nvme(self.tree, "0000:01:00.0")
        device = self.device(vf)
        self.assertEqual(MigrationFlags(), device.migration)
        self.assertIs(False, device.logs_dma)
        self.assertIs(False, device.has_variant_driver)
        self.assertEqual([], self.vfio.opened)

    def test_a_device_on_a_driver_of_the_host_is_free_and_otherwise_unknown(self):
        (vf,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        device = self.device(vf)
        self.assertIs(True, device.is_free)
        self.assertIn("bound to igbvf, which is no VFIO driver", device.unknown["migration"])

    def test_debugfs_tells_of_a_device_in_use(self):
        self.tree.hold(self.vfs[0], "instance-00000001", _UUID)
        self.tree.debug(self.vfs[0], state="RUNNING", features="stop-copy\np2p\ndirty-tracking\n")
        device = self.device(self.vfs[0])
        self.assertEqual(MigrationFlags(True, True, False), device.migration)
        self.assertTrue(device.logs_dma)
        self.assertEqual("RUNNING", device.migration_state)
        self.assertIn("only the driver of a free device", device.unknown["state_size_bytes"])

    def test_debugfs_of_an_older_kernel_tells_only_that_it_can_migrate(self):
        self.tree.hold(self.vfs[0], "instance-00000001", _UUID)
        self.tree.debug(self.vfs[0], state="ERROR")
        device = self.device(self.vfs[0])
        self.assertIsNone(device.migration)
        self.assertEqual("ERROR", device.migration_state)
        self.assertIn("from Linux 6.18 on", device.unknown["migration"])

    def test_debugfs_without_migration_is_a_no(self):
        self.tree.hold(self.vfs[0], "instance-00000001", _UUID)
        self.tree.debug(self.vfs[0])
        device = self.device(self.vfs[0])
        self.assertEqual(MigrationFlags(), device.migration)
        self.assertIn("cannot migrate", device.unknown["migration_state"])

    def test_a_kernel_without_the_bitmaps_cannot_log_dma(self):
        self.tree.write(f"boot/config-{self.release}", "# CONFIG_IOMMUFD_DRIVER is not set\n")
        self.assertIs(False, self.device(self.vfs[0]).logs_dma)

    def test_devlink_tells_which_vfs_are_migratable(self):
        port = {"flavour": "pcivf", "pfnum": 0, "external": False, "function": {}}
        ports = {
            "pci/0000:81:00.0/65535": {"flavour": "physical", "port": 0},
            "pci/0000:81:00.0/1": port | {"vfnum": 0, "function": {"migratable": "enable"}},
            "pci/0000:81:00.0/2": port | {"vfnum": 1, "function": {"migratable": "disable"}},
            "auxiliary/x/3": port | {"vfnum": 0, "function": {"migratable": "disable"}},
        }
        self.options["show_ports"] = lambda: json.dumps({"port": ports})
        self.assertIs(True, self.device(self.vfs[0]).is_devlink_migratable)
        self.assertIs(False, self.device(self.vfs[1]).is_devlink_migratable)

    def test_a_vf_without_port_is_unknown_to_devlink(self):
        self.options["show_ports"] = lambda: '{"port": {}}'
        self.assertIn("switchdev", self.device(self.vfs[0]).unknown["is_devlink_migratable"])

    def test_devlink_that_prints_something_else_is_unknown(self):
        for text in ("", "[]", '{"port": []}', '{"ports": {}}'):
            self.options["show_ports"] = lambda text=text: text
            self.assertIn("no ports", self.device(self.vfs[0]).unknown["is_devlink_migratable"])

    def test_other_cards_have_no_such_attribute(self):
        (vf,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        device = self.device(vf)
        self.assertIsNone(device.is_devlink_migratable)
        self.assertNotIn("is_devlink_migratable", device.unknown)

    def test_without_addresses_all_that_matter_are_found(self):
        sysfs_tree.plain_function(self.tree, "0000:10:00.0")
        sysfs_tree.plain_function(self.tree, "0000:11:00.0", driver="nouveau")
        found = [str(device.address) for device in self.probe().devices]
        self.assertEqual(["0000:10:00.0", "0000:81:00.0", *self.vfs], found)

    def test_an_address_that_is_given_twice_is_told_once(self):
        self.assertEqual(1, len(self.probe(self.vfs[0], self.vfs[0]).devices))


class TestSupportBundle(ProbeCase):
    def setUp(self):
        super().setUp()
        self.vfio = None
        self.vfs = sysfs_tree.qat(self.tree, "0000:6b:00.0")

    def test_no_device_is_opened_and_that_is_the_reason(self):
        self.tree.write("proc/1/comm", "systemd\n")
        self.add_libvirts_folders()
        device = self.device(self.vfs[0])
        self.assertIn("support bundle cannot be opened", device.unknown["migration"])

    def test_without_libvirts_files_the_users_are_unknown(self):
        for folder in ("etc/libvirt/qemu", "run/libvirt/qemu"):
            reason = self.device(self.vfs[0]).unknown["user"]
            self.assertIn(f"holds no {folder}", reason)
            (self.folder / folder).mkdir(parents=True)

    def test_without_processes_the_users_are_unknown(self):
        self.add_libvirts_folders()
        self.assertIn("which processes", self.device(self.vfs[0]).unknown["user"])

    def test_a_domains_device_is_known_to_be_in_use_all_the_same(self):
        self.add_libvirts_folders()
        self.tree.hold(self.vfs[0], "instance-00000001", _UUID)
        self.assertIs(False, self.device(self.vfs[0]).is_free)


class TestHost(ProbeCase):
    def test_what_is_known(self):
        sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.options = {
            "run_virsh": lambda: _VERSIONS,
            "conf": NovaConf((), {}, None, permit_post_copy=True, downtime_ms=2000),
        }
        facts = self.probe()
        self.assertEqual(self.release, facts.kernel)
        self.assertIs(True, facts.is_iommu_on)
        self.assertEqual(("9.0.1", "7.2.22"), (facts.libvirt_version, facts.qemu_version))
        self.assertEqual((True, 2000), (facts.permits_post_copy, facts.downtime_ms))
        self.assertEqual({}, facts.unknown)

    def test_what_a_compute_hosts_nova_conf_leaves_out_has_novas_default(self):
        self.options["conf"] = NovaConf((), {}, None)
        facts = self.probe()
        self.assertEqual((False, 500), (facts.permits_post_copy, facts.downtime_ms))

    def test_those_defaults_are_novas(self):
        options = {
            opt.name: opt.default for opt in nova_libvirt.list_opts()[nova_libvirt.libvirt_group]
        }
        facts = HostProbe(self.sysfs, conf=NovaConf((), {}, None)).host("host1", _NOW)
        self.assertEqual(options["live_migration_downtime"], facts.downtime_ms)
        self.assertEqual(options["live_migration_permit_post_copy"], facts.permits_post_copy)

    def test_without_nova_conf_and_libvirt_it_is_unknown(self):
        facts = self.probe()
        self.assertEqual(
            {"libvirt_version", "qemu_version", "permits_post_copy", "downtime_ms"},
            set(facts.unknown),
        )

    def test_a_kernel_without_groups_has_no_iommu_on(self):
        self.assertIs(False, self.probe().is_iommu_on)

    def test_virsh_that_prints_something_else_is_unknown(self):
        self.options["run_virsh"] = lambda: "Verwendete Bibliothek: libvirt 9.0.0"
        self.assertIn("did not tell", self.probe().unknown["qemu_version"])

    def test_the_hosts_name(self):
        def name(conf):
            return HostProbe(self.sysfs, conf=conf).host(None, _NOW).host

        self.assertEqual("compute1", name(NovaConf((), {}, None, host="compute1")))
        self.tree.write("proc/sys/kernel/hostname", "node7\n")
        self.assertEqual("node7", name(None))

    def test_a_bundle_without_name_is_refused_with_a_way_out(self):
        probe = HostProbe(self.sysfs)
        self.assertIn("--host", str(self.assertRaises(NotKnownError, probe.host, None, _NOW)))
