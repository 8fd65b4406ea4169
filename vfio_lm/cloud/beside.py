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

"""Asking neutron and cinder about servers; a cloud may have neither, which is no error.

A few ports and volumes are asked for by their IDs, many in one list of all, 1,000 a request.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions

from vfio_lm.cloud.endpoints import has_endpoint
from vfio_lm.cloud.model import PCI_VNIC_TYPES, Network, Port, PortKind, Server

if TYPE_CHECKING:
    from openstack.connection import Connection

_FIELDS = ("id", "device_id", "binding:vnic_type", "binding:profile", "resource_request")

# nova/network/constants.py PORT_BINDING_EXTENDED (nova 34.0.0)
_PORT_BINDINGS = "binding-extended"

# The IDs of more servers would not fit into one URL.
_FEW_SERVERS = 50
_FEW_VOLUMES = 10
_PAGE = 1000

_Params = Sequence[tuple[str, str]]


class _SilentError(Exception):
    """A service does not answer."""


def networks(connection: Connection, server_ids: Collection[str]) -> dict[str, Network]:
    """Return what neutron tells of the ports of servers; nothing if the cloud has no neutron."""
    if not server_ids or not has_endpoint(connection, "network"):
        return dict.fromkeys(server_ids, Network())
    params = [("fields", name) for name in _FIELDS]
    if len(server_ids) <= _FEW_SERVERS:
        params += [("device_id", server_id) for server_id in server_ids]
    wanted = set(server_ids)
    ports: dict[str, list[Port]] = {}
    with_resources: dict[str, list[str]] = {}
    try:
        for item in _pages(connection, "network", "/ports", "ports", params):
            server_id = item["device_id"]
            if server_id not in wanted:
                continue
            if item.get("binding:vnic_type") in PCI_VNIC_TYPES:
                ports.setdefault(server_id, []).append(_port(item))
            if item.get("resource_request"):
                with_resources.setdefault(server_id, []).append(item["id"])
    except _SilentError:
        return dict.fromkeys(server_ids, Network(ports=None))
    replugged = {
        server_id
        for server_id, found in ports.items()
        if any(port.kind is PortKind.REPLUGGED for port in found)
    }
    has_bindings = (
        _get(connection, "network", f"/extensions/{_PORT_BINDINGS}") is not None
        if replugged
        else None
    )
    return {
        server_id: Network(
            ports=tuple(ports.get(server_id, ())),
            ports_with_resources=tuple(with_resources.get(server_id, ())),
            has_port_bindings=has_bindings if server_id in replugged else None,
        )
        for server_id in server_ids
    }


def image_properties(
    connection: Connection, servers: Collection[Server]
) -> dict[str, Mapping[str, str] | None]:
    """Return the properties of the image that each server boots from, by the server's ID.

    Nova keeps them with the server, but does not show those of a volume; cinder does.

    :returns: None for a server that boots from a volume, if cinder does not tell
    """
    known = {server.id: server.image_properties for server in servers}
    of_volumes = [server for server in servers if server.image_properties is None]
    if not of_volumes or not has_endpoint(connection, "block-storage"):
        return known
    all_volumes: Mapping[str, Mapping[str, Any]] | None = None
    if sum(len(server.volume_ids) for server in of_volumes) > _FEW_VOLUMES:
        wanted = {volume_id for server in of_volumes for volume_id in server.volume_ids}
        all_volumes = _volumes(connection, wanted)
    for server in of_volumes:
        known[server.id] = _of_root_volume(connection, server, all_volumes)
    return known


def _of_root_volume(
    connection: Connection, server: Server, known: Mapping[str, Mapping[str, Any]] | None
) -> Mapping[str, str] | None:
    """Look through the volumes of a server, which are asked for unless they are known."""
    for volume_id in server.volume_ids:
        if known is None:
            body = _get(connection, "block_storage", f"/volumes/{volume_id}")
            volume = body["volume"] if body else {}
        else:
            volume = known.get(volume_id, {})
        devices = [each.get("device") for each in volume.get("attachments", ())]
        if server.root_device in devices:
            return dict(volume.get("volume_image_metadata", {}))
    return None


def _volumes(connection: Connection, wanted: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Return those volumes that are wanted, of whichever project."""
    params = [("all_tenants", "True")]
    found: dict[str, Mapping[str, Any]] = {}
    try:
        for item in _pages(connection, "block_storage", "/volumes/detail", "volumes", params):
            if item["id"] in wanted:
                kept = ("attachments", "volume_image_metadata")
                found[item["id"]] = {name: item[name] for name in kept if name in item}
    except _SilentError:
        return {}
    return found


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


def _pages(
    connection: Connection, service: str, path: str, kind: str, params: _Params
) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a list, page by page.

    :raises _SilentError: if the service does not answer
    """
    page: _Params = [("limit", str(_PAGE))]
    while True:
        body = _get(connection, service, path, [*params, *page])
        if body is None:
            raise _SilentError
        yield from body[kind]
        if not any(link["rel"] == "next" for link in body.get(f"{kind}_links", ())):
            return
        page = [("limit", str(_PAGE)), ("marker", body[kind][-1]["id"])]


def _get(
    connection: Connection, service: str, path: str, params: _Params = ()
) -> dict[str, Any] | None:
    """Return what a service answers, or None if it does not."""
    try:
        # Already this may ask the service for its versions.
        adapter = getattr(connection, service)
        response = adapter.get(path, params=list(params), raise_exc=False)
        return dict(response.json()) if response.ok else None
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException, ValueError):
        return None
