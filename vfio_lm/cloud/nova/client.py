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


"""Servers, flavors and hosts in nova: what is read of them, and the few changes that are made.

Requests in, data out; nothing is decided here.
"""

from __future__ import annotations

import collections
import functools
import logging
import re
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from vfio_lm.cloud.http.endpoint import Endpoint, path
from vfio_lm.cloud.http.shape import Fields, listed, record, text
from vfio_lm.cloud.model.nova import (
    CloudFlavor,
    ComputeNode,
    ComputeService,
    Microversion,
    NewFlavor,
    Server,
)
from vfio_lm.cloud.nova import shapes
from vfio_lm.errors import CloudError, NotFoundError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from openstack.connection import Connection
    from requests import Response
    from typing_extensions import Self

# Nova 31.0.0 (2025.1), the first that live migrates devices of aliases, serves 2.100.
NEEDED: Microversion = (2, 100)
MICROVERSION = ".".join(map(str, NEEDED))

_LOG = logging.getLogger(__name__)

_T = TypeVar("_T")


class ComputeClient:
    """The questions that this project asks nova, and the few things that it lets nova do.

    Every question raises :class:`~vfio_lm.errors.CloudError` if nova does not answer, or answers
    with something else than its API promises.

    :param adapter: a keystoneauth adapter of the compute service
    """

    def __init__(self, adapter: Adapter) -> None:
        self._http = Endpoint("nova", adapter, MICROVERSION)

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Return a client of the nova that a connection of the SDK leads to.

        :raises CloudError: if there is none, or it does not answer
        """
        from vfio_lm.cloud.http.catalogue import adapter

        return cls(adapter(connection, "compute"))

    def max_microversion(self) -> Microversion:
        """Return the highest microversion that nova's API serves.

        :raises CloudError: if nova does not answer, or is older than 2025.1
        """
        found = self._http.max_microversion()
        if found < NEEDED:
            raise CloudError(
                f"nova's API is too old: it serves microversion {found[0]}.{found[1]} at most, "
                f"and only nova 2025.1 and later ({MICROVERSION}) can live migrate servers with "
                f"PCI devices of a flavor's alias"
            )
        return found

    def server(self, name_or_id: str) -> Server:
        """Return a server by its ID or its exact name, of whichever project.

        :raises NotFoundError: if there is none, or more than one of that name
        :raises ForbiddenError: if the user is not shown where servers run
        """
        if not is_uuid(name_or_id):
            return self._server_by_name(name_or_id)
        found = self._http.find(path("servers", name_or_id), _one("server", shapes.server))
        if found is None:
            raise NotFoundError(
                f"no server with the ID '{name_or_id}' is visible to this user; servers of other "
                f"projects are only shown to the admin role"
            )
        return found

    def servers(
        self, host: str | None = None, *, project_id: str | None = None
    ) -> tuple[Server, ...]:
        """Return all servers of all projects, or those on a host; one request for each page.

        What a cell that is down has is not among them; a warning is logged then.

        :param project_id: only those of this project
        :raises ForbiddenError: if the user is not shown servers of other projects, or where
            they run
        """
        params = [("all_tenants", "true")]
        given = {"host": host, "project_id": project_id}
        params += [(name, value) for name, value in given.items() if value is not None]
        pages = self._http.pages("/servers/detail", "servers", _server_if_known, params)
        found = list(pages)
        if hidden := found.count(None):
            _LOG.warning("%d servers are left out: the cell that they are in is down", hidden)
        return tuple(server for server in found if server is not None)

    def flavors(self) -> tuple[CloudFlavor, ...]:
        """Return all flavors, public or not, by name; one request for each page."""
        pages = self._http.pages(
            "/flavors/detail", "flavors", shapes.cloud_flavor, [("is_public", "None")]
        )
        return tuple(sorted(pages, key=lambda flavor: flavor.name))

    def flavor(self, name_or_id: str) -> CloudFlavor:
        """Return a flavor by its ID or its name.

        :raises NotFoundError: if there is none
        """
        make = _one("flavor", shapes.cloud_flavor)
        if (found := self._http.find(path("flavors", name_or_id), make)) is not None:
            return found
        for flavor in self.flavors():
            if flavor.name == name_or_id:
                return flavor
        raise NotFoundError(f"no flavor with the name or ID '{name_or_id}' exists")

    def create_flavor(self, new: NewFlavor) -> CloudFlavor:
        """Create a flavor, without extra specs."""
        fields: dict[str, Any] = {
            "name": new.name,
            "id": new.id,
            "vcpus": new.vcpus,
            "ram": new.ram_mib,
            "disk": new.root_gib,
            "OS-FLV-EXT-DATA:ephemeral": new.ephemeral_gib,
            "swap": new.swap_mib,
            "os-flavor-access:is_public": new.is_public,
        }
        if new.rxtx_factor is not None:
            fields["rxtx_factor"] = new.rxtx_factor
        if new.description is not None:
            fields["description"] = new.description
        response = self._http.send("POST", "/flavors", json={"flavor": fields})
        return self._http.read(response, _one("flavor", shapes.cloud_flavor))

    def delete_flavor(self, flavor_id: str) -> None:
        """Delete a flavor; that it is gone already is no error."""
        self._http.send("DELETE", path("flavors", flavor_id), expected=(202, 404))

    def set_extra_specs(self, flavor_id: str, extra_specs: Mapping[str, str]) -> None:
        """Add extra specs to a flavor, or change their values."""
        where = path("flavors", flavor_id, "os-extra_specs")
        self._http.send("POST", where, json={"extra_specs": dict(extra_specs)})

    def delete_extra_spec(self, flavor_id: str, key: str) -> None:
        """Remove an extra spec from a flavor; that it is gone already is no error."""
        where = path("flavors", flavor_id, "os-extra_specs", key)
        self._http.send("DELETE", where, expected=(200, 404))

    def allow_flavor(self, flavor_id: str, project_id: str) -> None:
        """Let a project use a private flavor; that it may already is no error."""
        access = {"addTenantAccess": {"tenant": project_id}}
        where = path("flavors", flavor_id, "action")
        self._http.send("POST", where, json=access, expected=(200, 409))

    def resize(self, server_id: str, flavor_id: str) -> None:
        """Let nova begin to resize a server."""
        self._act(server_id, {"resize": {"flavorRef": flavor_id}}, 202)

    def confirm_resize(self, server_id: str) -> None:
        """Confirm a resize that waits for it."""
        self._act(server_id, {"confirmResize": None}, 204)

    def add_tag(self, server_id: str, tag: str) -> None:
        """Put a tag on a server."""
        self._http.send("PUT", path("servers", server_id, "tags", tag), expected=(201, 204))

    def delete_tag(self, server_id: str, tag: str) -> None:
        """Take a tag from a server; that it is gone already is no error."""
        self._http.send("DELETE", path("servers", server_id, "tags", tag), expected=(204, 404))

    def services(self) -> dict[str, ComputeService]:
        """Return every nova-compute service by its host."""
        found = self._http.get(
            "/os-services",
            lambda body: body("services", listed(record(shapes.compute_service))),
            [("binary", "nova-compute")],
        )
        return {service.host: service for service in found}

    def nodes(self, *, with_servers: bool = False) -> dict[str, ComputeNode]:
        """Return the hypervisor of each host; one request for each page of nova's.

        A host of which nova lists several is left out. That is so after its hypervisor got another
        name, until the old one is deleted, and which of them nova-compute keeps up is not shown.

        :param with_servers: whether to ask which servers are on it
        """
        params = [("with_servers", "true")] if with_servers else []
        make = functools.partial(shapes.compute_node, with_servers=with_servers)
        nodes = list(self._http.pages("/os-hypervisors/detail", "hypervisors", make, params))
        of_host = collections.Counter(node.host for node in nodes)
        return {node.host: node for node in nodes if of_host[node.host] == 1}

    def _server_by_name(self, name: str) -> Server:
        found = self._named(name, [("all_tenants", "true")], shapes.server)
        only_one(name, [server.id for server in found])
        return found[0]

    def _named(
        self,
        name: str,
        params: Collection[tuple[str, str]],
        make: Callable[[Fields], _T],
        microversion: str | None = None,
    ) -> list[_T]:
        """Return what is made of each server that has exactly this name."""

        def match(item: Fields) -> _T | None:
            return make(item) if item.get("name", text, None) == name else None

        # Nova takes the name as a regular expression.
        found = self._http.get(
            "/servers/detail",
            lambda body: body("servers", listed(record(match))),
            [*params, ("name", f"^{re.escape(name)}$")],
            microversion=microversion,
        )
        return [each for each in found if each is not None]

    def _act(self, server_id: str, action: Mapping[str, Any], status: int) -> Response:
        """Let nova do something with a server; it says so with the status."""
        where = path("servers", server_id, "action")
        return self._http.send("POST", where, json=action, expected=(status,))


def _one(key: str, make: Callable[[Fields], _T]) -> Callable[[Fields], _T]:
    """Return how to read an answer that has one object."""
    return lambda body: body(key, record(make))


def _server_if_known(item: Fields) -> Server | None:
    return None if shapes.is_hidden(item) else shapes.server(item)


def only_one(name: str, ids: Collection[str]) -> str:
    """Return the ID of the one server that has a name.

    :param ids: of all servers of this name
    :raises NotFoundError: if there is none, or more than one
    """
    if not ids:
        raise NotFoundError(f"no server with the name or ID '{name}' exists")
    if len(ids) > 1:
        raise NotFoundError(
            f"{len(ids)} servers have the name '{name}'; use the ID of one of them: "
            f"{', '.join(sorted(ids))}"
        )
    (found,) = ids
    return found


def is_uuid(candidate: str) -> bool:
    """Whether a string has the form of a server's ID."""
    try:
        return str(uuid.UUID(candidate)) == candidate.lower()
    except ValueError:
        return False
