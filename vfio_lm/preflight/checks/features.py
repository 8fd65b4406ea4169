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

"""The check of features that put conditions of their own on a live migration."""

from __future__ import annotations

from collections.abc import Iterator

from oslo_utils import strutils

from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
from vfio_lm.preflight.check import Outcome, Refuser, Scope, check, failed, passed, unknown
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules.numa import is_of_numa
from vfio_lm.preflight.wording.remedy import paste, resize

# Flavor extra specs that put no further condition on a live migration, or that the query to
# placement takes care of. What is not listed is not known to be harmless.
_HARMLESS_EXTRA_SPECS = (
    ALIAS_EXTRA_SPEC,
    "group_policy",
    "hw:boot_menu",
    "hw:cpu_cores",
    "hw:cpu_max_cores",
    "hw:cpu_max_sockets",
    "hw:cpu_max_threads",
    "hw:cpu_sockets",
    "hw:cpu_threads",
    "hw:hide_hypervisor_id",
    "hw:vif_multiqueue_enabled",
    "hw_rng:",
    "hw_video:",
    "quota:",
    "resources",
    "trait",
)

# Resource classes of devices that live migrate by rules of their own, or not at all.
_DEMANDING_RESOURCES = ("CUSTOM_PMEM_NAMESPACE", "FPGA", "MEM_ENCRYPTION", "PGPU", "VGPU")

# Properties of images with conditions of their own on the host or on the live migration.
# The names without a prefix are old ones, which a volume still has: ``_legacy_property_map`` in
# nova/objects/image_meta.py (nova 34.0.0).
_DEMANDING_IMAGE_PROPERTIES = (
    "architecture",
    "hw_architecture",
    "hw_emulation_architecture",
    "hw_ephemeral_encryption",
    "hw_firmware_stateless",
    "hw_locked_memory",
    "hw_maxphysaddr",
    "hw_mem_encryption",
    "hw_sound_model",
    "hw_tpm",
    "hw_viommu_model",
    "hw_virtio_packed_ring",
    "hypervisor_type",
    "hypervisor_version_requires",
    "img_hv",
    "os_secure_boot",
    "trait",
)

_VOLUME = "a boot volume whose image properties are not available"

_PROFILE = "accel:device_profile"
_ENCRYPTION, _IMAGE_ENCRYPTION = "hw:mem_encryption", "hw_mem_encryption"


@check(
    "server-features",
    Scope.SERVER,
    "Does the server use features that put conditions of their own on a live migration?",
    refused_by=Refuser.SCHEDULER,
)
def server_features(facts: Facts) -> Outcome:
    """Say so where the answers of the other checks are not enough.

    Shares are refused by ``block_shares_not_supported`` in ``nova/compute/api.py`` (nova 34.0.0).
    """
    refused = list(_refused(facts))
    if refused:
        return failed(
            f"nova live migrates no server with {', '.join(refused)}",
            remedy=resize(facts.server.id, "without it")
            if _IMAGE_ENCRYPTION not in refused
            else paste(
                "rebuild the server from an image without it; this erases its root disk",
                f"openstack server rebuild --wait --image IMAGE {facts.server.id}",
            ),
            features=refused,
        )
    if facts.share_ids:
        server_id = facts.server.id
        return failed(
            f"nova live migrates no server with a file share: {', '.join(facts.share_ids)}",
            remedy=paste(
                "take the shares away from the server, which has to be stopped for it",
                f"openstack server stop {server_id}",
                *(f"openstack server remove share {server_id} {s}" for s in facts.share_ids),
                f"openstack server start {server_id}",
            ),
            shares=list(facts.share_ids),
        )
    features = list(_features(facts))
    if not features:
        return passed("the server uses no such feature", features=[])
    return unknown(
        f"the server uses {', '.join(features)}, which this preflight does not look into",
        settled_by=_settled_by(facts, features),
        features=features,
    )


def _refused(facts: Facts) -> Iterator[str]:
    """Yield what nova's API refuses to live migrate, shares apart.

    Source: ``block_accelerators`` and ``reject_mem_enc_instances`` in ``nova/compute/api.py``,
    ``get_mem_encryption_constraint`` in ``nova/virt/hardware.py`` (nova 34.0.0).
    """
    extra_specs, properties = facts.server.flavor.extra_specs, facts.image_properties or {}
    if extra_specs.get(_PROFILE):
        yield _PROFILE
    if strutils.bool_from_string(extra_specs.get(_ENCRYPTION)):
        yield _ENCRYPTION
    if strutils.bool_from_string(properties.get(_IMAGE_ENCRYPTION)):
        yield _IMAGE_ENCRYPTION


def _settled_by(facts: Facts, features: list[str]) -> str:
    if all(feature.startswith("flavor ") for feature in features):
        return resize(facts.server.id, "without it")
    if features == [_VOLUME]:
        return paste(
            "let the block storage service answer this user",
            *(f"openstack volume show {volume}" for volume in facts.server.volume_ids),
        )
    return paste(
        "try it: nova refuses before anything moves",
        f"openstack server migrate --live-migration --wait {facts.server.id}",
    )


def _features(facts: Facts) -> Iterator[str]:
    server = facts.server
    for key in sorted(server.flavor.extra_specs):
        # What they ask for is refused, or else nothing.
        if is_of_numa(key) or key in (_PROFILE, _ENCRYPTION):
            continue
        if not key.startswith(_HARMLESS_EXTRA_SPECS) or key.partition(":")[2].startswith(
            _DEMANDING_RESOURCES
        ):
            yield f"flavor {key}"
    if facts.image_properties is None:
        yield _VOLUME
    for key in sorted(facts.image_properties or ()):
        if is_of_numa(key) or key == _IMAGE_ENCRYPTION:
            continue
        if key.startswith(_DEMANDING_IMAGE_PROPERTIES):
            yield f"image {key}"
    for hint in sorted(server.scheduler_hints.keys() - {"group"}):
        yield f"scheduler hint {hint}"
    for name in sorted(facts.source.nested_classes):
        yield f"{name} of a part of the host, perhaps a mediated device"
