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

"""Folders with a file for each of many hosts, named after it; what is in it is read elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence

from vfio_lm.errors import ConfigError

_CONF = ".conf"
_FACTS = ".json"


def conf_files(folder: str | os.PathLike[str]) -> dict[str, tuple[str, ...]]:
    """Return what describes each host: ``<host>.conf``, or a conf.d folder ``<host>/``.

    All other files are passed over.

    :raises ConfigError: if the folder cannot be read
    """
    return _entries(folder, _CONF, takes_folders=True)


def facts_files(folder: str | os.PathLike[str]) -> dict[str, tuple[str, ...]]:
    """Return the file ``<host>.json`` of each host; all other files are passed over.

    :raises ConfigError: if the folder cannot be read
    """
    return _entries(folder, _FACTS)


def only(host: str, paths: Sequence[str]) -> str:
    """Return the path that describes a host.

    :raises ConfigError: if there are two
    """
    if len(paths) > 1:
        raise ConfigError(
            ", ".join(paths), "", "", f"host {host} is described twice: keep one of the two"
        )
    return paths[0]


def _entries(
    folder: str | os.PathLike[str], suffix: str, *, takes_folders: bool = False
) -> dict[str, tuple[str, ...]]:
    where = os.fspath(folder)
    found: dict[str, tuple[str, ...]] = {}
    try:
        entries = sorted(os.scandir(where), key=lambda entry: entry.name)
    except OSError as exc:
        raise ConfigError(where, "", "", f"cannot be read: {exc.strerror}") from None
    for entry in entries:
        name = entry.name.removesuffix(suffix)
        is_folder = takes_folders and entry.is_dir() and name == entry.name
        if name and not name.startswith(".") and (is_folder or name != entry.name):
            found[name] = (*found.get(name, ()), entry.path)
    return found
