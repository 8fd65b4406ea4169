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

"""Watching one live migration until it is over; whether it is a good end is judged elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from vfio_lm.cloud.model import Migration
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.migration.progress import Pace, Pacer
from vfio_lm.polling import SYSTEM_CLOCK, Clock, poll

_POLL_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class End:
    """What was seen last of a live migration."""

    migration: Migration | None
    """None where nova gave up before it wrote a record."""
    is_over: bool
    """False where the time was up before."""


def look(nova: MigrationClient, server_id: str, after: int) -> End:
    """Return how a live migration stands.

    :param after: the ID of the last migration before this one, or 0
    :raises CloudError: if nova does not answer
    """
    # First the server: the API gives it its task before it answers, so that a server
    # without one and without a record is one that nova has given up.
    server = nova.server(server_id)
    newest = nova.newest_migration(server_id)
    migration = newest if newest is not None and newest.id > after else None
    is_busy = server.task_state is not None
    is_running = migration is not None and migration.is_in_progress
    return End(migration=migration, is_over=not is_busy and not is_running)


class Follower:
    """Watches the live migration of a server.

    :param tell: called with the pace as often as nova is asked
    """

    def __init__(
        self, nova: MigrationClient, tell: Callable[[Pace], None], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._nova = nova
        self._tell = tell
        self._clock = clock

    def follow(self, server_id: str, after: int, timeout: float | None) -> End:
        """Wait until the live migration is over, on both hosts.

        The destination gives the server free (no task, the new host) before the source has
        cleaned up; only the record of the migration shows when that is done, too
        (``_post_live_migration`` in nova/compute/manager.py, nova 34.0.0).

        :param after: the ID of the last migration before this one, or 0
        :param timeout: seconds; None waits as long as it takes
        :raises CloudError: if nova does not answer
        """
        pacer = Pacer()

        def end(seconds: float) -> End | None:
            now = look(self._nova, server_id, after)
            if now.is_over:
                return now
            if (progress := self._nova.in_progress(server_id)) is not None:
                self._tell(pacer.pace(progress, seconds))
            return now if timeout is not None and seconds >= timeout else None

        return poll(end, every=_POLL_SECONDS, clock=self._clock)
