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

"""The libvirt daemons that run here, and what of the guard's files each of them sees.

In many clouds the daemon runs in a container, with another ``/etc`` and ``/usr`` than the host's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib

from vfio_lm.compute.layout.folders import AS_PACKAGED, IN_SNAP, SNAP_PROGRAMS, LibvirtFolders
from vfio_lm.compute.layout.process import Process, processes

NAMES = ("libvirtd", "virtqemud")
"""The programs that run QEMU; the second is the one of libvirt's modular daemons."""

HOOKS = AS_PACKAGED.hooks
"""Libvirt's folder of hooks, as its packages have it."""

CALLED = "run/vfio-lm/called"
"""Touched by the guard each time that a daemon calls it; below the daemon's root."""


@dataclasses.dataclass(frozen=True)
class Daemon(Process):
    """One running daemon."""

    @property
    def folders(self) -> LibvirtFolders:
        """Where it has its files, which depends on how it was built.

        :raises OSError: if it cannot be looked at, as without root's rights
        """
        try:
            program = os.readlink(f"{self.proc}/{self.pid}/exe")
        except FileNotFoundError:
            program = ""
        return IN_SNAP if program.startswith(SNAP_PROGRAMS) else AS_PACKAGED

    @property
    def started_at(self) -> float:
        """When it started, in seconds of the time of day.

        Source: ``proc(5)``, ``starttime`` in ticks since the boot, and ``btime``.

        :raises OSError: if it has ended
        """
        text = pathlib.Path(self.proc, str(self.pid), "stat").read_text(errors="replace")
        # The name before the last parenthesis may hold blanks.
        ticks = int(text.rpartition(")")[2].split()[19])
        for line in pathlib.Path(self.proc, "stat").read_text().splitlines():
            if line.startswith("btime "):
                return int(line.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
        raise OSError("/proc/stat has no btime")

    def shares(self, path: str, name: str | None = None) -> bool:
        """Whether a file or folder of this process is the very same one to the daemon.

        :param name: the path that the daemon has for it; the same, if not given
        :raises OSError: if one of the two cannot be looked at
        """
        try:
            return os.path.samefile(path, self.path_of(name or path))
        except FileNotFoundError:
            return False

    def hooks_of(self, hooks: str) -> tuple[str, ...]:
        """Return where the daemon may have hooks, as it calls the folders.

        :param hooks: the folder where they are put on this host
        :raises OSError: see :attr:`~vfio_lm.compute.layout.process.Process.has_own_mounts`
        """
        own = self.folders.hooks
        has_other = self.has_own_mounts or own != HOOKS
        return tuple(dict.fromkeys([hooks, own] if has_other else [hooks]))

    def has_found_hooks(self, folder: str) -> bool:
        """Whether it found a hook for QEMU when it started, so that it runs any.

        Which drivers have hooks is found out when a daemon starts or gets SIGHUP; the folder
        ``qemu.d`` is read at each call. Source: ``virHookInitialize`` in libvirt's
        ``src/util/virhook.c``, measured with libvirt 9.0.

        :param folder: of the hooks, as the daemon sees it
        :raises OSError: if it cannot be looked at
        """
        scripts = [self.path_of(os.path.join(folder, "qemu"))]
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            scripts += (entry.path for entry in os.scandir(f"{scripts[0]}.d"))
        return any(self._is_older_hook(path) for path in scripts)

    def _is_older_hook(self, path: str) -> bool:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return False
        return bool(status.st_mode & 0o111) and status.st_ctime < self.started_at

    def last_call(self) -> float | None:
        """Return when the daemon called the guard last, in seconds of the time of day.

        :raises OSError: if that cannot be looked at
        """
        try:
            return os.stat(self.path_of(f"/{CALLED}")).st_mtime
        except FileNotFoundError:
            return None


def running_daemons(proc: str = "/proc") -> list[Daemon]:
    """Return the daemons that run."""
    return [Daemon(each.name, each.pid, proc) for each in processes(proc) if each.name in NAMES]
