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


"""Servers, flavors, services and hypervisors as nova's API writes them.

What may be missing or null is said in ``nova/api/openstack/compute/schemas`` (nova 34.0.0).
"""

from __future__ import annotations

from vfio_lm.cloud.http.shape import (
    Fields,
    ShapeError,
    anything,
    flag,
    listed,
    mapped,
    nullable,
    record,
    text,
    utc,
    whole,
)
from vfio_lm.cloud.model.nova import CloudFlavor, ComputeNode, ComputeService, Flavor, Server
from vfio_lm.errors import CloudError, ForbiddenError

_HOST = "OS-EXT-SRV-ATTR:host"
_VOLUMES = "os-extended-volumes:volumes_attached"


def is_hidden(item: Fields) -> bool:
    """Whether nova knows no more of a server than its ID, as its cell is down."""
    return "name" not in item and item("status", text) == "UNKNOWN"


def server(item: Fields) -> Server:
    """Read a server.

    :raises CloudError: if its cell is down
    :raises ForbiddenError: if its host or its extra specs are hidden from the user
    """
    server_id = item("id", text)
    if is_hidden(item):
        raise CloudError(f"the cell of server {server_id} is down; nova knows no more of it")
    name = item("name", nullable(text)) or ""
    if _HOST not in item:
        raise ForbiddenError(
            f"the admin role is needed: nova hides the host of server '{name}' from this user "
            f"(policy os_compute_api:os-extended-server-attributes)"
        )
    # Nova itself has null for a server that was made without.
    hints = item("scheduler_hints", nullable(mapped(anything)))
    return Server(
        id=server_id,
        name=name,
        status=item("status", text),
        vm_state=item("OS-EXT-STS:vm_state", nullable(text)) or "",
        task_state=item("OS-EXT-STS:task_state", nullable(text)),
        power_state=item("OS-EXT-STS:power_state", nullable(whole)) or 0,
        is_locked=item("locked", flag),
        host=item(_HOST, nullable(text)) or "",
        flavor=item("flavor", record(_embedded_flavor)),
        image_properties=item("image", _image_properties),
        scheduler_hints=hints or {},
        pinned_availability_zone=item("pinned_availability_zone", nullable(text)),
        tags=frozenset(item.get("tags", listed(text), [])),
        created_at=item.get("created", utc, None),
        root_device=item.get("OS-EXT-SRV-ATTR:root_device_name", text, None),
        project_id=item("tenant_id", text),
        volume_ids=tuple(item.get(_VOLUMES, listed(record(lambda each: each("id", text))), [])),
    )


def cloud_flavor(item: Fields) -> CloudFlavor:
    """Read a flavor as it is now.

    :raises ForbiddenError: if its extra specs are hidden from the user
    """
    return CloudFlavor(
        id=item("id", text),
        is_public=item("os-flavor-access:is_public", flag),
        flavor=_flavor(item, "name", "OS-FLV-EXT-DATA:ephemeral"),
        description=item.get("description", text, None),
    )


def compute_service(item: Fields) -> ComputeService:
    """Read a service.

    Nova shows only the host of those in a cell that is down; they count as down
    (``nova/api/openstack/compute/services.py``, nova 34.0.0).
    """
    return ComputeService(
        host=item("host", text),
        is_enabled=item("status", text) != "disabled",
        is_up=item.get("state", text, "down") == "up",
        is_forced_down=item.get("forced_down", flag, False),
        disabled_reason=item.get("disabled_reason", text, None),
        zone=item.get("zone", text, None),
    )


def compute_node(item: Fields, *, with_servers: bool = False) -> ComputeNode:
    """Read a hypervisor.

    :param with_servers: whether nova was asked for the servers on it; it leaves out an empty list
    """
    servers = listed(record(lambda each: each("uuid", text)))
    return ComputeNode(
        host=item("service", record(lambda service: service("host", text))),
        uuid=item("id", text),
        hypervisor_hostname=item("hypervisor_hostname", text),
        hypervisor_type=item("hypervisor_type", text),
        hypervisor_version=item("hypervisor_version", whole),
        server_ids=frozenset(item.get("servers", servers, [])) if with_servers else None,
    )


def _embedded_flavor(item: Fields) -> Flavor:
    return _flavor(item, "original_name", "ephemeral")


def _flavor(item: Fields, name_field: str, ephemeral_field: str) -> Flavor:
    """Read what a flavor and the copy of it in a server have in common."""
    name = item(name_field, text)
    if "extra_specs" not in item:
        raise ForbiddenError(
            f"the extra specs of flavor '{name}' are hidden from this user, and with them the "
            f"devices it asks for (policy os_compute_api:servers:show:flavor-extra-specs and "
            f"os_compute_api:os-flavor-extra-specs:index)"
        )
    swap, ephemeral = item("swap", whole), item(ephemeral_field, whole)
    return Flavor(
        name=name,
        vcpus=item("vcpus", whole),
        ram_mib=item("ram", whole),
        disk_gib=item("disk", whole) + ephemeral + -(-swap // 1024),
        extra_specs=item("extra_specs", mapped(text)),
        ephemeral_gib=ephemeral,
        swap_mib=swap,
    )


def _image_properties(value: object) -> dict[str, str] | None:
    """Read what nova keeps of the image; a server that boots from a volume has none here."""
    if value == "":
        return None
    if not isinstance(value, dict):
        raise ShapeError("is neither an object nor an empty string")
    found = Fields(value)("properties", mapped(nullable(text)))
    return {name: each for name, each in found.items() if each is not None}
