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

"""The networks and ports of a cloud beyond those nova's neutron fixture begins with."""

from __future__ import annotations

import copy
from typing import Any

from nova.tests import fixtures as nova_fixtures

from tests.cloud.settings import ADMIN_PROJECT_ID

#: Name of each port, and the attribute of the fixture that describes it; all are on
#: the network ``sriov`` (physical network physnet2).
SRIOV_PORTS = {
    "sriov-1": "sriov_port",
    "sriov-2": "sriov_port2",
    "sriov-pf-1": "sriov_pf_port",
    "sriov-pf-2": "sriov_pf_port2",
    "macvtap-1": "macvtap_port",
    "macvtap-2": "macvtap_port2",
}

#: Anybody but the users of the cloud: nova would otherwise not know which network a
#: server gets that asks for none in particular.
NETWORK_OWNER = "0" * 32


class Networks(nova_fixtures.NeutronFixture):
    """Nova's double of neutron, whose plugin can be made to leave extensions out."""

    def __init__(self, test: Any) -> None:
        super().__init__(test)
        self._left_out: set[str] = set()

    def list_extensions(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """List the extensions that the plugin has."""
        every = super().list_extensions(*args, **kwargs)["extensions"]
        return {"extensions": [each for each in every if each["alias"] not in self._left_out]}

    def leave_out_extensions(self, aliases: list[str]) -> None:
        """Let the plugin have all extensions but these; a nova that has asked may not notice.

        Nova remembers the extensions for ten minutes (``nova/network/neutron.py``, nova 34.0.0).
        """
        self._left_out = set(aliases)


def add_sriov_ports(neutron: Any) -> None:
    """Add the fixture's SR-IOV ports and their network, with names to call them by.

    :param neutron: nova's NeutronFixture (nova 34.0.0).
    """
    if neutron.tenant_id != ADMIN_PROJECT_ID:
        raise RuntimeError(f"the ports of nova's fixture belong to {neutron.tenant_id}")
    network = {**neutron.network_2, "name": "sriov"}
    network["tenant_id"] = network["project_id"] = NETWORK_OWNER
    neutron._networks[network["id"]] = network
    neutron._subnets[neutron.subnet_2["id"]] = neutron.subnet_2
    for name, attribute in SRIOV_PORTS.items():
        port = copy.deepcopy(getattr(neutron, attribute))
        port["name"] = name
        neutron._ports[port["id"]] = port
