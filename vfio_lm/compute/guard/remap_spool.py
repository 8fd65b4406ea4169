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

"""Maps that an operator leaves on the destination for the guard to apply; not the applying.

One file for each server, ``/var/lib/vfio-lm/remap/<UUID of the domain>.json``::

    {"pci": {"0000:81:00.1": "0000:82:00.4"}, "mdev": {}}

What is in it ends up in the domain's XML, so only root may have written it. The guard reads it, so
nothing heavy is imported here; :mod:`vfio_lm.compute.guard.spool_folder` writes it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from vfio_lm.compute.guard import trust
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.input_file import InputFileError, open_regular

SPOOL = "var/lib/vfio-lm/remap"
"""Below the root of the host's files."""

_LARGEST_BYTES = 1024 * 1024
_KEYS = ("pci", "mdev")


class SpoolError(VfioLmError):
    """A map that cannot be read, that somebody else may have written, or that is none."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class SpooledMap:
    """What becomes of a domain's devices when it arrives."""

    path: str
    pci: Mapping[str, str]
    mdevs: Mapping[str, str]


def read_map(domain_uuid: str, root: str = "/", owner: int = trust.ROOT) -> SpooledMap | None:
    """Return the map for a domain, or None if there is none.

    :param domain_uuid: canonical
    :param root: the folder that the host's files are under
    :param owner: the user who has to own the file and its folders, if not root
    :raises SpoolError: if there is a file, and it is not to be used
    """
    folder = os.path.join(root, SPOOL)
    path = os.path.join(folder, f"{domain_uuid}.json")
    try:
        with open_regular(path, follows_links=False) as file:
            refuse_foreign_folder(folder, root, owner)
            if found := trust.flaw(path, os.fstat(file.fileno()), owner):
                raise SpoolError(path, found)
            content = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        return None
    except InputFileError as exc:
        raise SpoolError(path, exc.reason) from None
    except OSError as exc:
        raise SpoolError(path, f"cannot be read: {exc.strerror}") from None
    if len(content) > _LARGEST_BYTES:
        raise SpoolError(path, "exceeds 1 MiB, the limit for a map")
    return _parse(path, content)


def refuse_foreign_folder(folder: str, root: str, owner: int) -> None:
    """Refuse the folder of maps if others may write to it, or to a folder above it.

    :raises SpoolError: if so
    :raises OSError: if it cannot be looked at
    """
    if found := trust.flaw(folder, os.stat(folder), owner):
        raise SpoolError(folder, found)
    if above := trust.flaw_of_parents(os.path.realpath(folder), os.path.realpath(root), owner):
        raise SpoolError(*above)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is there twice")
    return fields


def _parse(path: str, content: bytes) -> SpooledMap:
    import json

    try:
        fields = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as exc:
        raise SpoolError(path, f"is not valid JSON: {exc}") from None
    if not isinstance(fields, dict) or not fields or not set(fields) <= set(_KEYS):
        raise SpoolError(path, "is not an object with pci, mdev or both")
    for key, pairs in fields.items():
        if not isinstance(pairs, dict) or not all(isinstance(to, str) for to in pairs.values()):
            raise SpoolError(path, f"{key} is not an object of strings")
    return SpooledMap(path=path, pci=fields.get("pci", {}), mdevs=fields.get("mdev", {}))
