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

"""``vfio-lm-host probe`` is about the host that it runs on, whatever its environment says."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib

import fixtures
import testtools

from tests import sysfs_tree
from tests.unit.compute.runs import CommandCase
from vfio_lm.compute.main import main
from vfio_lm.pci.host_facts import read_host_facts


class TestHostOfProbe(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.conf = folder / "nova.conf"
        self.conf.write_text(
            "[DEFAULT]\nhost = controller\n[libvirt]\nlive_migration_permit_post_copy = true\n"
        )
        # No device of this machine is looked at.
        addresses = "vfio_lm.compute.host.sysfs.Sysfs.addresses"
        self.useFixture(fixtures.MockPatch(addresses, return_value=[]))
        self.useFixture(fixtures.MockPatch("os.access", return_value=False))

    def probe(self, *arguments: str) -> dict[str, object]:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self.assertEqual(0, main(["probe", "-f", "json", *arguments]))
        return dict(json.loads(output.getvalue()))

    def test_the_nova_conf_of_nova_api_in_the_environment_is_not_read(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF", str(self.conf)))
        facts = self.probe()
        self.assertNotEqual("controller", facts["host"])
        self.assertIsNot(True, facts["permits_post_copy"])

    def test_a_file_that_is_named_is_read(self) -> None:
        facts = self.probe("--nova-conf", str(self.conf))
        self.assertEqual(("controller", True), (facts["host"], facts["permits_post_copy"]))


class TestProbeCommand(CommandCase):
    def setUp(self):
        super().setUp()
        sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.root = ("--sysfs", self.folder, "--host", "host1")

    def test_the_table_shows_devices_and_reasons(self):
        status, out, _ = self.run_command("probe", *self.root)
        self.assertEqual(0, status)
        self.assertIn("0000:81:00.1  type-VF  15b3:101e", out)
        self.assertIn("holds no etc/libvirt/qemu", out)

    def test_a_host_without_such_devices(self):
        empty = self.folder / "empty"
        sysfs_tree.plain_function(sysfs_tree.SysfsTree(empty), "0000:10:00.0", driver="nouveau")
        status, out, _ = self.run_command("probe", "--sysfs", empty, "--host", "host1")
        self.assertEqual(0, status)
        self.assertIn("No PF, no VF", out)

    def test_a_bundle_of_links_alone_is_refused_with_what_to_copy(self):
        bundle = self.folder / "bundle"
        links = bundle / "sys/bus/pci/devices"
        links.mkdir(parents=True)
        for address in ("0000:3d:00.0", "0000:3d:00.4"):
            (links / address).symlink_to(f"../../../devices/pci0000:30/0000:30:0d.0/{address}")
        arguments = ("probe", "--sysfs", bundle, "--host", "host1")
        facts = self.folder / "facts.json"
        for options in ((), ("--output", facts)):
            said = self.refusal(*arguments, *options)
            self.assertIn("none of 2 PCI functions can be read", said)
            self.assertIn("copy /sys/devices, too, with links kept, as tar and cp -a do", said)
            self.assertEqual(1, said.count("\n"))
        self.assertFalse(facts.exists())
        status, out, err = self.run_command(*arguments, "-f", "json")
        self.assertEqual((1, said), (status, err))
        facts.write_text(out)
        self.assertIn("copy /sys/devices", read_host_facts(facts).missing_devices)

    def test_a_function_that_cannot_be_read_stands_beside_the_others(self):
        (self.folder / self.tree.device("0000:81:00.2") / "vendor").unlink()
        status, out, _ = self.run_command("probe", *self.root)
        self.assertEqual(0, status)
        self.assertIn("0000:81:00.1  type-VF", out)
        self.assertRegex(out, "(?m)^  0000:81:00.2: .*/vendor: cannot be read")

    def test_functions_that_nova_ignores_are_named(self):
        self.tree.add_function("10000:e1:00.0", "8086", "0a54")
        _, out, _ = self.run_command("probe", *self.root)
        self.assertRegex(
            out, "\nIgnored by nova:\n.* 10000:e1:00.0: nova takes no PCI domain above"
        )

    def test_json_is_a_host_facts_file(self):
        status, out, _ = self.run_command("probe", *self.root, "-f", "json", "0000:81:00.1")
        path = self.folder / "facts.json"
        path.write_text(out)
        facts = read_host_facts(path)
        (only,) = facts.devices
        self.assertEqual((0, "0000:81:00.1"), (status, str(only.address)))
        self.assertIn("only the devices that were named", facts.missing_devices)

    def test_output_replaces_the_file_in_one_step(self):
        path = self.folder / "facts.json"
        path.write_text("old")
        self.assertEqual((0, "", ""), self.run_command("probe", *self.root, "--output", path))
        self.assertEqual("host1", read_host_facts(path).host)
        self.assertEqual(0o644, path.stat().st_mode & 0o777)
        self.assertEqual([], [*self.folder.glob(".vfio-lm-*")])

    def test_errors_name_what_was_wrong(self):
        cases = [
            (["zz"], "PCI address 'zz'"),
            (["0000:99:00.0"], "0000:99:00.0"),
            (["--output", self.folder / "absent/x"], f"there is no folder {self.folder}/absent"),
            (["--output", self.folder], "cannot be written"),
            (["--nova-conf", "absent.conf"], "absent.conf: cannot be read"),
            (["--sysfs", self.folder / "absent"], "--sysfs"),
        ]
        for arguments, expected in cases:
            self.assertIn(expected, self.refusal("probe", *self.root, *arguments))
