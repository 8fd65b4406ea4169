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

"""Maps that are left for the guard are those that it applies, and no others can be left."""

import io
import json
import os

import fixtures

from tests import sysfs_tree
from tests.unit.compute import domains
from tests.unit.compute.runs import CommandCase
from vfio_lm.compute.commands import spool as spool_command
from vfio_lm.compute.domain.remap import hostdev_addresses
from vfio_lm.compute.guard import hook
from vfio_lm.compute.guard.installation import Hook
from vfio_lm.compute.guard.script import render

SOURCE = "0000:81:00.1"
MAP = ("--map", f"{SOURCE}=0000:82:00.1")
MDEV = "5c8f2b1e-0d5a-4f0e-9a41-7f6f6a1d3c20"


class SpoolCase(CommandCase):
    def setUp(self):
        super().setUp()
        # The guard takes maps of root only.
        self.useFixture(fixtures.MonkeyPatch(f"{spool_command.__name__}.OWNER", os.getuid()))
        sysfs_tree.mlx5(self.tree, "0000:82:00.0")
        self.tree.add_libvirt()
        self.tree.write("etc/libvirt/hooks/qemu.d/vfio-lm", render()).chmod(0o755)
        self.maps = self.folder / "var/lib/vfio-lm/remap"
        self.path = self.maps / f"{domains.UUID}.json"

    def spool(self, action, *arguments):
        return self.run_command("spool", action, "--root", self.folder, *arguments)

    def done(self, action, *arguments):
        status, out, err = self.spool(action, *arguments)
        self.assertEqual((0, ""), (status, err))
        return out

    def refused(self, action, *arguments):
        return self.refusal("spool", action, "--root", self.folder, *arguments)

    def listed(self):
        return json.loads(self.done("list", "-f", "json"))


class TestSet(SpoolCase):
    def test_the_guard_applies_it(self):
        self.assertEqual(f"{self.path}: written\n", self.done("set", domains.UUID, *MAP))
        output = io.BytesIO()
        xml = io.BytesIO(domains.domain(SOURCE).xml().encode())
        status = hook.answer(
            ("guest", "migrate", "begin", "-"),
            xml,
            output,
            io.StringIO(),
            root=str(self.folder),
            owner=os.getuid(),
        )
        self.assertEqual(hook.PASSED, status)
        found = hostdev_addresses(output.getvalue().decode())
        self.assertEqual(["0000:82:00.1"], [str(address) for address in found])

    def test_a_dry_run_writes_nothing(self):
        out = self.done("set", domains.UUID, *MAP, "--dry-run")
        self.assertEqual(f"{self.path}: would be written\n", out)
        self.assertFalse(self.maps.exists())

    def test_twice_is_as_good_as_once_and_another_one_takes_its_place(self):
        self.done("set", domains.UUID, *MAP)
        self.assertIn("is there already", self.done("set", domains.UUID.upper(), *MAP))
        other = ("--map", f"{SOURCE}=0000:82:00.2", "--mdev", f"{MDEV}={MDEV}")
        self.assertIn("would be replaced", self.done("set", domains.UUID, *other, "--dry-run"))
        self.assertEqual({}, self.listed()[0]["mdev"])
        self.assertIn(": replaced", self.done("set", domains.UUID, *other))
        self.assertEqual(
            [{"uuid": domains.UUID, "pci": {SOURCE: "0000:82:00.2"}, "mdev": {MDEV: MDEV}}],
            self.listed(),
        )
        self.assertEqual([self.path.name], os.listdir(self.maps))

    def test_it_takes_the_place_of_one_that_the_guard_refuses(self):
        self.done("set", domains.UUID, *MAP)
        self.path.write_text("{")
        self.assertIn(": replaced", self.done("set", domains.UUID, *MAP))
        self.assertEqual({SOURCE: "0000:82:00.1"}, self.listed()[0]["pci"])

    def test_nobody_else_can_read_or_write_it(self):
        self.done("set", domains.UUID, *MAP)
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.assertEqual(0o700, self.maps.stat().st_mode & 0o777)

    def test_what_is_no_map_is_refused_and_nothing_written(self):
        for arguments, text in (
            ((domains.UUID,), "the map is empty"),
            (("guest", *MAP), "'guest' is not a UUID: 'virsh domuuid'"),
            ((domains.UUID, "--map", SOURCE), f"--map {SOURCE}: write SRC=DST"),
            ((domains.UUID, "--map", f"{SOURCE}=82:00.x"), "82:00.x"),
            ((domains.UUID, "--mdev", "a=b"), "'a' is not a UUID"),
            ((domains.UUID, *MAP, *MAP), f"{SOURCE} has been given already"),
            ((domains.UUID, *MAP, "--map", "0000:81:00.2=0000:82:00.1"), "give each one of its"),
        ):
            self.assertIn(text, self.refused("set", *arguments))
        self.assertFalse(self.maps.exists())

    def test_a_folder_that_the_guard_would_refuse(self):
        self.done("set", domains.UUID, *MAP)
        self.maps.chmod(0o777)
        text = self.refused("set", domains.UUID, "--map", f"{SOURCE}=0000:82:00.2")
        self.assertIn(f"{self.maps}: others than its owner may write to it", text)

    def test_another_user_than_root(self):
        self.useFixture(fixtures.MonkeyPatch(f"{spool_command.__name__}.OWNER", os.getuid() + 1))
        self.assertIn("run it as root", self.refused("set", domains.UUID, *MAP))

    def test_a_root_that_is_none(self):
        missing = self.folder / "missing"
        for action in ("set", "clear"):
            arguments = (action, "--root", missing, domains.UUID)
            self.assertIn(f"--root {missing}: is not", self.refusal("spool", *arguments))
        self.assertFalse(missing.exists())

    def test_it_says_what_is_missing_for_it_to_help(self):
        Hook(self.folder / "etc/libvirt/hooks").uninstall()
        status, _, err = self.spool("set", domains.UUID, "--map", f"{SOURCE}=0000:83:00.1")
        self.assertEqual(0, status)
        self.assertIn("PCI device 0000:83:00.1 does not exist here", err)
        self.assertIn("The guard is not installed: run 'vfio-lm-host hook install'", err)


class TestList(SpoolCase):
    def test_none(self):
        self.assertEqual("There is no map.\n", self.done("list"))
        self.assertEqual([], self.listed())

    def test_a_table(self):
        self.done("set", domains.UUID, *MAP)
        self.assertEqual(
            [
                ["Server", "Device", "on", "Source", "Device", "Here"],
                [domains.UUID, SOURCE, "0000:82:00.1"],
            ],
            [line.split() for line in self.done("list").splitlines()],
        )

    def test_one_that_the_guard_refuses_is_told(self):
        self.done("set", domains.UUID, *MAP)
        broken = self.maps / f"{MDEV}.json"
        broken.write_text("{")
        broken.chmod(0o600)
        status, out, err = self.spool("list")
        self.assertEqual(1, status)
        self.assertIn(domains.UUID, out)
        self.assertIn(f"the guard refuses the server of this map: {broken}: is not valid", err)


class TestClear(SpoolCase):
    def setUp(self):
        super().setUp()
        for uuid in (domains.UUID, MDEV):
            self.done("set", uuid, *MAP)

    def test_one(self):
        self.assertIn("would be removed", self.done("clear", domains.UUID, "--dry-run"))
        self.assertEqual(2, len(self.listed()))
        self.assertEqual(f"{self.path}: removed\n", self.done("clear", domains.UUID))
        self.assertEqual([MDEV], [each["uuid"] for each in self.listed()])
        self.assertEqual(f"{self.path}: is not there\n", self.done("clear", domains.UUID))

    def test_all_of_them_whatever_is_in_them(self):
        self.path.write_text("{")
        self.done("clear", "--all")
        self.assertEqual([], os.listdir(self.maps))
        self.assertEqual("", self.done("clear", "--all"))

    def test_neither_or_both_is_a_mistake(self):
        for arguments in ((), (domains.UUID, "--all")):
            self.assertIn("give UUIDs, or --all", self.refused("clear", *arguments))
        self.assertEqual(2, len(self.listed()))
