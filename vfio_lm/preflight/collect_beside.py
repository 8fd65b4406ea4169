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

"""Asking neutron and cinder about a server; a cloud may have neither, which is no error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions

from vfio_lm.nova_api import PCI_VNIC_TYPES, Server
from vfio_lm.preflight.endpoints import has_endpoint
from vfio_lm.preflight.facts import Network
from vfio_lm.preflight.port import Port, PortKind

if TYPE_CHECKING:
    from openstack.connection import Connection

_FIELDS = ("id", "binding:vnic_type", "binding:profile", "resource_request")

# nova/network/constants.py PORT_BINDING_EXTENDED (nova 34.0.0)
_PORT_BINDINGS = "binding-extended"


def network(connection: Connection, server_id: str) -> Network:
    """Return what neutron tells of a server's ports; nothing if the cloud has no neutron."""
    if not has_endpoint(connection, "network"):
        return Network()
    params = [("device_id", server_id), *(("fields", name) for name in _FIELDS)]
    body = _get(connection, "network", "/ports", params)
    if body is None:
        return Network(ports=None)
    items = body["ports"]
    ports = tuple(_port(p) for p in items if p.get("binding:vnic_type") in PCI_VNIC_TYPES)
    return Network(
        ports=ports,
        ports_with_resources=tuple(p["id"] for p in items if p.get("resource_request")),
        has_port_bindings=_get(connection, "network", f"/extensions/{_PORT_BINDINGS}") is not None
        if any(port.kind is PortKind.REPLUGGED for port in ports)
        else None,
    )


def image_properties(connection: Connection, server: Server) -> Mapping[str, str] | None:
    """Return the properties of the image that a server boots from.

    Nova keeps them with the server, but does not show those of a volume; cinder does.

    :returns: None for a server that boots from a volume, if cinder does not tell
    """
    if server.image_properties is not None:
        return server.image_properties
    if not has_endpoint(connection, "block-storage"):
        return None
    for volume_id in server.volume_ids:
        body = _get(connection, "block_storage", f"/volumes/{volume_id}")
        volume = body["volume"] if body else {}
        devices = [each.get("device") for each in volume.get("attachments", ())]
        if server.root_device in devices:
            return dict(volume.get("volume_image_metadata", {}))
    return None


def _port(item: Mapping[str, Any]) -> Port:
    profile = item.get("binding:profile") or {}
    return Port(
        id=item["id"],
        vnic_type=item["binding:vnic_type"],
        is_bound="physical_network" in profile,
        physical_network=profile.get("physical_network"),
        trusted=_flag(profile.get("trusted")),
    )


def _flag(value: object) -> bool | None:
    return None if value is None else str(value).lower() == "true"


def _get(
    connection: Connection, service: str, path: str, params: Sequence[tuple[str, str]] = ()
) -> dict[str, Any] | None:
    """Return what a service answers, or None if it does not."""
    try:
        # Already this may ask the service for its versions.
        adapter = getattr(connection, service)
        response = adapter.get(path, params=list(params), raise_exc=False)
        return dict(response.json()) if response.ok else None
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException, ValueError):
        return None
