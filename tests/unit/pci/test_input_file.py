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

"""A file that is none is refused at once, whatever is in its place."""

from __future__ import annotations

import os
import pathlib
import socket

import fixtures
import testtools

from vfio_lm.pci.input_file import InputFileError, open_regular, read_file, read_text

_MIB = 1 << 20


class TestInputFile(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / "file"

    def refusal(self, path: object = None, largest: int = _MIB) -> str:
        error = self.assertRaises(InputFileError, read_file, path or self.path, largest)
        self.assertEqual(f"{path or self.path}: {error.reason}", str(error))
        return str(error.reason)

    def test_a_file_and_a_link_to_one(self) -> None:
        self.path.write_bytes(b"content")
        link = self.folder / "link"
        link.symlink_to(self.path)
        self.assertEqual([b"content"] * 2, [read_file(each, 7) for each in (self.path, link)])

    def test_what_is_no_file_is_refused_without_waiting(self) -> None:
        fifo, folder, unix = (self.folder / name for name in ("fifo", "folder", "socket"))
        os.mkfifo(fifo)
        folder.mkdir()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(unix))
            self.assertEqual("is a pipe, not a regular file", self.refusal(fifo))
            self.assertEqual("is a folder, not a regular file", self.refusal(folder))
            self.assertEqual("is a socket, not a regular file", self.refusal(unix))
        self.assertEqual("is a device, not a regular file", self.refusal("/dev/zero"))

    def test_a_file_without_an_end_is_not_read_to_its_end(self) -> None:
        with self.path.open("wb") as sparse:
            sparse.truncate(1 << 40)
        self.assertEqual("exceeds 1 MiB, the limit for such a file", self.refusal())

    def test_absent_and_forbidden_paths(self) -> None:
        self.assertEqual("cannot be read: No such file or directory", self.refusal())
        self.assertIn("cannot be read: embedded null", self.refusal("a\0b"))
        self.path.symlink_to(self.path)
        self.assertEqual("cannot be read: Too many levels of symbolic links", self.refusal())

    def test_a_link_is_no_file_where_links_are_not_followed(self) -> None:
        self.path.symlink_to("/etc/passwd")
        error = self.assertRaises(InputFileError, open_regular, self.path, follows_links=False)
        self.assertEqual("is a link, not a file", error.reason)

    def test_something_that_is_no_text(self) -> None:
        self.path.write_bytes(b"\xff")
        error = self.assertRaises(InputFileError, read_text, self.path, 9)
        self.assertEqual("not a text file", error.reason)
