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

"""Regular files of a bounded size, which users and hosts name; what is in them is not known here.

A FIFO or a device in place of a file would be waited for, and a file without an end would fill the
memory. The module is light enough for a hook that libvirt waits for.
"""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from vfio_lm.errors import VfioLmError

_CHUNK = 64 * 1024
"""The kernel allocates as much for a read of its own files."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class InputFileError(VfioLmError):
    """A file that cannot be read, is no regular file, or is too large.

    :param location: the file
    :param reason: what is wrong with it
    """

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"{location}: {reason}")
        self.location = location
        self.reason = reason


def open_regular(path: str | os.PathLike[str], *, follows_links: bool = True) -> BinaryIO:
    """Open a regular file for reading, without waiting and without opening anything else.

    :param follows_links: whether the path may be a link to a file
    :raises InputFileError: if it cannot be opened, or is no regular file
    :raises FileNotFoundError: if there is none
    """
    location = os.fspath(path)
    try:
        # A device is not opened to find out that it is one: opening may do something to it.
        _refuse_irregular(location, os.stat(location, follow_symlinks=follows_links))
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(location, flags | (0 if follows_links else os.O_NOFOLLOW))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as exc:
        raise InputFileError(location, f"cannot be read: {reason(exc)}") from None
    file = open(descriptor, "rb")  # noqa: SIM115 - the caller closes it
    try:
        _refuse_irregular(location, os.fstat(descriptor))
    except InputFileError:
        file.close()
        raise
    return file


def read_file(path: str | os.PathLike[str], largest: int) -> bytes:
    """Return the content of a regular file.

    :param largest: the number of bytes that it may have
    :raises InputFileError: if it cannot be read, is no regular file, or is larger
    """
    location = os.fspath(path)
    content = bytearray()
    try:
        with open_regular(location) as file:
            while len(content) <= largest and (chunk := file.read(_CHUNK)):
                content += chunk
    except OSError as exc:
        raise InputFileError(location, f"cannot be read: {reason(exc)}") from None
    if len(content) > largest:
        raise InputFileError(location, f"exceeds {largest >> 20} MiB, the limit for such a file")
    return bytes(content)


def read_text(path: str | os.PathLike[str], largest: int) -> str:
    """Return the text of a regular file.

    :param largest: the number of bytes that it may have
    :raises InputFileError: if it cannot be read, is no regular file, larger, or not UTF-8
    """
    try:
        return read_file(path, largest).decode()
    except UnicodeDecodeError:
        raise InputFileError(os.fspath(path), "not a text file") from None


def reason(error: OSError | ValueError) -> str:
    """Return what an error says, without the path."""
    # A path with a NUL is a ValueError to Python.
    return str(error.strerror) if isinstance(error, OSError) else str(error)


def _refuse_irregular(location: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISLNK(status.st_mode):
        raise InputFileError(location, "is a link, not a file")
    kind = next((text for is_kind, text in _KINDS if is_kind(status.st_mode)), "something else")
    raise InputFileError(location, f"is {kind}, not a regular file")
