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

"""What nova would do with servers that are live migrated: the answers, host by host."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping

from vfio_lm.pci.nova_word.stored import StoredHost, StoredServer


class Ending(enum.Enum):
    """How a live migration ends, as far as nova's checks before it go."""

    ACCEPTED = "accepted"
    """Every check passes, and nova starts to move the server."""
    REFUSED = "refused"
    """A check fails; the server stays as it is."""
    ERROR = "error"
    """A check fails in a way that leaves the server in ERROR, though its guest runs on."""
    MISMAPPED = "mismapped"
    """Every check passes, and nova then leaves addresses of the source's devices in the guest's
    definition: the transfer fails, or the guest gets devices that are not its own."""
    DEPENDS = "depends"
    """Nova chooses among hosts, or devices of a host, for which it ends differently."""
    UNKNOWN = "unknown"
    """Nova's code could not be run to the end."""


class Decider(enum.Enum):
    """Which part of nova objects."""

    API = "api"
    CONDUCTOR = "conductor"
    """Before any host is chosen, or about the chosen one."""
    PLACEMENT = "placement"
    """It has no allocation candidate."""
    FILTER = "filter"
    """One of the scheduler's filters."""
    COMPUTE = "compute"
    """nova-compute on the destination, when it claims what the server needs."""


@dataclasses.dataclass(frozen=True)
class Objection:
    """Why nova does not accept."""

    decider: Decider
    reason: str
    """What nova raises or logs; empty if it says nothing."""
    name: str | None = None
    """Of the filter, or of the class of nova's exception."""
    log: tuple[str, ...] = ()
    """What nova logs before that."""


@dataclasses.dataclass(frozen=True)
class NovaDestination:
    """What nova says about one host."""

    host: str
    node: str
    ending: Ending
    """If the host is named in the request."""
    may_be_chosen: bool = False
    """Whether nova may end up with this host if none is named."""
    objections: tuple[Objection, ...] = ()
    """Empty if accepted. All filters that object, though nova stops at the first."""
    weight: float | None = None
    """The scheduler's; None if the filters or placement leave the host out."""
    candidates: int = 0
    """Allocation candidates that the filters leave."""
    cells: tuple[int, ...] = ()
    """IDs of the host's NUMA nodes that the server would be on; empty without a topology."""
    notes: tuple[str, ...] = ()
    """What makes the answer less sure."""


@dataclasses.dataclass(frozen=True)
class NovaAnswer:
    """What nova says about live migrating a server."""

    servers: tuple[str, ...]
    """IDs of the servers it holds for: those that ask for the same on the same host."""
    source: str | None
    """The host they are on."""
    ending: Ending
    """If no host is named."""
    objections: tuple[Objection, ...] = ()
    """To the server, whatever the host."""
    destinations: tuple[NovaDestination, ...] = ()
    """Every other host of the cell, or the one that was asked about."""
    is_about_one_host: bool = False
    """Whether it was asked about one host only; ``ending`` is then that host's."""
    seconds: float = 0.0
    """How long it took to ask."""

    def destination(self, host: str) -> NovaDestination | None:
        """Return what is said about a host; None if nothing."""
        return next((each for each in self.destinations if each.host == host), None)


@dataclasses.dataclass(frozen=True)
class Omission:
    """Something that was asked for and is not in the word."""

    subject: str
    """``server 1c6e…``, ``cell cell2``."""
    reason: str


@dataclasses.dataclass(frozen=True)
class NovaWord:
    """What nova said at one time."""

    taken_at: datetime.datetime
    """With a time zone."""
    nova_version: str
    """Of the nova whose code was run."""
    answers: tuple[NovaAnswer, ...] = ()
    servers: tuple[StoredServer, ...] = ()
    hosts: tuple[StoredHost, ...] = ()
    filters: tuple[str, ...] = ()
    """The scheduler's enabled filters, in their order."""
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Options of the controller's nova.conf that matter, by ``[section]name``."""
    corrections: tuple[str, ...] = ()
    """Names of the corrections that every nova-compute was said to run with."""
    not_covered: tuple[str, ...] = ()
    """What nova looks at, and nova's code could not be asked here."""
    omissions: tuple[Omission, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for is here."""
        return not self.omissions

    def answer(self, server_id: str) -> NovaAnswer | None:
        """Return what is said about a server; None if nothing."""
        return next((each for each in self.answers if server_id in each.servers), None)

    def server(self, server_id: str) -> StoredServer | None:
        """Return what is stored for a server; None if it is not here."""
        return next((each for each in self.servers if each.id == server_id), None)
