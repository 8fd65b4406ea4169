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

"""Asking again and again until there is an answer; what is asked is the caller's business."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TypeVar, overload

_Answer = TypeVar("_Answer")


@dataclasses.dataclass(frozen=True)
class Clock:
    """Knows the time and lets it pass. A test passes its own, and waits for nothing."""

    now: Callable[[], float] = time.monotonic
    """Seconds since some moment in the past."""
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


@overload
def poll(
    look: Callable[[float], _Answer | None],
    *,
    every: float,
    limit: None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> _Answer: ...


@overload
def poll(
    look: Callable[[float], _Answer | None],
    *,
    every: float,
    limit: float,
    clock: Clock = SYSTEM_CLOCK,
) -> _Answer | None: ...


def poll(
    look: Callable[[float], _Answer | None],
    *,
    every: float,
    limit: float | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> _Answer | None:
    """Look until there is an answer, or the time is up.

    :param look: takes the seconds since the first look; returns None to be called again
    :param every: seconds between two looks
    :param limit: seconds after which no other look follows; None looks as long as it takes
    :returns: the answer; None if there was none in time
    """
    began = clock.now()
    while True:
        seconds = clock.now() - began
        answer = look(seconds)
        if answer is not None or (limit is not None and seconds >= limit):
            return answer
        clock.sleep(every)
