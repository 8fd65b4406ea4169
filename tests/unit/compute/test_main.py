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

"""``vfio-lm-host`` as its users meet it: help, answers, exit statuses and errors."""

import io
import json
import os
import pathlib
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from tests import sysfs_tree
from tests.unit.compute.host.test_sysfs import TreeCase
from tests.unit.compute.libvirt.test_match_command import device
from tests.unit.pci.test_host_facts import NOW
from vfio_lm.compute import main
from vfio_lm.pci.host_facts import HostFacts, read_host_facts

_DOMAIN = """\
<domain type='kvm'>
  <name>g1</name>
  <devices>{}</devices>
</domain>
"""
_HOSTDEV = """\
<hostdev mode='subsystem' type='pci' managed='no'>
  <source><address domain='0x0000' bus='0x81' slot='0x00' function='0x{}'/></source>
</hostdev>
"""


class CommandCase(TreeCase):
    def run_command(self, *arguments):
        """Return the exit status, the standard output and the standard error."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = main.main([str(each) for each in arguments])
            except SystemExit as exc:
                status = exc.code
        return status, out.getvalue(), err.getvalue()

    def refusal(self, *arguments):
        status, out, err = self.run_command(*arguments)
        self.assertEqual((1, ""), (status, out))
        self.assertNotIn("Traceback", err)
        return err


class TestMain(CommandCase):
    def test_help_lists_all_sub_commands_with_a_line_each(self):
        status, out, _ = self.run_command("--help")
        self.assertEqual(0, status)
        listed = out.split("sub-commands:")[1].split("exit status:")[0]
        for name in main.COMMANDS:
            self.assertRegex(listed, rf"(?m)^    {name} +\w+ \w+")

    def test_each_sub_command_has_help_with_an_example(self):
        for name in main.COMMANDS:
            status, out, _ = self.run_command(name, "--help")
            self.assertEqual(0, status)
            self.assertIn(f"vfio-lm-host {name}", out.split("example", 1)[-1], name)

    def test_a_mistake_in_the_arguments_is_no_answer(self):
        self.assertIn("--sourse", self.refusal("probe", "--sourse", "x"))
        self.assertIn("invalid choice: 'prob'", self.refusal("prob"))
        self.assertIn("sub-command", self.refusal())

    def test_only_the_chosen_sub_command_is_imported(self):
        code = (
            "import sys, vfio_lm.compute.main as main\n"
            "try: main.main(['match', '--help'])\n"
            "except SystemExit: pass\n"
            "sys.exit(any(name.endswith('_command') and 'match' not in name "
            "for name in sys.modules if name.startswith('vfio_lm')))"
        )
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)

    def test_a_reader_that_wants_no_more_is_no_error(self):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as closed:
            done = subprocess.run(
                [sys.executable, "-m", "vfio_lm.compute", "--help"],
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
            )
        self.assertNotIn("Traceback", done.stderr)

    def test_ctrl_c_is_no_error_either(self):
        with mock.patch("vfio_lm.compute.main._run", side_effect=KeyboardInterrupt):
            self.assertEqual((130, "", ""), self.run_command("probe"))


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
        sysfs_tree.SysfsTree(empty)
        status, out, _ = self.run_command("probe", "--sysfs", empty, "--host", "host1")
        self.assertEqual(0, status)
        self.assertIn("No PF, no VF", out)

    def test_json_is_a_host_facts_file(self):
        status, out, _ = self.run_command("probe", *self.root, "-f", "json", "0000:81:00.1")
        path = self.folder / "facts.json"
        path.write_text(out)
        (only,) = read_host_facts(path).devices
        self.assertEqual((0, "0000:81:00.1"), (status, str(only.address)))

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


class TestMatchCommand(CommandCase):
    def setUp(self):
        super().setUp()
        self.domain = self.write("g1.xml", _DOMAIN.format(_HOSTDEV.format(1)))
        self.source = self.facts("host1", device("0000:81:00.1"), device("0000:81:00.2"))

    def write(self, name, text):
        return self.tree.write(name, text)

    def facts(self, host, *devices):
        return self.write(f"{host}.json", HostFacts(host, NOW, devices).to_json())

    def match(self, *devices, options=()):
        destination = self.facts("host2", *devices)
        return self.run_command(
            "match", "--source", self.source, "--destination", destination,
            "--domain", self.domain, *options,
        )  # fmt: skip

    def test_a_pair_is_printed_as_map_takes_it(self):
        self.assertEqual((0, "0000:81:00.1=0000:82:00.4\n", ""), self.match(device("0000:82:00.4")))

    def test_none_fits_and_every_reason_is_told(self):
        status, out, err = self.match(
            device("0000:82:00.1", firmware="2"), device("0000:82:00.2", product_id="101c")
        )
        self.assertEqual((2, ""), (status, out))
        self.assertIn("0000:81:00.1: no device fits on host2", err)
        self.assertIn("0000:82:00.1: has firmware 2", err)
        self.assertIn("0000:82:00.2: is 15b3:101c", err)

    def test_firmware_may_be_ignored(self):
        status, _, _ = self.match(
            device("0000:82:00.1", firmware="2"), options=["--ignore-firmware"]
        )
        self.assertEqual(0, status)

    def test_unknown_is_not_taken_for_free(self):
        status, out, err = self.match(device("0000:82:00.1", unknown={"user": "not root"}))
        self.assertEqual((3, ""), (status, out))
        self.assertIn("it is unknown whether a device fits", err)

    def test_too_few_for_all(self):
        self.domain = self.write("g2.xml", _DOMAIN.format(_HOSTDEV.format(1) + _HOSTDEV.format(2)))
        status, _, err = self.match(device("0000:82:00.1"))
        self.assertEqual(2, status)
        self.assertIn("0000:81:00.1, 0000:81:00.2: only 1 free", err)

    def test_json_has_the_reasons_too(self):
        status, out, _ = self.match(device("0000:82:00.1", firmware="2"), options=["-f", "json"])
        result = json.loads(out)
        self.assertEqual((2, "none fits"), (status, result["result"]))
        self.assertEqual(["0000:82:00.1"], result["devices"][0]["refused"][0]["destinations"])
        _, out, _ = self.match(device("0000:82:00.1"), options=["-f", "json"])
        self.assertEqual({"0000:81:00.1": "0000:82:00.1"}, json.loads(out)["map"])

    def test_a_server_without_devices(self):
        self.domain = self.write("g0.xml", _DOMAIN.format(""))
        status, out, err = self.match()
        self.assertEqual((0, ""), (status, out))
        self.assertIn("nothing to map", err)

    def test_errors_name_what_was_wrong(self):
        self.domain = self.write("g9.xml", _DOMAIN.format(_HOSTDEV.format(7)))
        status, _, err = self.match()
        self.assertEqual(1, status)
        self.assertIn("host host1 has no device 0000:81:00.7", err)
        self.domain = pathlib.Path("absent.xml")
        self.assertIn("absent.xml: cannot be read", self.match()[2])
        same = self.refusal(
            "match", "--source", self.source, "--destination", self.source, "--domain", self.domain
        )
        self.assertIn("are both of host host1", same)
