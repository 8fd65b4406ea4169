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

"""What an operator does with hosts and servers through nova's API; not through its database."""

from __future__ import annotations

import time
from typing import Any

from tests.cloud.errors import CloudError
from tests.cloud.rest import Rest

DELETE_SECONDS = 60.0
POLL_SECONDS = 0.1


def set_enabled(rest: Rest, host: str, enabled: bool, reason: str | None = None) -> None:
    """Enable or disable the compute service of a host."""
    body: dict[str, Any] = {"status": "enabled" if enabled else "disabled"}
    if reason is not None:
        body["disabled_reason"] = reason
    rest.call("PUT", "nova", f"/os-services/{_service_id(rest, host)}", body)


def delete_host(rest: Rest, host: str) -> None:
    """Delete the compute service of a host; nova deletes its providers with it.

    :raises CloudError: if nova refuses, or a provider is still in use.
    """
    rest.call("DELETE", "nova", f"/os-services/{_service_id(rest, host)}")
    left = rest.get("placement", f"/resource_providers?name={host}")["resource_providers"]
    if left:
        raise CloudError(f"the provider {left[0]['uuid']} of the host {host} is still in use")


def delete_host_if_known(rest: Rest, host: str) -> None:
    """Delete the compute service of a host whose nova-compute may never have come so far."""
    if any(service["host"] == host for service in _compute_services(rest)):
        delete_host(rest, host)


def clear(rest: Rest) -> None:
    """Delete all servers, groups, aggregates and flavors; enable all hosts."""
    _delete_servers(rest)
    _wait_for_no_usage(rest)
    for group in rest.get("nova", "/os-server-groups?all_projects=True")["server_groups"]:
        rest.call("DELETE", "nova", f"/os-server-groups/{group['id']}")
    for aggregate in rest.get("nova", "/os-aggregates")["aggregates"]:
        path = f"/os-aggregates/{aggregate['id']}"
        for host in aggregate["hosts"]:
            rest.call("POST", "nova", f"{path}/action", {"remove_host": {"host": host}})
        rest.call("DELETE", "nova", path)
    for flavor in rest.get("nova", "/flavors?is_public=None")["flavors"]:
        rest.call("DELETE", "nova", f"/flavors/{flavor['id']}")
    for service in _compute_services(rest):
        if service["status"] != "enabled" or service["forced_down"]:
            body = {"status": "enabled", "forced_down": False}
            rest.call("PUT", "nova", f"/os-services/{service['id']}", body)


def _delete_servers(rest: Rest) -> None:
    deadline = time.monotonic() + DELETE_SECONDS
    asked: set[str] = set()
    while servers := rest.get("nova", "/servers?all_tenants=1")["servers"]:
        for server in servers:
            if server["id"] not in asked:
                asked.add(server["id"])
                rest.call("DELETE", "nova", f"/servers/{server['id']}", accept=(404,))
        if time.monotonic() > deadline:
            names = ", ".join(server["name"] for server in servers)
            raise CloudError(f"servers are still there after {DELETE_SECONDS:.0f} s: {names}")
        time.sleep(POLL_SECONDS)
    # A server is gone from the API before its host gives its devices free; the allocation goes
    # last (nova/compute/manager.py _complete_deletion, nova 34.0.0).
    for server_id in asked:
        while rest.get("placement", f"/allocations/{server_id}")["allocations"]:
            if time.monotonic() > deadline:
                raise CloudError(f"the deleted server {server_id} still holds an allocation")
            time.sleep(POLL_SECONDS)


def _wait_for_no_usage(rest: Rest) -> None:
    """Wait for nova to give back what it allocated, which it does after a server is gone."""
    deadline = time.monotonic() + DELETE_SECONDS
    for project in rest.get("keystone", "/projects")["projects"]:
        path = f"/usages?project_id={project['id']}"
        while usages := rest.get("placement", path)["usages"]:
            if time.monotonic() > deadline:
                raise CloudError(f"allocations of no server are left: {usages}")
            time.sleep(POLL_SECONDS)


def _compute_services(rest: Rest) -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = rest.get("nova", "/os-services?binary=nova-compute")[
        "services"
    ]
    return services


def _service_id(rest: Rest, host: str) -> str:
    for service in _compute_services(rest):
        if service["host"] == host:
            return str(service["id"])
    raise CloudError(f"nova knows no compute service of a host {host}")
