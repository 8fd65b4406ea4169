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

"""Which servers of a cloud to look at; what is looked at is elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from vfio_lm.cloud.model import Server
from vfio_lm.cloud.nova import only_one
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.pci import AliasRequest, parse_alias_requests
from vfio_lm.pci.alias import AliasError
from vfio_lm.preflight.gather.collection import CheckedServer

#: More servers than this are looked for in the list of all, at 1,000 a request.
_FEW = 10


@dataclasses.dataclass(frozen=True)
class Selection:
    """Servers that are named, or all that hold PCI devices; in a project, on a host, or anywhere.

    :raises ValueError: if servers are named, and more is said
    """

    names: tuple[str, ...] = ()
    """IDs, or exact names; servers that are named are looked at in any case."""
    project_id: str | None = None
    source_host: str | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.names and (self.project_id or self.source_host):
            raise ValueError("servers are either named, or those of a project or a host")


@dataclasses.dataclass(frozen=True)
class Selected:
    """The servers that a selection means."""

    subjects: tuple[CheckedServer, ...]
    """By name, or in the order in which they are named."""
    others: int = 0
    """How many more servers there are, which hold no PCI device as far as is known."""
    others_are_known: bool = True
    """False where neutron does not show which of the others have ports with a device."""


def select(cloud: WholeCloud, selection: Selection) -> Selected:
    """Find the servers that are meant.

    :raises NotFoundError: if a server or host does not exist, or several servers have a name
    :raises vfio_lm.pci.alias.AliasError: if the flavor of a server that is named has a malformed
        alias extra spec
    :raises CloudError: if nova does not answer, or the user's roles do not suffice
    """
    if selection.names:
        named = _named(cloud, selection.names)
        for server in named:
            parse_alias_requests(server.flavor.extra_specs)
        return Selected(checked_servers(cloud, named))
    if selection.source_host is not None:
        cloud.service(selection.source_host)
    subjects = checked_servers(cloud, _all(cloud, selection))
    chosen = [subject for subject in subjects if subject.requests or subject.network.ports]
    return Selected(
        subjects=tuple(sorted(chosen, key=lambda each: (each.server.name, each.server.id))),
        others=len(subjects) - len(chosen),
        others_are_known=all(subject.network.ports is not None for subject in subjects),
    )


def checked_servers(cloud: WholeCloud, servers: Sequence[Server]) -> tuple[CheckedServer, ...]:
    """Return servers of a cloud with what they ask for, in the same order.

    A flavor that asks in a wrong way asks for nothing: nova makes no server of it.

    :raises CloudError: if keystone does not answer
    """
    known = cloud.networks([server.id for server in servers])
    return tuple(
        CheckedServer(server=server, requests=_requests(server), network=known[server.id])
        for server in servers
    )


def _all(cloud: WholeCloud, selection: Selection) -> Sequence[Server]:
    if selection.project_id is None and selection.source_host is None:
        return cloud.servers
    return cloud.nova.servers(selection.source_host, project_id=selection.project_id)


def _named(cloud: WholeCloud, names: Sequence[str]) -> list[Server]:
    """Return each server once, whatever it is called."""
    if len(set(names)) <= _FEW:
        found = [cloud.nova.server(name) for name in dict.fromkeys(names)]
    else:
        by_id = {server.id: server for server in cloud.servers}
        ids: dict[str, list[str]] = {}
        for server in cloud.servers:
            ids.setdefault(server.name, []).append(server.id)
        found = [
            by_id.get(name.lower()) or by_id[only_one(name, ids.get(name, ()))] for name in names
        ]
    return list({server.id: server for server in found}.values())


def _requests(server: Server) -> tuple[AliasRequest, ...]:
    """Return what a flavor asks for; nova makes no server of one that asks in a wrong way."""
    try:
        return parse_alias_requests(server.flavor.extra_specs)
    except AliasError:
        return ()
