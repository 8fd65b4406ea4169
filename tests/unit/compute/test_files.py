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

"""A file is replaced by a whole one, or stays as it was."""

from __future__ import annotations

import os
import pathlib

import fixtures
import testtools

from vfio_lm.compute.files import FileError, staged, write_in_one_step


class TestFiles(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / "file"

    def test_it_is_written_with_its_permissions(self) -> None:
        for text in ("first", "second"):
            write_in_one_step(self.path, text, mode=0o640)
            self.assertEqual(
                (text, 0o640), (self.path.read_text(), os.stat(self.path).st_mode & 0o777)
            )
        self.assertEqual(["file"], os.listdir(self.folder))

    def test_after_an_error_in_between_nothing_has_changed(self) -> None:
        self.path.write_text("old")

        def stop() -> None:
            with staged(self.path, "new", workspace=self.folder) as path:
                self.assertEqual("new", pathlib.Path(path).read_text())
                self.assertEqual("old", self.path.read_text())
                raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, stop)
        self.assertEqual("old", self.path.read_text())
        self.assertEqual(["file"], os.listdir(self.folder))

    def test_errors_name_the_file(self) -> None:
        path = self.folder / "absent" / "file"
        error = self.assertRaises(FileError, write_in_one_step, path, "")
        self.assertEqual(f"{path}: cannot be written: there is no folder {path.parent}", str(error))
        self.path.mkdir()
        error = self.assertRaises(FileError, write_in_one_step, self.path, "")
        self.assertEqual(f"{self.path}: cannot be written: Is a directory", str(error))
        self.assertEqual(["file"], os.listdir(self.folder))
