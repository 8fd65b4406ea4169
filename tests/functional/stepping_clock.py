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

"""A wall clock of one process that can step; the clock that it counts durations with goes on.

libfaketime would do, but with it Python's ``time.sleep`` fails.
"""

from __future__ import annotations

import mmap
import pathlib
import struct
import subprocess
from collections.abc import Mapping

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *ahead;

__attribute__((constructor)) static void find_file(void) {
    int file = open(getenv("CLOCK_FILE"), O_RDONLY);
    ahead = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    close(file);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    int status = syscall(SYS_clock_gettime, which, now);
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) now->tv_sec += *ahead;
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    int status = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return status;
}

time_t time(time_t *result) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (result) *result = exact.tv_sec;
    return exact.tv_sec;
}
"""


class SteppingClock:
    """A clock that goes right at first.

    :param folder: for its files
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._library = folder / "stepping_clock.so"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-o", self._library, "-x", "c", "-"],
            input=_SOURCE.encode(),
            check=True,
        )
        self._file = folder / "clock"
        self._file.write_bytes(bytes(mmap.PAGESIZE))

    def step_to(self, hours: int) -> None:
        """Let the clock be so many hours ahead from now on."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("l", hours * 3600))

    @property
    def environ(self) -> Mapping[str, str]:
        """What a process is started with so that it goes by this clock."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_FILE": str(self._file)}
