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

"""What nova does with each extra spec of a flavor when a server live migrates; no I/O.

Compiled from nova's validators (``nova/api/validation/extra_specs``), its scheduler and its libvirt
driver, nova 31.3.1 to 34.0.0. What is not listed is not known to be harmless.
"""

from __future__ import annotations

import enum

from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
from vfio_lm.preflight.rules.numa import is_of_numa


class Effect(enum.Enum):
    """Which part of nova looks at an extra spec, or an image property, in a live migration."""

    NONE = "none"
    """Only the driver, when it writes the domain's XML: both hosts can do the same with it."""
    PLACEMENT = "placement"
    """The scheduler, for its query to placement."""
    NUMA = "numa"
    """The fit of the NUMA topology, see the check numa."""
    FILTER = "filter"
    """A filter of the scheduler, see the check destination-filters."""
    VIOMMU = "viommu"
    """QEMU, where the server has VFIO devices, see the check viommu."""
    REFUSED = "refused"
    """Nova's API, which refuses a server that has it, see the check server-features."""
    UNKNOWN = "unknown"
    """Something that this preflight does not look into."""


#: The scope that AggregateInstanceExtraSpecsFilter reads, which is not enabled by default.
AGGREGATE_SCOPE = "aggregate_instance_extra_specs"
#: The scope that ComputeCapabilitiesFilter reads.
CAPABILITIES_SCOPE = "capabilities"
#: What ComputeCapabilitiesFilter takes for a capability of the processor.
ADDRESS_BITS = "hw:maxphysaddr_bits"

PROFILE = "accel:device_profile"
ENCRYPTION = "hw:mem_encryption"
TPM_MODEL, TPM_VERSION = "hw:tpm_model", "hw:tpm_version"
TPM_SECURITY = "hw:tpm_secret_security"
VIOMMU_MODEL = "hw:viommu_model"

# What the libvirt driver only writes into the domain's XML, or nothing but another driver reads.
_HARMLESS = frozenset(
    {
        "hide_hypervisor_id",
        "hw:boot_menu",
        "hw:cpu_cores",
        "hw:cpu_max_cores",
        "hw:cpu_max_sockets",
        "hw:cpu_max_threads",
        "hw:cpu_sockets",
        "hw:cpu_threads",
        "hw:hide_hypervisor_id",
        "hw:locked_memory",
        "hw:mem_encryption_model",  # means nothing without hw:mem_encryption
        "hw:pmu",
        "hw:serial_port_count",
        "hw:usb_model",
        "hw:vif_multiqueue_enabled",
        "hw:watchdog_action",
        ALIAS_EXTRA_SPEC,
    }
)
_HARMLESS_SCOPES = frozenset({"hw_rng", "hw_video", "quota", "vmware"})

# See demanded_traits.
_FOR_PLACEMENT = frozenset(
    {"group_policy", "hw:maxphysaddr_mode", "hw:virtio_packed_ring", "os:secure_boot"}
)

_OF_TPM = frozenset({TPM_MODEL, TPM_VERSION, TPM_SECURITY})

# Scopes of which nova reads some names: others may mean something to a release to come.
_SCOPES_OF_NOVA = frozenset({"accel", "hw", "os", "pci_passthrough"})

# Resource classes of devices that live migrate by rules of their own, or not at all.
_DEMANDING_RESOURCES = ("CUSTOM_PMEM_NAMESPACE", "FPGA", "MEM_ENCRYPTION", "PGPU", "VGPU")

# What ComputeCapabilitiesFilter finds of a host by a name without a scope: attributes and methods
# of HostState in nova/scheduler/host_manager.py (nova 34.0.0), and what nova-compute counts in
# nova/compute/stats.py.
_ATTRIBUTES_OF_HOSTS = frozenset(
    {
        "aggregates",
        "allocation_candidates",
        "cell_uuid",
        "consume_from_request",
        "cpu_allocation_ratio",
        "cpu_info",
        "disk_allocation_ratio",
        "disk_mb_used",
        "failed_builds",
        "free_disk_mb",
        "free_ram_mb",
        "host",
        "host_ip",
        "hypervisor_hostname",
        "hypervisor_type",
        "hypervisor_version",
        "instances",
        "io_workload",
        "limits",
        "metrics",
        "nodename",
        "numa_topology",
        "pci_stats",
        "ram_allocation_ratio",
        "service",
        "stats",
        "supported_instances",
        "total_usable_disk_gb",
        "total_usable_ram_mb",
        "update",
        "updated",
        "uuid",
        "vcpus_total",
        "vcpus_used",
    }
)
_PREFIXES_OF_ATTRIBUTES = ("_", "num_")


def effect_of_extra_spec(key: str, value: str) -> Effect:
    """Say what nova does with an extra spec when the server live migrates."""
    if is_of_numa(key):
        return Effect.NUMA
    if key in _HARMLESS:
        return Effect.NONE
    if key in _FOR_PLACEMENT:
        return Effect.PLACEMENT
    if key in _OF_TPM or key in (PROFILE, ENCRYPTION):
        return Effect.REFUSED
    if key == VIOMMU_MODEL:
        return Effect.VIOMMU
    if key == "hw:sound_model":
        return effect_of_sound(value)
    if key == ADDRESS_BITS:
        return Effect.FILTER
    scope, colon, name = key.partition(":")
    if not colon:
        return Effect.FILTER if may_be_of_host(key) else Effect.NONE
    return _effect_of_scoped(scope, name)


def effect_of_sound(model: str) -> Effect:
    """Say the same of a sound device: QEMU does not migrate virtio-sound, whatever nova says."""
    return Effect.UNKNOWN if model == "virtio" else Effect.NONE


def may_be_of_host(name: str) -> bool:
    """Whether ComputeCapabilitiesFilter may find something of a host by this name."""
    return name in _ATTRIBUTES_OF_HOSTS or name.startswith(_PREFIXES_OF_ATTRIBUTES)


def _effect_of_scoped(scope: str, name: str) -> Effect:
    if scope.startswith(("resources", "trait")):
        return Effect.UNKNOWN if name.startswith(_DEMANDING_RESOURCES) else Effect.PLACEMENT
    if scope in (CAPABILITIES_SCOPE, AGGREGATE_SCOPE):
        return Effect.FILTER
    if scope in _HARMLESS_SCOPES or scope not in _SCOPES_OF_NOVA:
        return Effect.NONE
    return Effect.UNKNOWN
