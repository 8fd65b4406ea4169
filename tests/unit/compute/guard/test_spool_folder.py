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

"""The folder of maps is written so that the guard takes what is in it."""

from __future__ import annotations

import os

from tests.unit.compute import domains
from tests.unit.compute.guard.test_remap_spool import A, B, SpoolCase
from vfio_lm.compute.guard.remap_spool import SpoolError
from vfio_lm.compute.guard.spool_folder import MapChange, SpoolFolder


class TestSpoolFolder(SpoolCase):
    def setUp(self) -> None:
        super().setUp()
        self.spool = SpoolFolder(str(self.root), os.geteuid())

    def test_what_is_written_is_read_by_the_guard(self) -> None:
        self.assertIs(MapChange.WRITTEN, self.spool.write(domains.UUID, {A: B}, {}))
        self.assertEqual({A: B}, getattr(self.read(), "pci", None))
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.assertIs(MapChange.NONE, self.spool.write(domains.UUID, {A: B}, {}))
        self.assertIs(MapChange.REPLACED, self.spool.write(domains.UUID, {B: A}, {}))

    def test_a_map_that_the_guard_refuses_is_replaced(self) -> None:
        self.path.write_text("{")
        self.assertIs(MapChange.REPLACED, self.spool.write(domains.UUID, {A: B}, {}))

    def test_the_folder_is_made_for_its_owner_alone(self) -> None:
        self.folder.rmdir()
        self.spool.write(domains.UUID, {A: B}, {})
        self.assertEqual(0o700, self.folder.stat().st_mode & 0o777)

    def test_nothing_is_written_where_others_may_write(self) -> None:
        for folder in (self.folder, self.folder.parent):
            folder.chmod(0o777)
            error = self.assertRaises(SpoolError, self.spool.write, domains.UUID, {A: B}, {})
            self.assertIn(f"{folder}: others than its owner may write to it", str(error))
            self.assertEqual([], os.listdir(self.folder))
            folder.chmod(0o755)

    def test_nor_below_a_folder_where_others_may_write_if_it_has_to_be_made(self) -> None:
        self.folder.rmdir()
        self.folder.parent.chmod(0o777)
        self.assertRaises(SpoolError, self.spool.write, domains.UUID, {A: B}, {})

    def test_only_the_owner_writes(self) -> None:
        spool = SpoolFolder(str(self.root), os.geteuid() + 1)
        error = self.assertRaises(SpoolError, spool.write, domains.UUID, {A: B}, {})
        self.assertIn("run it as root", str(error))

    def test_a_dry_run_writes_and_removes_nothing(self) -> None:
        self.spool.write(domains.UUID, {A: B}, {}, dry_run=True)
        self.assertEqual([], os.listdir(self.folder))
        self.write()
        self.assertTrue(self.spool.remove(domains.UUID, dry_run=True))
        self.assertTrue(self.path.exists())

    def test_a_map_is_removed_whatever_is_in_it(self) -> None:
        self.write(b"{")
        self.assertEqual([domains.UUID], list(self.spool.uuids()))
        self.assertTrue(self.spool.remove(domains.UUID))
        self.assertFalse(self.spool.remove(domains.UUID))
        self.assertEqual([], list(self.spool.uuids()))
