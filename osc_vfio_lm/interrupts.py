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

"""Ctrl-C while a request is under way that must not be torn, so that it is known what was begun."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """Takes Ctrl-C as long as it is entered: the first is noted, each other one is raised."""

    def __init__(self) -> None:
        self._number = 0
        self._noted = 1
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        """Take Ctrl-C."""
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give Ctrl-C back."""
        signal.signal(signal.SIGINT, self._before)

    @property
    def came(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._number > 0

    def let_through(self) -> None:
        """Raise each from now on, and one that came before.

        :raises KeyboardInterrupt: if one came
        """
        self._noted = 0
        if self.came:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        # Nothing is written here: the handler may have come in the middle of a line.
        self._number += 1
        if self._number > self._noted:
            raise KeyboardInterrupt
