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

"""How far a live migration is, as text; it neither asks libvirt nor judges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from vfio_lm.progress_line import ProgressLine

_BAR_WIDTH = 30
_MIB = 1024 * 1024

_PLAIN_STEP = 10
"""Per cent between two lines where no line can be overwritten."""


@dataclasses.dataclass(frozen=True)
class JobProgress:
    """Numbers of a migration's job. Memory that the guest writes again has to be sent again."""

    elapsed_ms: int
    total: int
    """Bytes of the guest's memory and devices."""
    processed: int
    """Bytes sent, and so perhaps more than there are."""
    remaining: int
    """Bytes still to be sent."""
    iteration: int
    """How many times the guest's memory was gone through."""

    @classmethod
    def of(cls, stats: Mapping[str, Any]) -> JobProgress | None:
        """Read what ``virDomainGetJobStats`` gives; None before there is anything to tell."""
        if not stats.get("data_total"):
            return None
        return cls(
            elapsed_ms=int(stats.get("time_elapsed", 0)),
            total=int(stats["data_total"]),
            processed=int(stats.get("data_processed", 0)),
            remaining=int(stats.get("data_remaining", 0)),
            iteration=int(stats.get("memory_iteration", 0)),
        )

    @property
    def percent(self) -> int:
        """Of the data that need not be sent (again), 0 to 100."""
        return max(0, min(100, 100 - 100 * self.remaining // max(self.total, 1)))

    def __str__(self) -> str:
        return (
            f"{self.percent:3d} %  {self.remaining // _MIB} MiB to go of "
            f"{self.total // _MIB} MiB, {self.processed // _MIB} MiB sent, "
            f"pass {self.iteration}, {self.elapsed_ms / 1000:.0f} s"
        )


class JobProgressLine:
    """Shows progress: a bar on a terminal, a line for each tenth and each pass elsewhere.

    :param line: where to show it
    """

    def __init__(self, line: ProgressLine) -> None:
        self._line = line
        self._shown = -_PLAIN_STEP
        self._iteration = -1

    def show(self, progress: JobProgress) -> None:
        """Show how far it is."""
        filled = _BAR_WIDTH * progress.percent // 100
        self._line.show(f"[{'#' * filled:{_BAR_WIDTH}}] {progress}")
        is_other_pass = progress.iteration != self._iteration
        if is_other_pass or abs(progress.percent - self._shown) >= _PLAIN_STEP:
            self._shown, self._iteration = progress.percent, progress.iteration
            self._line.note(str(progress))
