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
``/proc/PID/root`` is the root folder as a process has it, so nothing is asked of the container.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator

NAMES = ("libvirtd", "virtqemud")
"""The programs that run QEMU; the second is the one of libvirt's modular daemons."""

HOOKS = "/etc/libvirt/hooks"
"""Libvirt's folder of hooks, as its packages have it."""

CALLED = "run/vfio-lm/called"
"""Touched by the guard each time that a daemon calls it; below the daemon's root."""


@dataclasses.dataclass(frozen=True)
class Daemon:
    """One running daemon."""

    name: str
    pid: int
    proc: str = "/proc"

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"

    @property
    def root(self) -> str:
        """The path of its root folder, as this process reaches it."""
        return f"{self.proc}/{self.pid}/root"

    @property
    def has_own_mounts(self) -> bool:
        """Whether it runs in a mount namespace of its own, as in a container.

        :raises OSError: if that cannot be looked at, as without root's rights
        """
        own = os.readlink(f"{self.proc}/self/ns/mnt")
        return os.readlink(f"{self.proc}/{self.pid}/ns/mnt") != own

    @property
    def view(self) -> str:
        """The folder below which a path is what the daemon means by it.

        :raises OSError: see :attr:`has_own_mounts`
        """
        return self.root if self.has_own_mounts else "/"

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

    def path_of(self, path: str) -> str:
        """Return the path by which this process reaches a path of the daemon's.

        :raises OSError: see :attr:`has_own_mounts`
        """
        return os.path.join(self.view, path.lstrip("/"))

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
        :raises OSError: see :attr:`has_own_mounts`
        """
        return tuple(dict.fromkeys([hooks, HOOKS] if self.has_own_mounts else [hooks]))

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
    return sorted(_daemons(proc), key=lambda each: each.pid)


def _daemons(proc: str) -> Iterator[Daemon]:
    for number in filter(str.isdecimal, os.listdir(proc)):
        with contextlib.suppress(OSError):  # it has just ended
            name = pathlib.Path(proc, number, "comm").read_text(errors="replace").strip()
            if name in NAMES:
                yield Daemon(name, int(number), proc)
