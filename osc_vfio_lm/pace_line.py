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

"""How far live migrations have come, as one line for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from vfio_lm.progress_line import ProgressLine

if TYPE_CHECKING:
    from vfio_lm.migration import Pace

_WIDTH = 24
_MIB = 2**20


class PaceLine:
    """Shows how far live migrations have come: a bar on a terminal, elsewhere what is new.

    :param stream: where to
    """

    def __init__(self, stream: TextIO) -> None:
        self._line = ProgressLine(stream)
        self._last: dict[str, str] = {}

    def show(self, paces: Mapping[str, Pace]) -> None:
        """Show the paces of all that are in progress, by the names of their servers.

        The name may be empty where there is only one.
        """
        self._line.show(_line(paces))
        for name, pace in paces.items():
            # Seconds alone are no news.
            news = sentence(pace).rpartition(", ")[0]
            if news != self._last.get(name):
                self._last[name] = news
                self._line.note(f"{name}: {sentence(pace)}" if name else sentence(pace))

    def end(self) -> None:
        """Leave the line as it is, for other text to follow."""
        self._line.end()


def _line(paces: Mapping[str, Pace]) -> str:
    """Return what fits on one line: of several live migrations there is less to say of each."""
    if len(paces) == 1:
        ((name, pace),) = paces.items()
        return f"{name} {bar(pace)} {sentence(pace)}".lstrip()
    return ", ".join(f"{name} {pace.fraction or 0:.0%}" for name, pace in paces.items())


def bar(pace: Pace) -> str:
    """Return how much is over there as a bar."""
    filled = round((pace.fraction or 0.0) * _WIDTH)
    return f"[{'#' * filled}{'-' * (_WIDTH - filled)}]"


def sentence(pace: Pace) -> str:
    """Return a pace in words: memory, disk, rate, and last of all the seconds."""
    parts = [f"{pace.status} to {pace.destination}" if pace.destination else pace.status]
    if pace.fraction is not None:
        parts.append(f"{pace.fraction:.0%}")
    for kind, amount in (("memory", pace.memory), ("disk", pace.disk)):
        if amount is not None and amount.total:
            parts.append(
                f"{kind} {_mib(amount.processed)} of {_mib(amount.total)} MiB, "
                f"{_mib(amount.remaining)} MiB remaining"
            )
    if pace.bytes_per_second is not None:
        parts.append(f"{_mib(pace.bytes_per_second)} MiB/s")
    parts.append(f"{pace.seconds:.0f} s")
    return ", ".join(parts)


def _mib(amount: float) -> str:
    return f"{amount / _MIB:.0f}"
