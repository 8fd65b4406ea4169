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

"""What processes hold on to: memory, threads and open files."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What one process has."""

    mib: float
    threads: int
    files: int

    @classmethod
    def by(cls, pid: int) -> Held:
        """Ask the kernel."""
        process = pathlib.Path(f"/proc/{pid}")
        lines = (process / "status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return cls(
            mib=int(fields["VmRSS"].split()[0]) / 1024,
            threads=int(fields["Threads"]),
            files=len(list((process / "fd").iterdir())),
        )


def largest(of_processes: Iterable[Held]) -> Held:
    """Return the most of each that any process has."""
    known = list(of_processes)
    return Held(
        mib=max(each.mib for each in known),
        threads=max(each.threads for each in known),
        files=max(each.files for each in known),
    )
