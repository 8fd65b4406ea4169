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

"""The dimension of ports: what a server is plugged into, and the agents that neutron has on hosts.

The data, and how a cloud with a neutron is brought into its shape; what is random is elsewhere.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable
from typing import Any

from tests.cloud import Cloud, HostSpec
from tests.cloud.administrator import Administrator, wait_for
from tests.cloud.networks import PLAIN, SRIOV

SRIOV_AGENT = "NIC Switch agent"

#: by vnic type, the network of a port
NETWORKS = {"normal": PLAIN, "direct": SRIOV, "macvtap": SRIOV, "direct-physical": SRIOV}


class AgentsState(enum.Enum):
    """What the neutron agents of a host do while the server is to move."""

    ALIVE = "alive"
    DEAD = "dead"
    WITHOUT_NETWORK = "without network"
    """The SR-IOV agent is alive, and does not serve the network of the VFs."""


@dataclasses.dataclass(frozen=True, slots=True)
class PortPlan:
    """A port of a server.

    :ivar min_kbps: the bandwidth that it asks placement for; 0: none.
    """

    vnic_type: str
    min_kbps: int = 0


def make_ports(admin: Administrator, plans: Iterable[PortPlan]) -> list[str]:
    """Make ports for a server; return their IDs."""
    network = admin.connection.network
    found = []
    for plan in plans:
        options: dict[str, Any] = {}
        if plan.min_kbps:
            options["qos_policy_id"] = _policy(admin, plan.min_kbps)
        port = network.create_port(
            network_id=network.find_network(NETWORKS[plan.vnic_type]).id,
            binding_vnic_type=plan.vnic_type,
            **options,
        )
        found.append(str(port.id))
    return found


def delete_ports(admin: Administrator, port_ids: Iterable[str]) -> None:
    """Delete ports of a server that is gone."""
    for port_id in port_ids:
        admin.connection.network.delete_port(port_id)


def wait_for_bandwidth(admin: Administrator, hosts: Iterable[HostSpec]) -> None:
    """Wait until neutron has put what the agents of hosts offer into placement."""
    for host in hosts:
        if host.bandwidth_kbps:
            name = f"{host.name}:{SRIOV_AGENT}:physnet2-pf"
            wait_for(f"the provider {name} is there", lambda name=name: _is_known(admin, name))


def bring_agents_into_state(cloud: Cloud, host: HostSpec, state: AgentsState) -> None:
    """Let the agents of a host do as they should."""
    if state is AgentsState.DEAD:
        cloud.stop_network_agents(host.name)
    elif state is AgentsState.WITHOUT_NETWORK:
        spec = dataclasses.replace(host, physical_networks=("physnet1",))
        cloud.start_network_agents(spec, SRIOV_AGENT)
    else:
        cloud.start_network_agents(host)


def _policy(admin: Administrator, min_kbps: int) -> str:
    network = admin.connection.network
    name = f"at-least-{min_kbps}"
    policy = network.find_qos_policy(name)
    if policy is None:
        policy = network.create_qos_policy(name=name)
        network.create_qos_minimum_bandwidth_rule(policy, min_kbps=min_kbps, direction="egress")
    return str(policy.id)


def _is_known(admin: Administrator, name: str) -> bool:
    found = admin.connection.placement.get(f"/resource_providers?name={name}").json()
    return bool(found["resource_providers"])
