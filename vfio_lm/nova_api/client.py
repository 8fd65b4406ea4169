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

"""Reading nova's API over HTTP: requests in, data out; nothing is decided here."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keystoneauth1 import exceptions as ksa_exceptions

from vfio_lm.errors import CloudError, ForbiddenError, NotFoundError
from vfio_lm.nova_api.model import ComputeNode, ComputeService, Flavor, Microversion, Server

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from requests import Response

# Nova 31.0.0 (2025.1), the first that live migrates devices of aliases, serves 2.100.
NEEDED: Microversion = (2, 100)
MICROVERSION = ".".join(map(str, NEEDED))

_HOST = "OS-EXT-SRV-ATTR:host"


class ComputeClient:
    """The questions that this project asks nova.

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
        highest = data.max_microversion or (2, 1)
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
        # Groups of a server are only in the answer for a single one.
        server_id = name_or_id if _is_uuid(name_or_id) else self._id_of_server(name_or_id)
        response = self._request(f"/servers/{server_id}")
        if response.status_code == 404:
            raise NotFoundError(
                f"no server with the ID '{server_id}' is visible to this user; servers of other "
                f"projects are only shown to the admin role"
            )
        return _server(self._body(response)["server"])

    def services(self) -> dict[str, ComputeService]:
        """Return every nova-compute service by its host."""
        found = self._get("/os-services", binary="nova-compute")["services"]
        return {
            item["host"]: ComputeService(
                host=item["host"],
                is_enabled=item["status"] == "enabled",
                is_up=item["state"] == "up",
                is_forced_down=bool(item["forced_down"]),
                disabled_reason=item["disabled_reason"],
            )
            for item in found
        }

    def nodes(self) -> dict[str, ComputeNode]:
        """Return the hypervisor of each host; one request for each page of nova's."""
        nodes: dict[str, ComputeNode] = {}
        page: dict[str, str] = {}
        while True:
            body = self._get("/os-hypervisors/detail", **page)
            for item in body["hypervisors"]:
                host = item["service"]["host"]
                nodes[host] = ComputeNode(
                    host=host,
                    uuid=item["id"],
                    hypervisor_hostname=item["hypervisor_hostname"],
                    hypervisor_type=item["hypervisor_type"],
                    hypervisor_version=item["hypervisor_version"],
                )
            if not any(link["rel"] == "next" for link in body.get("hypervisors_links", ())):
                return nodes
            page = {"marker": body["hypervisors"][-1]["id"]}

    def _id_of_server(self, name: str) -> str:
        # Nova takes the name as a regular expression.
        body = self._get("/servers", all_tenants="true", name=f"^{re.escape(name)}$")
        found = sorted(server["id"] for server in body["servers"] if server["name"] == name)
        if not found:
            raise NotFoundError(f"no server with the name or ID '{name}' exists")
        if len(found) > 1:
            raise NotFoundError(
                f"{len(found)} servers have the name '{name}'; use the ID of one of them: "
                f"{', '.join(found)}"
            )
        return str(found[0])

    def _get(self, path: str, **params: str) -> dict[str, Any]:
        return self._body(self._request(path, params))

    def _request(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        try:
            response: Response = self._adapter.get(
                path, params=params, microversion=MICROVERSION, raise_exc=False
            )
        except ksa_exceptions.ClientException as exc:
            raise CloudError(f"nova cannot be reached: {exc}") from exc
        return response

    def _body(self, response: Response) -> dict[str, Any]:
        if response.status_code == 403:
            raise ForbiddenError(
                "the admin role is needed: nova lets no other user see all servers, their hosts "
                f"and the compute services ({_message(response)})"
            )
        if not response.ok:
            path = response.request.path_url
            raise CloudError(
                f"nova answers {response.status_code} to GET {path}: {_message(response)}"
            )
        body: dict[str, Any] = response.json()
        return body


def _server(item: Mapping[str, Any]) -> Server:
    if _HOST not in item:
        raise ForbiddenError(
            f"the admin role is needed: nova hides the host of server '{item['name']}' from this "
            f"user (policy os_compute_api:os-extended-server-attributes)"
        )
    flavor = item["flavor"]
    return Server(
        id=item["id"],
        name=item["name"],
        status=item["status"],
        vm_state=item["OS-EXT-STS:vm_state"],
        task_state=item["OS-EXT-STS:task_state"],
        power_state=item["OS-EXT-STS:power_state"],
        is_locked=item["locked"],
        host=item[_HOST] or "",
        flavor=Flavor(
            name=flavor["original_name"],
            vcpus=flavor["vcpus"],
            ram_mib=flavor["ram"],
            disk_gib=flavor["disk"] + flavor["ephemeral"] + -(-flavor["swap"] // 1024),
            extra_specs=flavor.get("extra_specs", {}),
        ),
        server_group_ids=tuple(item["server_groups"]),
        pinned_availability_zone=item.get("pinned_availability_zone"),
    )


def _is_uuid(text: str) -> bool:
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
