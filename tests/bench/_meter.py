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

"""What something costs in requests, seconds and memory; no benchmark of its own."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import time
from collections.abc import Callable
from typing import Any

from openstack.connection import Connection


@dataclasses.dataclass(frozen=True)
class Cost:
    """What something costs: requests to nova and placement, and seconds."""

    requests: float
    seconds: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.requests + other.requests, self.seconds + other.seconds)

    def __mul__(self, factor: float) -> Cost:
        return Cost(self.requests * factor, self.seconds * factor)

    def __str__(self) -> str:
        return f"{self.requests:8,.0f} requests {self.seconds:10,.2f} s"


def resident_mib(pid: int) -> float:
    """Return the largest memory that a process had."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError("the kernel does not tell")


def processor_seconds(pid: int) -> float:
    """Return how long a process has used a processor."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Meter:
    """Counts and times the requests of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._requests = 0
        self._request = connection.session.request
        connection.session.request = self._counted

    def _counted(self, *args: Any, **kwargs: Any) -> Any:
        self._requests += 1
        return self._request(*args, **kwargs)

    def cost(self, function: Callable[[], object]) -> Cost:
        self._requests = 0
        start = time.perf_counter()
        function()
        seconds = time.perf_counter() - start
        return Cost(self._requests, seconds)
