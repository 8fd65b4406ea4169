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

"""Asking neutron about ports, networks and agents; what they mean is said elsewhere."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from vfio_lm.cloud.http.endpoint import Endpoint, path
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
    whole,
)
from vfio_lm.cloud.model.candidate_query import RequestGroup
from vfio_lm.cloud.model.network import (
    PCI_VNIC_TYPES,
    Network,
    NetworkAgent,
    Port,
    PortResources,
    Segment,
)

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from openstack.connection import Connection
    from typing_extensions import Self

_PORT_FIELDS = (
    "id",
    "name",
    "device_id",
    "network_id",
    "binding:vnic_type",
    "binding:profile",
    "binding:vif_details",
    "resource_request",
)
_NETWORK_FIELDS = ("id", "provider:network_type", "provider:physical_network", "segments")
_AGENT_FIELDS = ("id", "host", "agent_type", "alive", "configurations")

# Where an agent keeps which physical networks it serves (neutron 29): get_mappings of the drivers
# in neutron/plugins/ml2/drivers; OVN's in ovn/agent/neutron_agent.py, as a string.
_MAPPINGS = ("device_mappings", "bridge_mappings", "interface_mappings")
_OVN_MAPPINGS = "bridge-mappings"

# nova/network/constants.py PORT_BINDING_EXTENDED (nova 34.0.0)
_PORT_BINDINGS = "binding-extended"

# The IDs of more servers or networks would not fit into one URL.
_FEW = 50
_PAGE = 1000


@dataclasses.dataclass(frozen=True)
class _Item:
    """A port as neutron lists it, and the server that it belongs to."""

    server_id: str
    port: Port
    resources: PortResources


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
        """Return the ports of servers, by the server's ID.

        The ports of a few servers are asked for by their IDs, those of many in one list of all.
        Whether neutron has port bindings is not asked.
        """
        params = _of_few("device_id", server_ids)
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

    def agents(self) -> dict[str, tuple[NetworkAgent, ...]]:
        """Return the agents of every host; only administrators may see them."""
        found = collections.defaultdict(list)
        for host, agent in self._http.pages(
            "/agents", "agents", _agent, _fields(_AGENT_FIELDS), size=_PAGE
        ):
            found[host].append(agent)
        return {host: tuple(agents) for host, agents in found.items()}

    def segments(self, network_ids: Collection[str]) -> dict[str, tuple[Segment, ...]]:
        """Return what carries each network, by its ID; only administrators may see that."""
        params = _fields(_NETWORK_FIELDS) + _of_few("id", network_ids)
        pages = self._http.pages("/networks", "networks", _segments, params, size=_PAGE)
        return {network_id: found for network_id, found in pages if network_id in network_ids}

    def _networks(self, params: Collection[tuple[str, str]]) -> dict[str, Network]:
        by_server: dict[str, list[_Item]] = collections.defaultdict(list)
        pages = self._http.pages(
            "/ports", "ports", _item, [*_fields(_PORT_FIELDS), *params], size=_PAGE
        )
        for item in pages:
            if item.server_id:
                by_server[item.server_id].append(item)
        return {server_id: _network(items) for server_id, items in by_server.items()}


def _fields(names: Collection[str]) -> list[tuple[str, str]]:
    return [("fields", name) for name in names]


def _of_few(name: str, values: Collection[str]) -> list[tuple[str, str]]:
    """Ask for a few things only; for many of them, the list of all is shorter."""
    return [(name, value) for value in values] if len(values) <= _FEW else []


def _network(items: Collection[_Item]) -> Network:
    return Network(
        ports=tuple(item.port for item in items if item.port.needs_device),
        plain_ports=tuple(item.port for item in items if not item.port.needs_device),
        resources=PortResources(
            groups=tuple(group for item in items for group in item.resources.groups),
            same_subtrees=tuple(each for item in items for each in item.resources.same_subtrees),
        ),
    )


def _item(item: Fields) -> _Item:
    profile = Fields(item.get("binding:profile", mapped(anything), {}))
    port = Port(
        id=item("id", text),
        vnic_type=item("binding:vnic_type", text),
        name=item.get("name", text, ""),
        network_id=item.get("network_id", text, ""),
        mechanism=_mechanism(item),
        is_bound="physical_network" in profile,
        physical_network=profile.get("physical_network", text, None),
        trusted=profile.get("trusted", _flag, None),
    )
    request = item.get("resource_request", mapped(anything), {})
    return _Item(
        server_id=item("device_id", nullable(text)) or "",
        port=port,
        resources=port_resources(port.id, Fields(request)) if request else PortResources(),
    )


def _mechanism(item: Fields) -> str | None:
    """Read which driver has bound a port: the last one, where several have a part in it."""
    details = Fields(item.get("binding:vif_details", mapped(anything), {}))
    drivers = details.get("bound_drivers", mapped(text), {})
    return drivers[max(drivers, key=_level)] if drivers else None


def _level(name: str) -> int:
    return int(name) if name.isdecimal() and len(name) < 10 else -1


def port_resources(port_id: str, request: Fields) -> PortResources:
    """Read the resource request of a port.

    Source: ``RequestGroup.from_port_request`` and ``from_extended_port_request`` in
    ``nova/objects/request_spec.py`` (nova 34.0.0).
    """
    if "request_groups" not in request:
        return PortResources(groups=(_group(port_id, request),))
    groups = request.get("request_groups", listed(record(_named_group)), [])
    together = tuple(request.get("same_subtree", listed(text), []))
    return PortResources(groups=tuple(groups), same_subtrees=(together,) if together else ())


def _named_group(group: Fields) -> RequestGroup:
    return _group(group("id", text), group)


def _group(suffix: str, group: Fields) -> RequestGroup:
    return RequestGroup(
        suffix=suffix,
        resources=group("resources", mapped(whole)),
        required=frozenset(group.get("required", listed(text), [])),
    )


def _agent(item: Fields) -> tuple[str, NetworkAgent]:
    configurations = Fields(item.get("configurations", mapped(anything), {}))
    return item("host", text), NetworkAgent(
        agent_type=item("agent_type", text),
        is_alive=item("alive", flag),
        physical_networks=_physical_networks(configurations),
        tunnel_types=frozenset(configurations.get("tunnel_types", listed(text), [])),
    )


def _physical_networks(configurations: Fields) -> frozenset[str]:
    ovn = configurations.get(_OVN_MAPPINGS, text, "")
    found = {name for pair in ovn.split(",") if (name := pair.partition(":")[0].strip())}
    for name in _MAPPINGS:
        mappings: Mapping[str, object] = configurations.get(name, mapped(anything), {})
        found.update(mappings)
    return frozenset(found)


def _segments(item: Fields) -> tuple[str, tuple[Segment, ...]]:
    several = item.get("segments", listed(record(_segment)), [])
    return item("id", text), tuple(several) if several else (_segment(item),)


def _segment(item: Fields) -> Segment:
    return Segment(
        network_type=item("provider:network_type", text),
        physical_network=item.get("provider:physical_network", text, None),
    )


def _flag(value: object) -> bool:
    """Read a flag of a binding profile, which whoever makes a port writes in any form."""
    if not isinstance(value, (bool, int, str)):
        raise ShapeError("is neither a boolean nor a string")
    return str(value).lower() == "true"
