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

"""The shares of what the servers that people run have; data only.

``doc/source/fidelity-population.rst`` says where they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cloud import configs
from tests.fidelity.history import History
from tests.fidelity.scenario import HostState, Json, ServerState

#: The trait of the devices on NUMA node 1.
FAST = "CUSTOM_FAST"

_VF = {
    "vendor_id": "8086",
    "product_id": "1515",
    "device_type": "type-VF",
    "live_migratable": "yes",
}
_WITHOUT_TRAITS: tuple[Json, ...] = (
    _VF | {"name": "vf"},
    _VF | {"name": "vf-preferred", "numa_policy": "preferred"},
    _VF | {"name": "vf-required", "numa_policy": "required"},
    {key: value for key, value in _VF.items() if key != "live_migratable"} | {"name": "vf-any"},
)
#: By whether PCI devices are in placement, where aliases can have traits.
ALIASES: Mapping[bool, tuple[Json, ...]] = {
    True: (*_WITHOUT_TRAITS, _VF | {"name": f"vf-{FAST}", "traits": FAST}),
    False: _WITHOUT_TRAITS,
}

REQUESTS = (
    (0.55, "vf:1"),
    (0.15, "vf:2"),
    (0.1, f"vf-{FAST}:1"),
    (0.06, "vf-preferred:1"),
    (0.04, "vf-required:1"),
    (0.04, "vf-any:1"),
    (0.06, None),
)

#: What makes a NUMA topology: 66 of 100 servers have one.
NUMA: tuple[tuple[float, Json], ...] = (
    (0.34, {}),
    (0.22, {"hw:cpu_policy": "dedicated"}),
    (0.06, {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "prefer"}),
    (0.11, {"hw:cpu_policy": "dedicated", "hw:mem_page_size": "large"}),
    (0.08, {"hw:mem_page_size": "2048"}),
    (0.03, {"hw:mem_page_size": "1048576"}),
    (0.04, {"hw:mem_page_size": "small"}),
    (0.06, {"hw:numa_nodes": "1"}),
    (0.04, {"hw:numa_nodes": "2"}),
    (0.02, {"hw:numa_nodes": "2", "hw:cpu_policy": "dedicated"}),
)
PCI_POLICIES = ((0.5, "preferred"), (0.2, "legacy"), (0.2, "required"), (0.1, "socket"))

#: Asks for a host in the aggregates with this metadata, where that filter is enabled.
OF_AGGREGATE = "aggregate_instance_extra_specs:ssd"

#: Name, value, share.
EXTRA_SPECS = (
    ("hw_rng:allowed", "True", 0.25),
    ("hw:watchdog_action", "reset", 0.1),
    ("hw:serial_port_count", "1", 0.05),
    ("quota:cpu_shares", "1024", 0.08),
    ("hw:cpu_sockets", "1", 0.1),
    ("hw:boot_menu", "true", 0.03),
    (OF_AGGREGATE, "true", 0.1),
    ("capabilities:hypervisor_type", "QEMU", 0.03),
    ("trait:COMPUTE_NODE", "required", 0.03),
    ("billing:plan", "gold", 0.1),
)

IMAGE_PROPERTIES: tuple[tuple[float, Json], ...] = (
    (0.2, {}),
    (0.2, {"hw_disk_bus": "virtio", "hw_vif_model": "virtio"}),
    (0.2, {"os_type": "linux", "os_distro": "debian", "hw_qemu_guest_agent": "yes"}),
    (0.1, {"hw_machine_type": "q35", "hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi"}),
    (0.1, {"hw_architecture": "x86_64"}),
    (0.05, {"hw_video_model": "virtio"}),
    (0.05, {"hw_rng_model": "virtio"}),
    (0.05, {"hw_pci_numa_affinity_policy": "preferred"}),
    (0.05, {"hw_cpu_sockets": "1"}),
)

VNIC_TYPES = ((0.4, "normal"), (0.4, "direct"), (0.2, "macvtap"))

HISTORIES = (
    (0.16, History.RESIZE_REVERTED),
    (0.14, History.MOVED),
    (0.1, History.PORT_REMOVED),
    (0.1, History.PORT_ADDED),
    (0.1, History.PLACEMENT_OFF),
    (0.1, History.TAG_LOST),
    (0.1, History.ALLOCATION_LEFT),
    (0.2, History.MEMBER_RESIZED),
)

HOST_STATES = ((0.94, HostState.UP), (0.04, HostState.DISABLED), (0.02, HostState.DOWN))
SERVER_STATES = (
    (0.93, ServerState.ACTIVE),
    (0.03, ServerState.PAUSED),
    (0.02, ServerState.LOCKED),
    (0.02, ServerState.STOPPED),
)

#: Options of nova besides those of every embedded cloud; a seed has one of them.
OPTIONS: tuple[Mapping[str, Mapping[str, Any]], ...] = (
    {},
    {
        "filter_scheduler": {
            "enabled_filters": ",".join(
                (
                    *configs.FILTERS,
                    "AggregateInstanceExtraSpecsFilter",
                    "NumInstancesFilter",
                    "SameHostFilter",
                    "DifferentHostFilter",
                )
            ),
            "max_instances_per_host": "4",
            "host_subset_size": "2",
        },
        "compute": {"cpu_dedicated_set": "2-5,8-11", "cpu_shared_set": "0-1,6-7"},
    },
    {
        "filter_scheduler": {
            "available_filters": [
                "nova.scheduler.filters.all_filters",
                "tests.functional.own_filters.OpenRackFilter",
            ],
            "enabled_filters": ",".join((*configs.FILTERS, "OpenRackFilter")),
        },
        "racks": {"closed_hosts": "node2"},
        "scheduler": {
            "image_metadata_prefilter": "true",
            "enable_isolated_aggregate_filtering": "true",
        },
    },
    {
        "DEFAULT": {"migrate_max_retries": "0"},
        "filter_scheduler": {
            "enabled_filters": ",".join(
                each for each in configs.FILTERS if each != "NUMATopologyFilter"
            ),
            "pci_weight_multiplier": "0",
            "shuffle_best_same_weighed_hosts": "true",
        },
    },
)
