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

"""How fast a live migration gets on, from what nova reports over time; nothing is shown."""

from __future__ import annotations

import dataclasses

from vfio_lm.cloud.model import Amount, Progress


@dataclasses.dataclass(frozen=True)
class Pace:
    """A live migration as it stands after some seconds."""

    status: str
    destination: str
    memory: Amount | None
    disk: Amount | None
    seconds: float
    """Since it was asked for."""
    bytes_per_second: float | None
    """None until nova has reported twice how much was copied."""

    @property
    def fraction(self) -> float | None:
        """How much of memory and disk is over there, from 0 to 1; None where that is not known.

        It may shrink, where the guest writes faster than its memory is copied.
        """
        total = sum(amount.total for amount in self._amounts)
        left = sum(amount.remaining for amount in self._amounts)
        return min(1.0, max(0.0, 1 - left / total)) if total > 0 else None

    @property
    def _amounts(self) -> tuple[Amount, ...]:
        return tuple(amount for amount in (self.memory, self.disk) if amount is not None)


class Pacer:
    """Turns what nova reports into a pace.

    Nova-compute asks the hypervisor every half second, and writes down every fifth second
    (``_live_migration_monitor`` in nova/virt/libvirt/driver.py, nova 34.0.0), so that the same
    numbers come several times.
    """

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._rate: float | None = None

    def pace(self, progress: Progress, seconds: float) -> Pace:
        """Return the pace after so many seconds."""
        amounts = [amount for amount in (progress.memory, progress.disk) if amount is not None]
        if amounts:
            self._count(seconds, sum(amount.processed for amount in amounts))
        return Pace(
            status=progress.migration.status,
            destination=progress.migration.destination,
            memory=progress.memory,
            disk=progress.disk,
            seconds=seconds,
            bytes_per_second=self._rate,
        )

    def _count(self, seconds: float, processed: int) -> None:
        if self._first is None:
            self._first = seconds, processed
            return
        since, before = self._first
        if processed > before and seconds > since:
            self._rate = (processed - before) / (seconds - since)
            self._first = seconds, processed
