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

"""The networks that a cloud with neutron begins with, made over its API.

The network ``sriov`` is a VLAN of physnet2, where the hosts have their VFs, ``plain`` one of
physnet1. Nothing gives addresses there.
"""

from __future__ import annotations

from tests.cloud.rest import Rest

SRIOV = "sriov"
PLAIN = "plain"

_NETWORKS = {
    SRIOV: ("physnet2", 42, "192.0.2.0/25"),
    PLAIN: ("physnet1", 41, "192.0.2.128/25"),
}


def create(rest: Rest) -> None:
    """Make the networks, shared by all projects."""
    for name, (physical_network, vlan, cidr) in _NETWORKS.items():
        network = rest.call(
            "POST",
            "neutron",
            "/v2.0/networks",
            {
                "network": {
                    "name": name,
                    "shared": True,
                    "provider:network_type": "vlan",
                    "provider:physical_network": physical_network,
                    "provider:segmentation_id": vlan,
                }
            },
        )["network"]
        subnet = {"network_id": network["id"], "ip_version": 4, "cidr": cidr, "enable_dhcp": False}
        rest.call("POST", "neutron", "/v2.0/subnets", {"subnet": subnet})


def clear(rest: Rest) -> None:
    """Delete all trunks, ports and QoS policies, and the networks that were made since."""
    for kind in ("trunks", "ports"):
        for each in rest.get("neutron", f"/v2.0/{kind}")[kind]:
            # a port of a server that is being deleted goes with it
            rest.call("DELETE", "neutron", f"/v2.0/{kind}/{each['id']}", accept=(404,))
    for network in rest.get("neutron", "/v2.0/networks")["networks"]:
        if network["name"] not in _NETWORKS:
            rest.call("DELETE", "neutron", f"/v2.0/networks/{network['id']}")
    for policy in rest.get("neutron", "/v2.0/qos/policies")["policies"]:
        rest.call("DELETE", "neutron", f"/v2.0/qos/policies/{policy['id']}")
