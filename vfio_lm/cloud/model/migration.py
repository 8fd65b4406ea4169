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

"""Live migrations, their progress and what nova did for them, as plain data; not how it is read."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

#: ``live_migration_in_progress`` in nova/api/openstack/compute/migrations.py and ``accepted`` of
#: nova/conductor/manager.py ``_live_migrate`` (nova 34.0.0); the rest is over.
IN_PROGRESS = frozenset({"accepted", "queued", "preparing", "running", "post-migrating"})

#: How nova calls the two actions on a server (nova/compute/instance_actions.py, nova 34.0.0).
LIVE_MIGRATION = "live-migration"
LIVE_MIGRATION_CANCEL = "live_migration_cancel"


@dataclasses.dataclass(frozen=True)
class Migration:
    """Nova's record of one live migration; it outlives the migration."""

    id: int
    uuid: str
    server_id: str
    status: str
    source: str
    destination: str
    """Empty for one that no host was found for."""
    created_at: datetime.datetime
    updated_at: datetime.datetime | None

    @property
    def is_in_progress(self) -> bool:
        """Whether nova has not finished it yet."""
        return self.status in IN_PROGRESS

    @property
    def is_completed(self) -> bool:
        """Whether nova says that it was a success."""
        return self.status == "completed"


@dataclasses.dataclass(frozen=True)
class Amount:
    """Bytes that a live migration has to copy, as the hypervisor counts them."""

    total: int
    processed: int
    """All that was copied, also what was copied again; it may exceed the total."""
    remaining: int


@dataclasses.dataclass(frozen=True)
class Progress:
    """A live migration that is in progress, as far as it has come."""

    migration: Migration
    memory: Amount | None
    """None as long as nova has not asked the hypervisor."""
    disk: Amount | None


@dataclasses.dataclass(frozen=True)
class ActionEvent:
    """One step of an action on a server."""

    name: str
    host: str
    result: str
    """``Success`` or ``Error``; empty while it goes on, and for ever if its service was killed."""
    details: str
    """Nova's message of the error; empty where there is none, or it is hidden from this user."""
    started_at: datetime.datetime
    finished_at: datetime.datetime | None

    @property
    def is_failed(self) -> bool:
        """Whether nova says so."""
        return self.result == "Error"


@dataclasses.dataclass(frozen=True)
class ServerAction:
    """What somebody asked nova to do with a server, and what nova did, step by step."""

    name: str
    request_id: str
    user_id: str
    started_at: datetime.datetime
    events: tuple[ActionEvent, ...] = ()
    """In the order in which they began; nothing where they were not asked for."""


@dataclasses.dataclass(frozen=True)
class OwnServer:
    """The little that a user who is no administrator is shown of a server."""

    id: str
    name: str
    extra_specs: Mapping[str, str] | None
    """Of the flavor as it was when the server was made; None where they are hidden."""
