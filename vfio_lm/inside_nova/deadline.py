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

"""How much time is left for an answer."""

from __future__ import annotations

import time


class Deadline:
    """A time on the clock of the process, once it is set."""

    def __init__(self) -> None:
        self._end: float | None = None

    def set(self, seconds: float | None) -> None:
        """Let so many seconds be left from now on; None: no limit."""
        self._end = None if seconds is None else time.monotonic() + seconds

    def is_over(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and time.monotonic() > self._end
