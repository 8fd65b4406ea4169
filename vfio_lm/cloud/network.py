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


"""Asking neutron about the ports of servers; what they mean is said elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Self

from vfio_lm.cloud.http.endpoint import Endpoint, path
from vfio_lm.cloud.http.shape import Fields, ShapeError, anything, mapped, nullable, text
from vfio_lm.cloud.model.network import PCI_VNIC_TYPES, Network, Port

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from openstack.connection import Connection

_FIELDS = ("id", "device_id", "binding:vnic_type", "binding:profile", "resource_request")

# nova/network/constants.py PORT_BINDING_EXTENDED (nova 34.0.0)
_PORT_BINDINGS = "binding-extended"

# The IDs of more servers would not fit into one URL.
_FEW_SERVERS = 50
_PAGE = 1000


class NetworkClient:
    """The questions that this project asks neutron.

    Every question raises :class:`~vfio_lm.errors.CloudError` if neutron does not answer, refuses,
    or answers with something else than its API promises.

    :param adapter: a keystoneauth adapter of the network service
    """

    def __init__(self, adapter: Adapter) -> None:
        self._http = Endpoint("neutron", adapter)

    @classmethod
    def of(cls, connection: Connection) -> Self | None:
        """Return a client of the neutron that a connection of the SDK leads to.

        :returns: None for a cloud without neutron
        :raises CloudError: if neutron does not answer
        """
        from vfio_lm.cloud.http.catalogue import find_adapter

        found = find_adapter(connection, "network")
        return None if found is None else cls(found)

    def networks(self, server_ids: Collection[str]) -> dict[str, Network]:
        """Return the ports of servers that matter, by the server's ID.

        The ports of a few servers are asked for by their IDs, those of many in one list of all.
        Whether neutron has port bindings is not asked.
        """
        params = []
        if len(server_ids) <= _FEW_SERVERS:
            params = [("device_id", server_id) for server_id in server_ids]
        found = self._networks(params)
        return {server_id: found.get(server_id, Network()) for server_id in server_ids}

    def pci_ports(self) -> dict[str, tuple[Port, ...]]:
        """Return the ports of the whole cloud that nova serves with a PCI device, by server."""
        params = [("binding:vnic_type", name) for name in sorted(PCI_VNIC_TYPES)]
        found = self._networks(params)
        return {server_id: each.ports for server_id, each in found.items() if each.ports}

    def has_port_bindings(self) -> bool:
        """Whether neutron has the extension ``binding-extended``."""
        found = self._http.find(
            path("extensions", _PORT_BINDINGS), lambda body: body("extension", Fields)
        )
        return found is not None

    def _networks(self, params: Collection[tuple[str, str]]) -> dict[str, Network]:
        ports: dict[str, list[Port]] = {}
        with_resources: dict[str, list[str]] = {}
        fields = [("fields", name) for name in _FIELDS]
        pages = self._http.pages("/ports", "ports", _port, [*fields, *params], size=_PAGE)
        for server_id, port, has_resources in pages:
            if server_id and port.vnic_type in PCI_VNIC_TYPES:
                ports.setdefault(server_id, []).append(port)
            if server_id and has_resources:
                with_resources.setdefault(server_id, []).append(port.id)
        return {
            server_id: Network(
                ports=tuple(ports.get(server_id, ())),
                ports_with_resources=tuple(with_resources.get(server_id, ())),
            )
            for server_id in ports.keys() | with_resources.keys()
        }


def _port(item: Fields) -> tuple[str, Port, bool]:
    """Read a port: its server, if it has one, and whether it asks placement for resources."""
    profile = Fields(item.get("binding:profile", mapped(anything), {}))
    port = Port(
        id=item("id", text),
        vnic_type=item("binding:vnic_type", text),
        is_bound="physical_network" in profile,
        physical_network=profile.get("physical_network", text, None),
        trusted=profile.get("trusted", _flag, None),
    )
    server_id = item("device_id", nullable(text)) or ""
    return server_id, port, bool(item.get("resource_request", Fields, None))


def _flag(value: object) -> bool:
    """Read a flag of a binding profile, which whoever makes a port writes in any form."""
    if not isinstance(value, (bool, int, str)):
        raise ShapeError("is neither a boolean nor a string")
    return str(value).lower() == "true"
