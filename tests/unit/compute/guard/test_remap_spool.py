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

"""A map is taken from root alone, from a folder that is root's alone, and only if it is one."""

from __future__ import annotations

import json
import os
import pathlib

import fixtures
import testtools

from tests.unit.compute import domains
from vfio_lm.compute.guard.remap_spool import SPOOL, SpoolError, read_map

A, B = "0000:81:00.1", "0000:81:00.2"
_ANOTHER_USER = 12345


class SpoolCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.folder = self.root / SPOOL
        self.folder.mkdir(parents=True)
        for folder in (self.folder.parent, self.root / "var/lib", self.root / "var"):
            folder.chmod(0o755)
        self.folder.chmod(0o700)
        self.path = self.folder / f"{domains.UUID}.json"

    def write(self, content: bytes = json.dumps({"pci": {A: B}}).encode()) -> None:
        self.path.write_bytes(content)
        self.path.chmod(0o600)

    def read(self) -> object:
        return read_map(domains.UUID, str(self.root), os.geteuid())

    def refusal(self) -> str:
        return str(self.assertRaises(SpoolError, self.read))


class TestRead(SpoolCase):
    def test_a_map(self) -> None:
        self.write()
        found = read_map(domains.UUID, str(self.root), os.geteuid())
        assert found is not None
        self.assertEqual(({A: B}, {}), (found.pci, found.mdevs))

    def test_no_map(self) -> None:
        self.assertIsNone(self.read())

    def test_something_else_than_a_map(self) -> None:
        for content, text in (
            (b"{", "is not valid JSON"),
            (b"[" * 100_000, "is not valid JSON"),
            (b"\xff", "is not valid JSON"),
            (b"[]", "is not an object with pci, mdev or both"),
            (b"{}", "is not an object with pci, mdev or both"),
            (b'{"pci": {}, "usb": {}}', "is not an object with pci, mdev or both"),
            (b'{"pci": []}', "pci is not an object of strings"),
            (b'{"mdev": {"x": 1}}', "mdev is not an object of strings"),
            (b'{"pci": {"x": "y", "x": "z"}}', "is not valid JSON: a key is there twice"),
            (b" " * 1_048_577, "exceeds 1 MiB"),
        ):
            self.write(content)
            self.assertIn(f"{self.path}: {text}", self.refusal())

    def test_the_largest_map(self) -> None:
        self.write(b'{"pci": {}}'.ljust(1_048_576))
        self.assertIsNotNone(self.read())


class TestTrust(SpoolCase):
    def test_a_map_that_its_group_or_others_may_write_to(self) -> None:
        self.write()
        for mode in (0o620, 0o602, 0o666):
            self.path.chmod(mode)
            said = f"{self.path}: others than its owner may write to it"
            self.assertIn(said, self.refusal())
        self.path.chmod(0o644)
        self.assertIsNotNone(self.read())

    def test_a_folder_that_its_group_or_others_may_write_to(self) -> None:
        self.write()
        # Not even the sticky bit helps: others could leave a map of their own.
        for mode in (0o720, 0o702, 0o1777):
            self.folder.chmod(mode)
            said = f"{self.folder}: others than its owner may write to it"
            self.assertIn(said, self.refusal())

    def test_a_folder_above_it_in_which_others_may_put_another_one(self) -> None:
        self.write()
        for folder in (self.folder.parent, self.root / "var", self.root):
            for mode in (0o775, 0o757):
                folder.chmod(mode)
                self.assertIn(f"{folder}: others than its owner may write", self.refusal())
            folder.chmod(0o755)
        self.assertIsNotNone(self.read())

    def test_a_map_a_folder_and_a_parent_of_another_user(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")
        self.write()
        for path in (self.path, self.folder, self.folder.parent):
            os.chown(path, _ANOTHER_USER, -1)
            self.assertIn(f"{path}: belongs to user {_ANOTHER_USER}", self.refusal())
            os.chown(path, 0, -1)

    def test_a_map_of_the_user_who_runs_this_where_root_has_to_own_it(self) -> None:
        if os.geteuid() == 0:
            self.skipTest("root is this user")
        self.write()
        error = self.assertRaises(SpoolError, read_map, domains.UUID, str(self.root))
        self.assertIn("belongs to user", str(error))

    def test_a_link_in_place_of_a_map(self) -> None:
        self.write()
        self.path.rename(self.folder / "real")
        self.path.symlink_to("real")
        self.assertEqual(f"{self.path}: is a link, not a file", self.refusal())

    def test_a_pipe_or_a_folder_in_place_of_a_map(self) -> None:
        os.mkfifo(self.path)
        self.assertEqual(f"{self.path}: is a pipe, not a regular file", self.refusal())
        self.path.unlink()
        self.path.mkdir()
        self.assertEqual(f"{self.path}: is a folder, not a regular file", self.refusal())
