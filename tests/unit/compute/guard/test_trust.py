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

"""Who may replace a file by another one, wherever links and folders lead."""

from __future__ import annotations

import os
import pathlib

import fixtures
import testtools

from vfio_lm.compute.guard import trust

_ANOTHER_USER = 12345


class TestPath(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.top = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.folder = self.top / "bin"
        self.folder.mkdir()
        self.path = self.folder / "python"
        self.path.touch(0o755)

    def flawed(self, path: pathlib.Path | None = None) -> str | None:
        found = trust.flaw_of_path(str(path or self.path), os.geteuid())
        return found and found[0]

    def test_a_file_of_the_owner_in_folders_of_the_owner(self) -> None:
        self.assertIsNone(self.flawed())

    def test_a_file_or_folder_that_others_may_write_to(self) -> None:
        for each in (self.path, self.folder, self.top):
            for mode in (0o775, 0o757):
                each.chmod(mode)
                self.assertEqual(str(each), self.flawed())
            each.chmod(0o755)

    def test_a_folder_in_which_only_owners_replace_files(self) -> None:
        self.folder.chmod(0o1777)
        self.assertIsNone(self.flawed())
        # what is asked about is replaced all the same if it is such a folder itself
        self.assertEqual(str(self.folder), self.flawed(self.folder))

    def test_another_owner(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")
        for each in (self.path, self.folder):
            os.chown(each, _ANOTHER_USER, -1)
            self.assertEqual(str(each), self.flawed())
            self.assertIsNone(trust.flaw_of_path(str(each), _ANOTHER_USER))
            os.chown(each, 0, -1)

    def test_what_a_link_leads_to_and_where_the_link_is(self) -> None:
        elsewhere = self.top / "elsewhere"
        elsewhere.mkdir()
        link = elsewhere / "python3"
        for target in (str(self.path), "../bin/python"):
            link.unlink(missing_ok=True)
            link.symlink_to(target)
            self.assertIsNone(self.flawed(link))
            for each in (self.path, elsewhere):
                each.chmod(0o777)
                self.assertEqual(str(each), self.flawed(link))
                each.chmod(0o755)

    def test_a_link_that_leads_to_itself(self) -> None:
        link = self.top / "loop"
        link.symlink_to(link)
        self.assertIsNone(self.flawed(link))

    def test_a_file_that_is_not_there(self) -> None:
        self.assertRaises(FileNotFoundError, self.flawed, self.top / "absent")


class TestParents(testtools.TestCase):
    def test_nothing_above_the_top_is_looked_at(self) -> None:
        top = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        folder = top / "a" / "b"
        folder.mkdir(parents=True)
        top.chmod(0o777)
        find = trust.flaw_of_parents
        self.assertEqual(str(top), (find(str(folder), "/", os.geteuid()) or "")[0])
        self.assertIsNone(find(str(folder), str(top / "a"), os.geteuid()))

    def test_the_reason_says_what_to_do(self) -> None:
        status = os.stat_result((0o40777, 1, 1, 1, 0, 0, 0, 0, 0, 0))
        self.assertIn("'chmod go-w /x'", trust.flaw("/x", status) or "")
        status = os.stat_result((0o40755, 1, 1, 1, 1000, 0, 0, 0, 0, 0))
        self.assertIn("'chown 0 /x'", trust.flaw("/x", status) or "")
