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

"""Who may change a file that runs as root, or decides about a server's devices; nothing is read.

The module is light enough for a hook that libvirt waits for.
"""

from __future__ import annotations

import os
import stat

ROOT = 0


def flaw(path: str, status: os.stat_result, owner: int = ROOT) -> str | None:
    """Return why others than root and an owner may write to a file or folder, or None."""
    if status.st_uid not in (ROOT, owner):
        return f"belongs to user {status.st_uid}: run 'chown {owner} {path}'"
    if not stat.S_ISLNK(status.st_mode) and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others than its owner may write to it: run 'chmod go-w {path}'"
    return None


def flaw_of_parents(path: str, top: str = "/", owner: int = ROOT) -> tuple[str, str] | None:
    """Return a folder above a path to which others may write, and why; None: there is none.

    :param path: without links
    :param top: the uppermost folder that is looked at
    :raises OSError: if a folder cannot be looked at
    """
    folder = os.path.dirname(path)
    while True:
        status = os.stat(folder)
        found = None if _keeps_owners(status) else flaw(folder, status, owner)
        if found is not None:
            return folder, found
        if folder in (top, os.path.dirname(folder)):
            return None
        folder = os.path.dirname(folder)


def flaw_of_path(path: str, owner: int = ROOT) -> tuple[str, str] | None:
    """Return what others may write to so that a path is another file, and why; None: nothing.

    The file itself is looked at, each folder above it, and the same for what links lead to.

    :raises OSError: if something cannot be looked at
    """
    start = os.path.abspath(path)
    left, seen = [start], set()
    while left:
        each = left.pop()
        if each in seen:
            continue
        seen.add(each)
        status = os.lstat(each)
        if not (each != start and _keeps_owners(status)) and (found := flaw(each, status, owner)):
            return each, found
        parent = os.path.dirname(each)
        left.append(parent)
        if stat.S_ISLNK(status.st_mode):
            target = os.path.join(os.path.realpath(parent), os.readlink(each))
            left.append(os.path.normpath(target))
    return None


def _keeps_owners(status: os.stat_result) -> bool:
    """Whether it is a folder like /tmp, where none but its owner can replace a file."""
    return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)
