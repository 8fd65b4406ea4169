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

"""Which options of nova's scheduler narrow its question to placement, and refuse a host; no I/O.

They are off by default. Zones, and aggregates for servers with certain traits, see zone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.image_properties import as_nova_names
from vfio_lm.preflight.rules.scheduler import HostRefusal

# transform_image_metadata in nova/scheduler/request_filter.py (nova 34.0.0)
_PREFIXES = {
    "hw_cdrom_bus": "COMPUTE_STORAGE_BUS",
    "hw_disk_bus": "COMPUTE_STORAGE_BUS",
    "hw_video_model": "COMPUTE_GRAPHICS_MODEL",
    "hw_vif_model": "COMPUTE_NET_VIF_MODEL",
    "hw_architecture": "HW_ARCH",
    "hw_emulation_architecture": "COMPUTE_ARCH",
    "hw_viommu_model": "COMPUTE_VIOMMU",
}
_IMAGE_TYPE = "COMPUTE_IMAGE_TYPE_"


def option_refusals(facts: Facts, destination: Destination) -> Iterator[HostRefusal]:
    """Yield what may keep the scheduler from a host because of an option of its own.

    Where it is not known whether an option is on, it refuses nothing for certain.
    """
    options = facts.inputs.scheduler
    for is_on, found in (
        (options.limits_projects, _project(facts, destination)),
        (options.asks_for_image_metadata, _metadata(facts, destination)),
        (options.asks_for_image_type, _image_type(facts, destination)),
        (options.asks_for_routed_networks, _routed(facts)),
    ):
        if found is not None and is_on is not False:
            yield dataclasses.replace(found, is_certain=found.is_certain and is_on is True)


def image_types(facts: Facts) -> frozenset[str]:
    """Return the formats of images that the source takes: all that the options ask of it."""
    return frozenset(trait for trait in facts.source.traits if trait.startswith(_IMAGE_TYPE))


def _project(facts: Facts, destination: Destination) -> HostRefusal | None:
    """Apply ``require_tenant_aggregate``."""
    option = "[scheduler]limit_tenants_to_placement_aggregate"
    project = facts.server.project_id
    own = [
        aggregate
        for aggregate in facts.aggregates
        if project in aggregate.metadata.values()
        and any(key.startswith("filter_tenant_id") for key in aggregate.metadata)
    ]
    if any(destination.host in aggregate.hosts for aggregate in own):
        return None
    if own:
        names = ", ".join(sorted(aggregate.name for aggregate in own))
        return HostRefusal(option, f"the project may only use hosts of {names}", True)
    if facts.inputs.scheduler.projects_need_aggregate:
        return HostRefusal(option, "the project has no aggregate of its own", True)
    return None


def _metadata(facts: Facts, destination: Destination) -> HostRefusal | None:
    """Apply ``transform_image_metadata``.

    Nova-compute adds to a server what its image does not say, a disk bus for instance, and the API
    shows both alike; the scheduler knows the image alone.
    """
    properties = as_nova_names(facts.image_properties or {})
    wanted = {
        f"{prefix}_{properties[key].replace('-', '_').upper()}"
        for key, prefix in _PREFIXES.items()
        if key in properties
    }
    missing = sorted(wanted - _root_traits(destination)) if _shows_root(destination) else []
    if not missing:
        return None
    return HostRefusal(
        "[scheduler]image_metadata_prefilter", f"the host lacks the traits {', '.join(missing)}"
    )


def _image_type(facts: Facts, destination: Destination) -> HostRefusal | None:
    """Apply ``require_image_type_support``: no API shows the format of a server's image."""
    if facts.server.image_properties is None or not _shows_root(destination):
        return None
    if image_types(facts) <= _root_traits(destination):
        return None
    return HostRefusal(
        "[scheduler]query_placement_for_image_type_support",
        "the host does not take all formats of images that the source takes",
    )


def _routed(facts: Facts) -> HostRefusal | None:
    """Apply ``routed_networks_filter``: only a network of several segments can be routed."""
    segments = facts.segments
    is_known = segments is not None
    if is_known and all(len(each) < 2 for each in (segments or {}).values()):
        return None
    if not is_known and not facts.inputs.scheduler.asks_for_routed_networks:
        return None
    return HostRefusal(
        "[scheduler]query_placement_for_routed_network_aggregates",
        "a network of the server may be routed, and its segment may not reach the host",
    )


def _shows_root(destination: Destination) -> bool:
    return destination.tree is not None and destination.tree.root is not None


def _root_traits(destination: Destination) -> frozenset[str]:
    root = destination.tree.root if destination.tree else None
    return root.traits if root is not None else frozenset()
