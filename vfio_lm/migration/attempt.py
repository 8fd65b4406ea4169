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

"""Reading what became of a live migration, from nova and from log files; it explains nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

from vfio_lm.cloud.model import Migration, ServerAction
from vfio_lm.cloud.model.migration import LIVE_MIGRATION, LIVE_MIGRATION_CANCEL
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.errors import NotFoundError
from vfio_lm.migration.explain import Attempt
from vfio_lm.migration.log_file import read_log
from vfio_lm.preflight import Report

# What is asked for and what is recorded of it are written by two services, on two clocks.
_CLOCKS = datetime.timedelta(seconds=5)


def find_migration(nova: MigrationClient, server_id: str, number: str | None = None) -> Migration:
    """Return a live migration of a server, by its ID or UUID, or else the last one.

    :raises NotFoundError: if there is none
    """
    if number is None:
        newest = nova.newest_migration(server_id)
        if newest is None:
            raise NotFoundError(
                f"nova has no record of a live migration of server {server_id}; it writes none "
                f"where it refuses the request at once"
            )
        return newest
    for migration in nova.migrations(server_id=server_id):
        if number in (str(migration.id), migration.uuid):
            return migration
    raise NotFoundError(f"server {server_id} has no live migration with the ID '{number}'")


def collect_attempt(
    nova: MigrationClient,
    migration: Migration,
    *,
    logs: Iterable[str] = (),
    report: Report | None = None,
) -> Attempt:
    """Ask nova for all that it recorded of a live migration, and look through log files.

    :param logs: files of nova-compute, nova-conductor or QEMU
    :raises LogError: if a file cannot be read
    :raises CloudError: if nova does not answer
    """
    actions = nova.actions(migration.server_id)
    action = _action_of(migration, actions)
    if action is not None:
        action = nova.action(migration.server_id, action.request_id)
    request_id = action.request_id if action else ""
    return Attempt(
        migration=migration,
        action=action,
        cancels=tuple(_cancels_of(migration, actions)),
        log=tuple(
            words for path in logs for words in read_log(path, migration.server_id, request_id)
        ),
        report=report,
    )


def _action_of(migration: Migration, actions: Iterable[ServerAction]) -> ServerAction | None:
    """Return the last request for a live migration before its record was written.

    Nothing else ties the two together.
    """
    before = [
        action
        for action in actions
        if action.name == LIVE_MIGRATION and action.started_at <= migration.created_at + _CLOCKS
    ]
    return max(before, key=lambda action: action.started_at, default=None)


def _cancels_of(migration: Migration, actions: Iterable[ServerAction]) -> Iterator[ServerAction]:
    end = migration.updated_at or migration.created_at
    for action in actions:
        if action.name == LIVE_MIGRATION_CANCEL and (
            migration.created_at - _CLOCKS <= action.started_at <= end + _CLOCKS
        ):
            yield action
