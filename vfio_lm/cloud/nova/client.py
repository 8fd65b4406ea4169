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

"""Asking and telling nova's API over HTTP: requests in, data out; nothing is decided here."""

from __future__ import annotations

import datetime
import logging
import re
import urllib.parse
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from keystoneauth1 import exceptions as ksa_exceptions

from vfio_lm.cloud.model.nova import (
    CloudFlavor,
    ComputeNode,
    ComputeService,
    Flavor,
    Microversion,
    NewFlavor,
    Server,
)
from vfio_lm.errors import CloudError, ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from requests import Response

# Nova 31.0.0 (2025.1), the first that live migrates devices of aliases, serves 2.100.
NEEDED: Microversion = (2, 100)
MICROVERSION = ".".join(map(str, NEEDED))

_LOG = logging.getLogger(__name__)

_HOST = "OS-EXT-SRV-ATTR:host"


class ComputeClient:
    """The questions that this project asks nova, and the few things that it lets nova do.

    :param adapter: a keystoneauth adapter of the compute service, for example
        ``openstack.connection.Connection().compute``
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def max_microversion(self) -> Microversion:
        """Return the highest microversion that nova's API serves.

        :raises CloudError: if nova does not answer, or is older than 2025.1
        """
        try:
            data = self._adapter.get_endpoint_data()
        except ksa_exceptions.ClientException as exc:
            raise CloudError(f"nova cannot be reached: {exc}") from exc
        if data is None:
            raise CloudError("nova cannot be reached: the catalogue has no compute endpoint")
        highest = data.max_microversion
        if highest is None:
            raise CloudError(
                f"nova cannot be reached: what should be at {data.url} does not tell nova's "
                f"microversions"
            )
        found: Microversion = int(highest[0]), int(highest[1])
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
            return _server(self._server_by_name(name_or_id))
        response = self._request(f"/servers/{name_or_id}")
        if response.status_code == 404:
            raise NotFoundError(
                f"no server with the ID '{name_or_id}' is visible to this user; servers of other "
                f"projects are only shown to the admin role"
            )
        return _server(self._body(response)["server"])

    def servers(
        self, host: str | None = None, *, project_id: str | None = None
    ) -> tuple[Server, ...]:
        """Return all servers of all projects, or those on a host; one request for each page.

        :param project_id: only those of this project

        What a cell that is down has is not among them; a warning is logged then.

        :raises ForbiddenError: if the user is not shown servers of other projects, or where
            they run
        """
        given = {"host": host, "project_id": project_id}
        params = {"all_tenants": "true"}
        params |= {name: value for name, value in given.items() if value is not None}
        found, hidden = [], 0
        for item in self._pages("/servers/detail", "servers", params):
            if "name" in item:
                found.append(_server(item))
            else:
                hidden += 1
        if hidden:
            _LOG.warning("%d servers are left out: the cell that they are in is down", hidden)
        return tuple(found)

    def flavors(self) -> tuple[CloudFlavor, ...]:
        """Return all flavors, public or not, by name; one request for each page."""
        items = self._pages("/flavors/detail", "flavors", {"is_public": "None"})
        return tuple(sorted(map(_cloud_flavor, items), key=lambda flavor: flavor.name))

    def flavor(self, name_or_id: str) -> CloudFlavor:
        """Return a flavor by its ID or its name.

        :raises NotFoundError: if there is none
        """
        response = self._request(f"/flavors/{urllib.parse.quote(name_or_id, safe='')}")
        if response.status_code != 404:
            return _cloud_flavor(self._body(response)["flavor"])
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
        body = self._body(self._request("/flavors", method="POST", json={"flavor": fields}))
        return _cloud_flavor(body["flavor"])

    def delete_flavor(self, flavor_id: str) -> None:
        """Delete a flavor; that it is gone already is no error."""
        self._accept(self._request(f"/flavors/{flavor_id}", method="DELETE"), 404)

    def set_extra_specs(self, flavor_id: str, extra_specs: Mapping[str, str]) -> None:
        """Add extra specs to a flavor, or change their values."""
        self._body(
            self._request(
                f"/flavors/{flavor_id}/os-extra_specs",
                method="POST",
                json={"extra_specs": dict(extra_specs)},
            )
        )

    def delete_extra_spec(self, flavor_id: str, key: str) -> None:
        """Remove an extra spec from a flavor; that it is gone already is no error."""
        self._accept(
            self._request(f"/flavors/{flavor_id}/os-extra_specs/{key}", method="DELETE"), 404
        )

    def allow_flavor(self, flavor_id: str, project_id: str) -> None:
        """Let a project use a private flavor; that it may already is no error."""
        access = {"addTenantAccess": {"tenant": project_id}}
        self._accept(self._request(f"/flavors/{flavor_id}/action", method="POST", json=access), 409)

    def resize(self, server_id: str, flavor_id: str) -> None:
        """Let nova begin to resize a server."""
        self._act(server_id, {"resize": {"flavorRef": flavor_id}})

    def confirm_resize(self, server_id: str) -> None:
        """Confirm a resize that waits for it."""
        self._act(server_id, {"confirmResize": None})

    def add_tag(self, server_id: str, tag: str) -> None:
        """Put a tag on a server."""
        self._accept(self._request(f"/servers/{server_id}/tags/{tag}", method="PUT"))

    def delete_tag(self, server_id: str, tag: str) -> None:
        """Take a tag from a server; that it is gone already is no error."""
        self._accept(self._request(f"/servers/{server_id}/tags/{tag}", method="DELETE"), 404)

    def services(self) -> dict[str, ComputeService]:
        """Return every nova-compute service by its host.

        Of the services in a cell that is down nova tells no more than the host; they count as
        down (``nova/api/openstack/compute/services.py``, nova 34.0.0).
        """
        found = self._get("/os-services", binary="nova-compute")["services"]
        return {
            item["host"]: ComputeService(
                host=item["host"],
                is_enabled=item["status"] != "disabled",
                is_up=item.get("state") == "up",
                is_forced_down=bool(item.get("forced_down")),
                disabled_reason=item.get("disabled_reason"),
                zone=item.get("zone"),
            )
            for item in found
        }

    def nodes(self, *, with_servers: bool = False) -> dict[str, ComputeNode]:
        """Return the hypervisor of each host; one request for each page of nova's.

        :param with_servers: whether to tell which servers are on it
        """
        params = {"with_servers": "true"} if with_servers else {}
        return {
            item["service"]["host"]: ComputeNode(
                host=item["service"]["host"],
                uuid=item["id"],
                hypervisor_hostname=item["hypervisor_hostname"],
                hypervisor_type=item["hypervisor_type"],
                hypervisor_version=item["hypervisor_version"],
                server_ids=_server_ids(item) if with_servers else None,
            )
            for item in self._pages("/os-hypervisors/detail", "hypervisors", params)
        }

    def _server_by_name(self, name: str) -> Mapping[str, Any]:
        found = self._named(name, {"all_tenants": "true"})
        only_one(name, [server["id"] for server in found])
        return found[0]

    def _named(
        self, name: str, params: Mapping[str, str], microversion: str = MICROVERSION
    ) -> list[Mapping[str, Any]]:
        # Nova takes the name as a regular expression.
        query = {**params, "name": f"^{re.escape(name)}$"}
        body = self._body(self._request("/servers/detail", query, microversion=microversion))
        return [server for server in body["servers"] if server.get("name") == name]

    def _pages(
        self, path: str, kind: str, params: Mapping[str, str], *, key: str = "id"
    ) -> Iterator[dict[str, Any]]:
        page: dict[str, str] = {}
        while True:
            body = self._get(path, **params, **page)
            yield from body[kind]
            if not any(link["rel"] == "next" for link in body.get(f"{kind}_links", ())):
                return
            page = {"marker": body[kind][-1][key]}

    def _get(self, path: str, **params: str) -> dict[str, Any]:
        return self._body(self._request(path, params))

    def _act(self, server_id: str, action: Mapping[str, Any]) -> None:
        self._accept(self._request(f"/servers/{server_id}/action", method="POST", json=action))

    def _request(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        json: Mapping[str, Any] | None = None,
        microversion: str = MICROVERSION,
    ) -> Response:
        try:
            response: Response = self._adapter.request(
                path,
                method,
                params=params,
                json=json,
                microversion=microversion,
                raise_exc=False,
            )
        except ksa_exceptions.ClientException as exc:
            raise CloudError(f"nova cannot be reached: {exc}") from exc
        return response

    def _body(self, response: Response) -> dict[str, Any]:
        self._accept(response)
        try:
            body: dict[str, Any] = response.json()
        except ValueError:
            raise CloudError(f"what answers at {response.url} is not nova: no JSON") from None
        return body

    def _accept(self, response: Response, *also: int) -> None:
        """Raise for an answer that is neither good nor one of the statuses given."""
        if response.ok or response.status_code in also:
            return
        if response.status_code == 403:
            raise ForbiddenError(
                "the admin role is needed: nova lets no other user see all servers, their hosts "
                f"and the compute services ({_message(response)})"
            )
        asked = f"{response.request.method} {response.request.path_url}"
        raise CloudError(f"nova answers {response.status_code} to {asked}: {_message(response)}")


def _server(item: Mapping[str, Any]) -> Server:
    if "name" not in item:
        raise CloudError(f"the cell of server {item['id']} is down; nova knows no more of it")
    if _HOST not in item:
        raise ForbiddenError(
            f"the admin role is needed: nova hides the host of server '{item['name']}' from this "
            f"user (policy os_compute_api:os-extended-server-attributes)"
        )
    return Server(
        id=item["id"],
        name=item["name"],
        status=item["status"],
        vm_state=item["OS-EXT-STS:vm_state"],
        task_state=item["OS-EXT-STS:task_state"],
        power_state=item["OS-EXT-STS:power_state"],
        is_locked=item["locked"],
        host=item[_HOST] or "",
        flavor=_flavor(item["flavor"], item["flavor"]["original_name"], "ephemeral"),
        image_properties=_image_properties(item["image"]),
        scheduler_hints=item["scheduler_hints"],
        pinned_availability_zone=item["pinned_availability_zone"],
        tags=frozenset(item.get("tags", ())),
        created_at=_time(item["created"]) if "created" in item else None,
        root_device=item.get("OS-EXT-SRV-ATTR:root_device_name"),
        volume_ids=tuple(v["id"] for v in item.get("os-extended-volumes:volumes_attached", ())),
    )


def _time(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        raise CloudError(f"nova tells a time that is none: '{text}'") from None


def _server_ids(hypervisor: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(server["uuid"] for server in hypervisor.get("servers", ()))


def _image_properties(image: Mapping[str, Any] | str) -> Mapping[str, str] | None:
    """Return what nova keeps of the image; a server that boots from a volume has none here."""
    return dict(image["properties"]) if isinstance(image, Mapping) else None


def _cloud_flavor(item: Mapping[str, Any]) -> CloudFlavor:
    return CloudFlavor(
        id=item["id"],
        is_public=item["os-flavor-access:is_public"],
        flavor=_flavor(item, item["name"], "OS-FLV-EXT-DATA:ephemeral"),
        description=item.get("description"),
    )


def _flavor(item: Mapping[str, Any], name: str, ephemeral: str) -> Flavor:
    """Read what a flavor and the copy of it in a server have in common."""
    if "extra_specs" not in item:
        raise ForbiddenError(
            f"the extra specs of flavor '{name}' are hidden from this user, and with them the "
            f"devices it asks for (policy os_compute_api:servers:show:flavor-extra-specs and "
            f"os_compute_api:os-flavor-extra-specs:index)"
        )
    swap = int(item["swap"] or 0)
    return Flavor(
        name=name,
        vcpus=item["vcpus"],
        ram_mib=item["ram"],
        disk_gib=item["disk"] + item[ephemeral] + -(-swap // 1024),
        extra_specs=item["extra_specs"],
        ephemeral_gib=item[ephemeral],
        swap_mib=swap,
    )


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


def is_uuid(text: str) -> bool:
    """Whether a text has the form of a server's ID."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _message(response: Response) -> str:
    """Nova's own words for what went wrong."""
    try:
        (body,) = response.json().values()
        return str(body["message"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return str(response.reason)
