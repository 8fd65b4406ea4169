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

"""Progress for people: of live migrations, and of something that is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from vfio_lm.migration import Pace

_WIDTH = 24
_MIB = 2**20
_ERASE_TO_END = "\x1b[K"


class ProgressLine:
    """Shows how far live migrations have come.

    :param stream: where to; a terminal is shown a bar
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._last: dict[str, str] = {}
        self._is_open = False

    def show(self, pace: Pace) -> None:
        """Show the pace of the only one; without a terminal only what is new in it."""
        self.show_all({"": pace})

    def show_all(self, paces: Mapping[str, Pace]) -> None:
        """Show the paces of all that are in progress, by the names of their servers."""
        if self._is_terminal:
            self._stream.write(f"\r{_line(paces)}{_ERASE_TO_END}")
            self._is_open = True
        else:
            for name, pace in paces.items():
                # Seconds alone are no news.
                news = sentence(pace).rpartition(", ")[0]
                if news != self._last.get(name):
                    self._last[name] = news
                    self._stream.write(
                        f"{name}: {sentence(pace)}\n" if name else f"{sentence(pace)}\n"
                    )
        self._stream.flush()

    def close(self) -> None:
        """End the line that is open, if one is."""
        if self._is_open:
            self._stream.write("\n")
            self._stream.flush()
            self._is_open = False


def _line(paces: Mapping[str, Pace]) -> str:
    """Return what fits on one line: of several live migrations there is less to say of each."""
    if len(paces) == 1:
        ((name, pace),) = paces.items()
        return f"{name} {bar(pace)} {sentence(pace)}".lstrip()
    return ", ".join(f"{name} {pace.fraction or 0:.0%}" for name, pace in paces.items())


class CountLine:
    """Shows on a terminal how much of something is done; elsewhere nothing.

    :param stream: where to
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()

    def show(self, what: str, done: int, total: int) -> None:
        """Show what is being done, in place of what was shown before."""
        if self._is_terminal:
            self._stream.write(f"\r{what}: {done:,} of {total:,}{_ERASE_TO_END}")
            self._stream.flush()

    def close(self) -> None:
        """Erase the line, for it is of no use any more."""
        if self._is_terminal:
            self._stream.write(f"\r{_ERASE_TO_END}")
            self._stream.flush()


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
