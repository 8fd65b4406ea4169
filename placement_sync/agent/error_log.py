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

"""Errors of rounds as the log has them: each kind once when it comes and once when it goes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from oslo_log import log as logging

from vfio_lm.errors import CloudError
from vfio_lm.quoting import without_credentials

LOG = logging.getLogger(__name__)

_UUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"

_VOLATILE = re.compile(rf"0x[0-9a-f]+|req-{_UUID}|{_UUID}")
"""What makes the same error look like another one in each round."""

_NUMBER = re.compile(r"\b(?![45]\d\d\b)\d+(?:\.\d+)?\b")
"""Any but the status of a refusal."""


class ErrorLog:
    """Says what has begun and what has ended since the round before."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def say(self, errors: Sequence[BaseException | str]) -> None:
        """Take all errors of a round."""
        now: dict[str, str] = {}
        for error in errors:
            now.setdefault(_kind(error), one_line(error))
        for kind in sorted(now.keys() - self._known.keys()):
            LOG.error("%s", now[kind])
        for kind in sorted(self._known.keys() - now.keys()):
            LOG.info("No longer: %s", self._known[kind])
        self._known = now

    def knows(self, error: BaseException) -> bool:
        """Whether the round before had an error of this kind."""
        return _kind(error) in self._known


def one_line(error: BaseException | str) -> str:
    """Return an error without line breaks and passwords, or its type where it has no text."""
    return without_credentials(" ".join(str(error).split())) or type(error).__name__


def _kind(error: BaseException | str) -> str:
    """Return what two errors have in common that are the same to an operator."""
    kind = _VOLATILE.sub("", one_line(error))
    # Services answer with times, sizes and positions; numbers distinguish files and hosts.
    return _NUMBER.sub("", kind) if isinstance(error, CloudError) else kind
