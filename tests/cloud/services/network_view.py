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

"""The network service of a cloud: nova's neutron fixture over HTTP, mostly to read.

Enough for what the command line looks up before it creates a server, and for ports;
not a neutron. It says that every host has agents that are alive, and that these have bound the
ports, which is what nova's fixture makes nova believe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.cloud.services.view import Answer, View
from tests.cloud.spec import PHYSICAL_NETWORKS

VERSION = "v2.0"

#: by whom a port that is bound has been bound, if not by Open vSwitch
_SRIOV = {"hw_veb", "hostdev_physical"}
_UNBOUND = (None, "unbound", "binding_failed")

_AGENTS = {"NIC Switch agent": "device_mappings", "Open vSwitch agent": "bridge_mappings"}


class NetworkView(View):
    """A WSGI application: networks, subnets, security groups, and ports."""

    version = VERSION

    def __init__(self, neutron: Any, url: str, hosts: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._neutron = neutron
        self._hosts = hosts
        self._url = url
        self._stores = {
            "networks": neutron._networks,
            "subnets": neutron._subnets,
            "security_groups": neutron._security_groups,
        }

    def answer(
        self, method: str, parts: list[str], query: dict[str, Any], body: dict[str, Any]
    ) -> Answer:
        if not parts:
            link = {"rel": "self", "href": f"{self._url}/{VERSION}/"}
            return "200 OK", {"versions": [{"id": VERSION, "status": "CURRENT", "links": [link]}]}
        if len(parts) == 1:
            return "200 OK", {"resources": []}
        kind = parts[1].replace("-", "_")
        name = parts[2] if len(parts) > 2 else None
        if kind == "ports":
            return self._ports(method, name, query, body)
        if method != "GET":
            return _error("501 Not Implemented", f"{method} of {kind}")
        if kind == "extensions":
            return self._extensions(name)
        if kind == "agents":
            return "200 OK", {"agents": list(_agents(self._hosts()))}
        return self._read(kind, name, query)

    def _ports(
        self, method: str, name: str | None, query: dict[str, Any], body: dict[str, Any]
    ) -> Answer:
        if method == "POST":
            return "201 Created", self._neutron.create_port(body)
        if name is None:
            ports = self._neutron.list_ports(True, **query)["ports"]
            return "200 OK", {"ports": [_with_driver(port) for port in ports]}
        if name not in self._neutron._ports:
            return _error("404 Not Found", f"port {name}")
        if method == "DELETE":
            self._neutron.delete_port(name)
            return "204 No Content", None
        if method == "PUT":
            return "200 OK", self._neutron.update_port(name, body)
        return "200 OK", self._neutron.show_port(name)

    def _extensions(self, alias: str | None) -> Answer:
        extensions = self._neutron.list_extensions()["extensions"]
        if alias is None:
            return "200 OK", {"extensions": extensions}
        for extension in extensions:
            if extension["alias"] == alias:
                return "200 OK", {"extension": extension}
        return _error("404 Not Found", f"extension {alias}")

    def _read(self, kind: str, name: str | None, query: dict[str, Any]) -> Answer:
        store = self._stores.get(kind, {})
        if kind == "networks":
            store = {key: _PROVIDER | network for key, network in store.items()}
        if name is None:
            return "200 OK", {kind: self._neutron._list_resource(store, True, **query)}
        if name not in store:
            return _error("404 Not Found", f"{kind} {name}")
        return "200 OK", {kind.removesuffix("s"): store[name]}


_PROVIDER = {"provider:network_type": "vlan", "provider:physical_network": "physnet1"}


def _with_driver(port: dict[str, Any]) -> dict[str, Any]:
    vif_type = port.get("binding:vif_type")
    if vif_type in _UNBOUND:
        return port
    driver = "sriovnicswitch" if vif_type in _SRIOV else "openvswitch"
    details = (port.get("binding:vif_details") or {}) | {"bound_drivers": {"0": driver}}
    return port | {"binding:vif_details": details}


def _agents(hosts: Iterable[str]) -> Iterable[dict[str, Any]]:
    for host in hosts:
        for agent_type, mappings in _AGENTS.items():
            networks = {name: [f"{name}-pf"] for name in PHYSICAL_NETWORKS}
            yield {
                "id": f"{agent_type} of {host}",
                "host": host,
                "agent_type": agent_type,
                "alive": True,
                "configurations": {mappings: networks},
            }


def _error(status: str, what: str) -> Answer:
    return status, {"NeutronError": {"type": status[4:], "message": what, "detail": ""}}
