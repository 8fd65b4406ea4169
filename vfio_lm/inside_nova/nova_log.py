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

"""What nova logs while something is asked of it."""

from __future__ import annotations

import logging

#: Said again for every host and candidate, and no reason for anything.
_CHATTER = (
    "tries allocation candidate",
    "accepted allocation candidate",
    "Require both a host and instance NUMA",
    "Starting with ",
    "Acquiring lock",
    "Acquired lock",
    "Releasing lock",
    'Lock "',
)
_LONGEST_LINE = 400
_MOST_LINES = 20


class NovaLog(logging.Handler):
    """Keeps what is logged by nova, and by whatever else runs as part of it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []

    def attach(self, *names: str) -> None:
        """Listen to loggers; what they say goes nowhere else."""
        for name in names:
            logger = logging.getLogger(name)
            logger.handlers[:] = [self]
            logger.setLevel(logging.DEBUG)
            logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        text = " ".join(record.getMessage().split())[:_LONGEST_LINE]
        if not any(each in text for each in _CHATTER):
            self._lines.append(text)

    def take(self) -> list[str]:
        """Return what was logged since the last time, each line once; the last ones if many."""
        lines, self._lines = self._lines, []
        return list(dict.fromkeys(lines))[-_MOST_LINES:]
