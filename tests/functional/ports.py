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

"""What tests of servers with ports share; they run on a cloud with a real neutron."""

from __future__ import annotations

from typing import Any

from tests.cloud import HostSpec
from tests.cloud.administrator import wait_for
from tests.cloud.networks import PLAIN, SRIOV
from tests.cloud.testcase import OwnCloudTestCase

SRIOV_AGENT = "NIC Switch agent"

#: by vnic type, the network of a port and how neutron binds it
KINDS = {
    "normal": (PLAIN, "ovs"),
    "direct": (SRIOV, "hw_veb"),
    "macvtap": (SRIOV, "hw_veb"),
    "direct-physical": (SRIOV, "hostdev_physical"),
}

#: Of two PFs the first is to be given away whole, of the second only the VFs.
DEVICE_SPECS = tuple(
    {"address": address, "physical_network": "physnet2"} for address in ("*:*:00.*", "*:*:01.0")
)


def hosts() -> tuple[HostSpec, ...]:
    """Give two hosts with VFs and a PF of the physical network of the SR-IOV ports."""
    return tuple(
        HostSpec(name, pfs=2, device_specs=DEVICE_SPECS, bandwidth_kbps=10_000)
        for name in ("compute1", "compute2")
    )


class PortTestCase(OwnCloudTestCase):
    """A test with servers that have ports."""

    def port(self, vnic_type: str, network: str, **options: Any) -> Any:
        """Create a port."""
        network_id = self.client.network.find_network(network).id
        return self.client.network.create_port(
            name=f"{vnic_type}-port",
            network_id=network_id,
            binding_vnic_type=vnic_type,
            **options,
        )

    def boot_with(self, port: Any, host: str = "compute1") -> Any:
        """Create a server with a port and wait until it is active."""
        return self.boot(alias=None, host=host, networks=[{"port": port.id}])

    def bindings(self, port: Any) -> dict[str, str]:
        """Give the state of each binding of a port, by its host."""
        answer = self.client.network.get(f"/ports/{port.id}/bindings").json()
        return {each["host"]: each["status"] for each in answer["bindings"]}

    def wait_until_active(self, port: Any) -> Any:
        """Wait until neutron calls a port ACTIVE; give it."""

        def active() -> Any:
            found = self.client.network.get_port(port.id)
            return found if found.status == "ACTIVE" else None

        return wait_for(f"the port {port.id} is active", active)

    def without_agents(self, host: str) -> None:
        """Let the agents of a host be dead for the rest of the test."""
        self.cloud.stop_network_agents(host)
        self.addCleanup(self.cloud.start_network_agents, self.spec_of(host))

    def spec_of(self, host: str) -> HostSpec:
        """Give the specification of a host."""
        (found,) = (each for each in hosts() if each.name == host)
        return found

    def wait_for_bandwidth(self) -> None:
        """Wait until neutron has put the bandwidth of both hosts into placement."""
        for host in hosts():
            name = f"{host.name}:{SRIOV_AGENT}:physnet2-pf"
            wait_for(f"the provider {name} is there", lambda name=name: self.provider(name))
