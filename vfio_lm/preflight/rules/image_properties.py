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

"""What nova does with each property of an image when a server live migrates; no I/O.

Compiled from ``ImageMetaProps`` in ``nova/objects/image_meta.py``, nova's scheduler and its libvirt
driver, nova 31.3.1 to 34.0.0. What is not listed is not known to be harmless.
"""

from __future__ import annotations

from collections.abc import Mapping

from vfio_lm.preflight.rules.extra_specs import Effect, effect_of_sound
from vfio_lm.preflight.rules.numa import is_of_numa

ENCRYPTION = "hw_mem_encryption"
TPM_MODEL, TPM_VERSION = "hw_tpm_model", "hw_tpm_version"
VIOMMU_MODEL = "hw_viommu_model"
#: What ImagePropertiesFilter compares with what a host can run.
ARCHITECTURE, HYPERVISOR_TYPE, VM_MODE = "hw_architecture", "img_hv_type", "hw_vm_mode"
HYPERVISOR_VERSION = "img_hv_requested_version"
ADDRESS_BITS = "hw_maxphysaddr_bits"

# Names that mean the same, which a volume still has: ``_legacy_property_map`` of ImageMetaProps.
_LEGACY = {
    "architecture": ARCHITECTURE,
    "hypervisor_type": HYPERVISOR_TYPE,
    "hypervisor_version_requires": HYPERVISOR_VERSION,
    "vm_mode": VM_MODE,
}

_FOR_FILTERS = frozenset({ARCHITECTURE, HYPERVISOR_TYPE, VM_MODE, HYPERVISOR_VERSION, ADDRESS_BITS})

# See demanded_traits.
_FOR_PLACEMENT = frozenset(
    {
        "hw_firmware_stateless",
        "hw_maxphysaddr_mode",
        "hw_virtio_packed_ring",
        "os_secure_boot",
    }
)

# What the libvirt driver only writes into the domain's XML, what counts when a server is made, and
# what other drivers read.
_HARMLESS = frozenset(
    {
        "hw_auto_disk_config",
        "hw_boot_menu",
        "hw_cdrom_bus",
        "hw_cpu_cores",
        "hw_cpu_max_cores",
        "hw_cpu_max_sockets",
        "hw_cpu_max_threads",
        "hw_cpu_sockets",
        "hw_cpu_threads",
        "hw_device_id",
        "hw_disk_bus",
        "hw_disk_type",
        "hw_firmware_type",
        "hw_floppy_bus",
        "hw_input_bus",
        "hw_ipxe_boot",
        "hw_locked_memory",
        "hw_machine_type",
        "hw_mem_encryption_model",
        "hw_pmu",
        "hw_pointer_model",
        "hw_qemu_guest_agent",
        "hw_rescue_bus",
        "hw_rescue_device",
        "hw_rng_model",
        "hw_scsi_model",
        "hw_serial_port_count",
        "hw_time_hpet",
        "hw_usb_model",
        "hw_vif_model",
        "hw_vif_multiqueue_enabled",
        "hw_video_model",
        "hw_video_ram",
        "hw_watchdog_action",
        "img_bdm_v2",
        "img_bittorrent",
        "img_block_device_mapping",
        "img_cache_in_nova",
        "img_compression_level",
        "img_config_drive",
        "img_hide_hypervisor_id",
        "img_linked_clone",
        "img_mappings",
        "img_owner_id",
        "img_root_device_name",
        "img_signature",
        "img_signature_certificate_uuid",
        "img_signature_hash_method",
        "img_signature_key_type",
        "img_use_agent",
        "img_version",
        "os_admin_user",
        "os_command_line",
        "os_distro",
        "os_require_quiesce",
        "os_skip_agent_inject_files_at_boot",
        "os_skip_agent_inject_ssh",
        "os_type",
    }
)
_PREFIXES_OF_NOVA = ("hw_", "img_", "os_")


def as_nova_names(properties: Mapping[str, str]) -> dict[str, str]:
    """Return properties by the names of today; a name of today wins over an old one."""
    old = {_LEGACY[key]: value for key, value in properties.items() if key in _LEGACY}
    return old | {key: value for key, value in properties.items() if key not in _LEGACY}


def effect_of_image_property(key: str, value: str) -> Effect:
    """Say what nova does with a property, by its name of today, when the server live migrates."""
    if is_of_numa(key):
        return Effect.NUMA
    if key in _HARMLESS:
        return Effect.NONE
    if key in _FOR_PLACEMENT or key.startswith("trait:"):
        return Effect.PLACEMENT
    if key in _FOR_FILTERS:
        return Effect.FILTER
    if key in (ENCRYPTION, TPM_MODEL, TPM_VERSION):
        return Effect.REFUSED
    if key == VIOMMU_MODEL:
        return Effect.VIOMMU
    if key == "hw_sound_model":
        return effect_of_sound(value)
    # Nova skips what it does not know, but a release to come may know more.
    return Effect.UNKNOWN if key.startswith(_PREFIXES_OF_NOVA) else Effect.NONE
