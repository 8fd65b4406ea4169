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

"""A process of this host, in a container or not, and the files as it has them; nothing is asked.

``/proc/PID/root`` is the root folder as a process has it, so nothing is asked of its container.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Process:
    """One running process."""

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
        """The folder below which a path is what the process means by it.

        :raises OSError: see :attr:`has_own_mounts`
        """
        return self.root if self.has_own_mounts else "/"

    def path_of(self, path: str) -> str:
        """Return the path by which this process reaches a path of the other's.

        :raises OSError: see :attr:`has_own_mounts`
        """
        return os.path.join(self.view, path.lstrip("/"))

    @property
    def arguments(self) -> list[str]:
        """Its command line.

        :raises OSError: if it has ended
        """
        content = pathlib.Path(self.proc, str(self.pid), "cmdline").read_bytes()
        return [each.decode(errors="replace") for each in content.rstrip(b"\0").split(b"\0")]


def processes(proc: str = "/proc") -> Iterator[Process]:
    """Yield the processes that run, the oldest number first."""
    for number in sorted(filter(str.isdecimal, os.listdir(proc)), key=int):
        with contextlib.suppress(OSError):  # it has just ended
            name = pathlib.Path(proc, number, "comm").read_text(errors="replace").strip()
            yield Process(name, int(number), proc)
