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

"""Aggregates, server groups and moves that are not over, as plain data; not how it is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """Hosts that an administrator has put together."""

    name: str
    uuid: str
    hosts: frozenset[str]
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def zone(self) -> str | None:
        """The availability zone that it makes of its hosts."""
        return self.metadata.get("availability_zone")

    @property
    def required_traits(self) -> frozenset[str]:
        """Traits that a server must ask for, where the scheduler isolates aggregates.

        Source: ``isolate_aggregates`` in ``nova/scheduler/request_filter.py`` (nova 34.0.0).
        """
        return frozenset(
            key.removeprefix("trait:")
            for key, value in self.metadata.items()
            if key.startswith("trait:") and value == "required"
        )


@dataclasses.dataclass(frozen=True)
class ServerGroup:
    """Servers that must, or must not, share a host."""

    id: str
    name: str
    policy: str
    """``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``."""
    members: frozenset[str]
    """IDs of the servers."""
    max_servers_per_host: int = 1
    """For ``anti-affinity``."""


@dataclasses.dataclass(frozen=True)
class Move:
    """A migration, resize or evacuation that is not over."""

    server_id: str
    kind: str
    """``live-migration``, ``migration``, ``resize`` or ``evacuation``."""
    status: str
    source: str
    destination: str
    """Empty where none is chosen yet."""


@dataclasses.dataclass(frozen=True)
class ServerHistory:
    """What was done with a server and may have left nova with another request than it shows."""

    has_resize_given_up: bool = False
    """Whether its last resize was reverted, failed, or is not over."""
    has_port_added: bool = False
    """Whether a port was ever attached after the server was made."""
    has_port_removed: bool = False
    """Whether one was ever detached."""
    is_gone: bool = False
    """Whether it was deleted since nova listed it."""
    has_live_migrated: bool = False
    """Whether it was ever live migrated, or that was tried."""
