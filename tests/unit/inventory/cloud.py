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

"""Aliases, flavors, servers and hosts for the tests of the inventory; it tests nothing."""

from __future__ import annotations

from typing import Any

from vfio_lm.cloud.model import (
    CloudFlavor,
    ComputeNode,
    ComputeService,
    Flavor,
    Inventory,
    Provider,
    Server,
)
from vfio_lm.pci import Alias, AliasSpec, LiveMigratable

VF = "CUSTOM_PCI_8086_1515"
ALIAS = "pci_passthrough:alias"
TRAIT = "trait:HW_PCI_LIVE_MIGRATABLE"

MARKED = frozenset({"COMPUTE_MANAGED_PCI_DEVICE", "OWNER_NOVA", "HW_PCI_LIVE_MIGRATABLE"})
UNMARKED = MARKED - {"HW_PCI_LIVE_MIGRATABLE"}
SILENT = frozenset({"COMPUTE_MANAGED_PCI_DEVICE"})


def alias(name: str, value: LiveMigratable, product: str = "1515") -> Alias:
    spec = AliasSpec(
        vendor_id="8086", product_id=product, device_type="type-VF", live_migratable=value
    )
    return Alias(name=name, numa_policy="legacy", specs=(spec,))


#: One alias for each value of live_migratable, and one for another kind of device.
ALIASES = {value.value: alias(value.value, value) for value in LiveMigratable} | {
    "other": alias("other", LiveMigratable.YES, product="1520")
}


def flavor(name: str, aliases: str | None = None, **changes: Any) -> CloudFlavor:
    known: dict[str, Any] = {
        "vcpus": 1,
        "ram_mib": 512,
        "disk_gib": 1,
        "extra_specs": {ALIAS: aliases} if aliases else {},
    }
    return CloudFlavor(
        id=f"id-{name}", is_public=True, flavor=Flavor(name=name, **(known | changes))
    )


def server(name: str, of: CloudFlavor, **changes: Any) -> Server:
    known: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "status": "ACTIVE",
        "vm_state": "active",
        "task_state": None,
        "power_state": 1,
        "is_locked": False,
        "host": "compute1",
        "flavor": of.flavor,
    }
    return Server(**(known | changes))


def node(host: str) -> ComputeNode:
    return ComputeNode(
        host=host,
        uuid=f"root-{host}",
        hypervisor_hostname=host,
        hypervisor_type="QEMU",
        hypervisor_version=8002002,
    )


def service(host: str, **changes: Any) -> ComputeService:
    known: dict[str, Any] = {"is_enabled": True, "is_up": True, "is_forced_down": False}
    return ComputeService(host=host, **(known | changes))


def device(
    host: str, slot: int = 0, traits: frozenset[str] = MARKED, capacity: int = 4, used: int = 0
) -> Provider:
    name = f"{host}_0000:81:{slot:02x}.0"
    return Provider(
        uuid=f"uuid-{name}",
        name=name,
        root_uuid=f"root-{host}",
        parent_uuid=f"root-{host}",
        traits=traits,
        inventories={VF: Inventory(capacity=capacity, used=used)},
    )
