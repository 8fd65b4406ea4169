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

"""The folder of maps that the guard applies: written to, listed, emptied; see ``remap_spool``."""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Iterator

from vfio_lm.compute.files import write_in_one_step
from vfio_lm.compute.guard.remap_spool import (
    SPOOL,
    SpooledMap,
    SpoolError,
    read_map,
    refuse_foreign_folder,
)

_SUFFIX = ".json"


class MapChange(enum.Enum):
    """What becomes of a map that is to be left for a server."""

    NONE = "is there already"
    WRITTEN = "written"
    REPLACED = "replaced"


class SpoolFolder:
    """Maps by the UUID of the server, in its canonical form.

    :param root: the folder that the host's files are under
    :param owner: the user from whom the guard takes maps
    """

    def __init__(self, root: str = "/", owner: int = 0) -> None:
        self._root = root
        self._owner = owner
        self._folder = os.path.join(root, SPOOL)

    def path(self, domain_uuid: str) -> str:
        """Return where the map for a server belongs."""
        return os.path.join(self._folder, domain_uuid + _SUFFIX)

    def read(self, domain_uuid: str) -> SpooledMap | None:
        """Return the map for a server as the guard reads it.

        :raises SpoolError: if there is one that the guard does not take
        """
        return read_map(domain_uuid, self._root, self._owner)

    def uuids(self) -> Iterator[str]:
        """Yield the servers for which there is a map, in order.

        :raises SpoolError: if the folder cannot be read
        """
        try:
            names = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return
        except OSError as exc:
            raise SpoolError(self._folder, f"cannot be read: {exc.strerror}") from None
        for name in names:
            if name.endswith(_SUFFIX):
                yield name.removesuffix(_SUFFIX)

    def write(
        self,
        domain_uuid: str,
        pci: dict[str, str],
        mdevs: dict[str, str],
        *,
        dry_run: bool = False,
    ) -> MapChange:
        """Leave a map for a server, whole or not at all.

        :raises SpoolError: if the guard would not take it from this user, or from this folder
        :raises FileError: if it cannot be written
        """
        if os.geteuid() != self._owner:
            raise SpoolError(
                self._folder, f"the guard takes a map from user {self._owner} only: run it as root"
            )
        if os.path.isdir(self._folder):
            self._refuse_foreign()
        change = self._change(domain_uuid, SpooledMap(self.path(domain_uuid), pci, mdevs))
        if change is not MapChange.NONE and not dry_run:
            self._make_folder()
            self._refuse_foreign()
            fields = {"pci": pci, "mdev": mdevs}
            text = json.dumps({key: pairs for key, pairs in fields.items() if pairs}, indent=2)
            write_in_one_step(self.path(domain_uuid), text + "\n", mode=0o600)
        return change

    def remove(self, domain_uuid: str, *, dry_run: bool = False) -> bool:
        """Take the map for a server away, whatever is in it.

        :returns: whether there was one
        :raises SpoolError: if it cannot be removed
        """
        path = self.path(domain_uuid)
        try:
            if dry_run:
                os.lstat(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise SpoolError(path, f"cannot be removed: {exc.strerror}") from None
        return True

    def _change(self, domain_uuid: str, wanted: SpooledMap) -> MapChange:
        if not os.path.lexists(wanted.path):
            return MapChange.WRITTEN
        try:
            now = self.read(domain_uuid)
        except SpoolError:
            now = None
        return MapChange.NONE if now == wanted else MapChange.REPLACED

    def _refuse_foreign(self) -> None:
        refuse_foreign_folder(self._folder, self._root, self._owner)

    def _make_folder(self) -> None:
        try:
            os.makedirs(os.path.dirname(self._folder), mode=0o755, exist_ok=True)
            if not os.path.isdir(self._folder):
                os.mkdir(self._folder, mode=0o700)
        except OSError as exc:
            raise SpoolError(self._folder, f"cannot be made: {exc.strerror}") from None
