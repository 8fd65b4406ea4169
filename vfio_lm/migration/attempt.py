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

import collections
import datetime
import re
from collections.abc import Iterable, Iterator

from vfio_lm.cloud.model import Migration, ServerAction
from vfio_lm.cloud.model.migration import LIVE_MIGRATION, LIVE_MIGRATION_CANCEL
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.errors import NotFoundError, VfioLmError
from vfio_lm.migration.causes import Words
from vfio_lm.migration.explain import Attempt
from vfio_lm.pci.input_file import InputFileError, open_regular
from vfio_lm.preflight import Report

# What is asked for and what is recorded of it are written by two services, on two clocks.
_CLOCKS = datetime.timedelta(seconds=5)

# The end of a file is what counts; a log may be large.
_MOST_LINES = 500

_INSTANCE = re.compile(r"\[instance: [0-9a-f-]{36}\] ?")
_ERROR = re.compile(r"\b(?:ERROR|CRITICAL)\b")
_REQUEST = re.compile(r"\breq-[0-9a-f-]{36}\b")


class LogError(VfioLmError):
    """A log file that cannot be read."""


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
            words for path in logs for words in _from_log(path, migration.server_id, request_id)
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


def _from_log(path: str, server_id: str, request_id: str) -> tuple[Words, ...]:
    """Return the end of what a file says about a server.

    Lines with the request are about this migration; where there are none, lines with the server
    may be about another one. QEMU writes a file for each server, without naming it in each line.
    """
    of_request: collections.deque[str] = collections.deque(maxlen=_MOST_LINES)
    of_server: collections.deque[str] = collections.deque(maxlen=_MOST_LINES)
    of_file: collections.deque[str] = collections.deque(maxlen=_MOST_LINES)
    is_of_nova = False
    try:
        with open_regular(path) as file:
            for line in file:
                text = line.decode(errors="replace").strip()
                if request_id and request_id in text:
                    of_request.append(text)
                elif server_id in text:
                    of_server.append(text)
                of_file.append(text)
                is_of_nova = is_of_nova or bool(_INSTANCE.search(text) or _REQUEST.search(text))
    except OSError as exc:
        raise LogError(f"{path}: {exc.strerror}") from exc
    except InputFileError as exc:
        raise LogError(str(exc)) from None
    if of_request:
        return tuple(_words(text, path, is_sure=True) for text in of_request)
    lines = of_server if is_of_nova else of_file
    return tuple(_words(text, path, is_sure=False) for text in lines)


def _words(text: str, path: str, *, is_sure: bool) -> Words:
    """Return a line of a log without what nova puts before the message."""
    return Words(
        text=_INSTANCE.split(text, maxsplit=1)[-1],
        said_by=path,
        is_of_this_migration=is_sure,
        is_error=bool(_ERROR.search(text)),
    )
