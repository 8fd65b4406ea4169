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

"""What QEMU's log says of the state of VFIO devices that came in; where the log is, others know.

Libvirt calls a migration a success even if the driver on the destination refused the device's
state: QEMU resets the device, says so in its log, and goes on.
"""

from __future__ import annotations

import dataclasses
import datetime
import re

from vfio_lm.error_texts import is_of_a_lost_state
from vfio_lm.iso_time import read_time

_START = re.compile(r"^(\S+ \S+): starting up libvirt version")
_TIME = re.compile(r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d{4}))\b")
_INCOMING = re.compile(r"^-incoming\b")


@dataclasses.dataclass(frozen=True)
class LogFindings:
    """What the log of one domain says of its last start."""

    started_at: datetime.datetime | None
    """When QEMU started last; None where the log does not tell."""
    is_incoming: bool
    """Whether it was started to take a migration in."""
    refused: tuple[str, ...]
    """The lines that tell of a state that was not taken."""


def scan(text: str, since: datetime.datetime | None = None) -> LogFindings:
    """Read the log of a domain from the last start of its QEMU on.

    :param since: lines that are older are not looked at; a line without a time has that of the
        line before it
    """
    started_at: datetime.datetime | None = None
    is_incoming = False
    refused: list[str] = []
    time: datetime.datetime | None = None
    for line in text.splitlines():
        time = _time_of(line) or time
        if since is not None and (time is None or time < since):
            continue
        if _START.match(line):
            started_at, is_incoming, refused = time, False, []
        elif _INCOMING.match(line):
            is_incoming = True
        elif is_of_a_lost_state(line):
            refused.append(line.strip())
    return LogFindings(started_at, is_incoming, tuple(refused))


def _time_of(line: str) -> datetime.datetime | None:
    """Return the time that a line of libvirt's or QEMU's begins with."""
    found = _TIME.match(line)
    if found is None:
        return None
    try:
        return read_time(found[1])
    except ValueError:  # the 31st of February
        return None
