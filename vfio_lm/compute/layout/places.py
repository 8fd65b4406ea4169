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

"""Where the files of a host's libvirt and nova-compute are, as this process reaches them.

What runs shows its own files, in a container or not. Where nothing runs, and in a copy of a host's
files, the table says where they belong. A folder that is not where it belongs is unknown, and no
proof that a host has no servers.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence

from vfio_lm.compute.guard.daemon import Daemon, running_daemons
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.layout.folders import LibvirtFolders
from vfio_lm.compute.layout.nova_compute import conf_paths, present, running_nova_computes
from vfio_lm.compute.layout.process import Process
from vfio_lm.compute.layout.table import BY_NAME, LAYOUTS, NO_OTHER, Layout

_AS_ROOT = "{} cannot be looked at: {}; run this as root"


class HostPlaces:
    """The places of one host.

    :param root: the folder that its files are under
    :param layout: how it is deployed; None: as its files show
    :param daemons: those of libvirt that run there, which show their own files
    :param nova_computes: that run there
    :param is_live: whether it is the host that this process runs on, and no copy of its files
    """

    def __init__(
        self,
        root: str = "/",
        layout: Layout | None = None,
        *,
        daemons: Sequence[Daemon] = (),
        nova_computes: Sequence[Process] = (),
        is_live: bool = True,
    ) -> None:
        self._root = root
        self._is_named = layout is not None
        self._daemons = daemons
        self._nova_computes = nova_computes
        self._is_live = is_live
        self.layout = layout or self._found_layout()

    def definitions(self) -> tuple[str, ...]:
        """Return the folders with the definitions of domains.

        :raises NotKnownError: if there may be some elsewhere
        """
        return self._folders(lambda each: each.definitions, self.layout.definitions)

    def status(self) -> tuple[str, ...]:
        """Return the folders with a file for each domain that runs.

        :raises NotKnownError: if there may be some elsewhere
        """
        return self._folders(lambda each: each.status, self.layout.status)

    def logs(self) -> tuple[str, ...]:
        """Return the folders with QEMU's logs.

        :raises NotKnownError: if they cannot be reached from here; the text says where they are
        """
        folders = [] if self._is_named else self._in_daemons(lambda each: each.logs)
        if not folders and self.layout.logs is not None:
            folders = [self._path(self.layout.logs)]
        if not folders:
            inside = self.layout.as_daemon_has_them.logs
            raise NotKnownError(f"{inside} in the container {self.layout.container} alone has them")
        return tuple(folders)

    def log_of(self, domain: str) -> str:
        """Return where QEMU's log of a domain is.

        :raises NotKnownError: if it is in none of the places; the text names them
        """
        paths = [os.path.join(folder, f"{domain}.log") for folder in self.logs()]
        found = next(filter(os.path.exists, paths), None)
        if found is None:
            raise NotKnownError(f"{', '.join(paths)}: there is no such file")
        return found

    def nova_conf(self) -> tuple[str, ...]:
        """Return the files and folders that nova-compute reads; later ones override earlier ones.

        :raises NotKnownError: if it is unknown which they are, or they cannot be read
        """
        paths = self._of_running() if self._nova_computes and not self._is_named else None
        if paths is None:
            root = glob.escape(self._root)
            paths = present(os.path.join(root, p.lstrip("/")) for p in self.layout.nova_conf)
        if not paths:
            where = ", ".join(self.layout.nova_conf) or "that of a nova-compute that runs"
            raise NotKnownError(f"there is no nova.conf ({where})")
        for path in paths:
            if not os.access(path, os.R_OK):
                raise NotKnownError(_AS_ROOT.format(path, "Permission denied"))
        return paths

    def hooks(self) -> str:
        """Return libvirt's folder of hooks, as the host or else its daemon has it."""
        return self.layout.hooks or self.layout.as_daemon_has_them.hooks

    def _found_layout(self) -> Layout:
        return next((each for each in LAYOUTS if any(map(self._matches, each.marks))), NO_OTHER)

    def _matches(self, pattern: str) -> bool:
        return bool(glob.glob(os.path.join(glob.escape(self._root), pattern.lstrip("/"))))

    def _path(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))

    def _folders(self, own: Callable[[LibvirtFolders], str], on_host: str) -> tuple[str, ...]:
        if self._daemons and not self._is_named:
            folders = self._in_daemons(own)
        else:
            folders = [self._path(on_host)]
            if self._has_no_libvirt and not os.path.isdir(folders[0]):
                return ()
        for folder in folders:
            if not os.path.isdir(folder):
                raise NotKnownError(self._absent(folder))
        return tuple(folders)

    @property
    def _has_no_libvirt(self) -> bool:
        """Whether no daemon runs, and no other place for its files is known than the usual one."""
        return self._is_live and not self._daemons and self.layout is NO_OTHER

    def _absent(self, folder: str) -> str:
        if not self._is_live:
            name = os.path.relpath(folder, self._root)
            return f"{self._root} holds no {name}, so it does not tell who has which device"
        beside = f" beside {self._daemons[0]}" if self._daemons else ""
        return (
            f"{folder}: there is no such folder{beside}, so it is unknown who has which device; "
            f"name the way in which the host is deployed with --layout (now: {self.layout.name})"
        )

    def _in_daemons(self, own: Callable[[LibvirtFolders], str]) -> list[str]:
        found = []
        for daemon in self._daemons:
            try:
                found.append(daemon.path_of(own(daemon.folders)))
            except OSError as exc:
                raise NotKnownError(_AS_ROOT.format(daemon, exc.strerror or exc)) from None
        return list(dict.fromkeys(found))

    def _of_running(self) -> tuple[str, ...]:
        """Return what the nova-compute that runs reads.

        :raises NotKnownError: if several run that read other files
        """
        found = {}
        for process in self._nova_computes:
            try:
                found[conf_paths(process)] = process
            except OSError as exc:
                raise NotKnownError(_AS_ROOT.format(process, exc.strerror or exc)) from None
        if len(found) > 1:
            named = " and ".join(map(str, found.values()))
            raise NotKnownError(f"{named} read other files: name those of one with --nova-conf")
        return next(iter(found))


def places_of(root: str = "/", layout: str | None = None, proc: str = "/proc") -> HostPlaces:
    """Look where the files of a host are.

    :param root: the folder that its files are under; only for the running host, processes count
    :param layout: the name of a row of the table; None: as the host's files show
    """
    is_live = os.path.realpath(root) == "/"
    return HostPlaces(
        root,
        BY_NAME[layout] if layout else None,
        daemons=running_daemons(proc) if is_live else (),
        nova_computes=running_nova_computes(proc) if is_live else (),
        is_live=is_live,
    )
