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

"""What an interpreter reads when it starts without ``site``, found without running it."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator

_VERSION = re.compile(r"python(3\.\d+)")
_FOREIGN = frozenset(("site-packages", "dist-packages"))
"""Folders of the library that are only read with ``site``."""


def libraries(python: str) -> tuple[str, ...]:
    """Return the folders of the standard library that belong to an interpreter.

    Like the interpreter itself (``Modules/getpath.py``), this looks for ``os.py`` above the file
    that links lead to; what is only known from how it was built is ``/usr`` or ``/usr/local``.

    :param python: its path
    """
    real = os.path.realpath(python)
    version = _VERSION.match(os.path.basename(real))
    name = f"python{version[1] if version else '3*'}"
    for prefix in (*_parents(real), "/usr", "/usr/local"):
        if found := glob.glob(f"{glob.escape(prefix)}/lib*/{name}/os.py"):
            return tuple(sorted(map(os.path.dirname, found)))
    return ()


def configuration(python: str) -> Iterator[str]:
    """Yield the files that say where the library is, if they are there."""
    for folder in dict.fromkeys(map(os.path.dirname, (python, os.path.realpath(python)))):
        for path in (f"{folder}/pyvenv.cfg", f"{os.path.dirname(folder)}/pyvenv.cfg"):
            if os.path.lexists(path):
                yield path


def entries(library: str) -> Iterator[os.DirEntry[str]]:
    """Yield each file and folder below a library.

    :raises OSError: if a folder cannot be looked at
    """
    left = [library]
    while left:
        with os.scandir(left.pop()) as found:
            for entry in found:
                if entry.name in _FOREIGN:
                    continue
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)


def _parents(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent
