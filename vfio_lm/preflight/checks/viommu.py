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

"""The check of a virtual IOMMU, behind which QEMU does not migrate VFIO devices."""

from __future__ import annotations

from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    failed,
    passed,
    unknown,
)
from vfio_lm.preflight.checks.drivers import source_devices
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.rules import extra_specs as flavor_keys
from vfio_lm.preflight.rules import image_properties as image_keys
from vfio_lm.preflight.rules.image_properties import as_nova_names
from vfio_lm.preflight.wording.remedy import paste, probe, resize
from vfio_lm.preflight.wording.shared_answers import no_alias_devices

# hw/vfio/migration.c vfio_migration_realize: before, any virtual IOMMU blocks the migration; since
# then only one with dirty tracking by the device.
_ONLY_WITH_TRACKING_SINCE = 11_000_000


@check(
    "viommu",
    Scope.SERVER,
    "Has the server no virtual IOMMU in front of its devices?",
    refused_by=Refuser.QEMU,
)
def viommu(facts: Facts) -> Outcome:
    """Look for ``hw:viommu_model`` of the flavor and ``hw_viommu_model`` of the image.

    Source: ``_get_iommu_model`` in
    ``nova/virt/libvirt/driver.py`` (nova 34.0.0).
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    of_flavor = facts.server.flavor.extra_specs.get(flavor_keys.VIOMMU_MODEL)
    properties = facts.image_properties
    of_image = as_nova_names(properties or {}).get(image_keys.VIOMMU_MODEL)
    model = of_flavor or of_image
    if not model and properties is None:
        return unknown(
            "whether its image asks for a virtual IOMMU is not known",
            settled_by=paste(
                "let the block storage service answer this user",
                *(f"openstack volume show {volume}" for volume in facts.server.volume_ids),
            ),
        )
    if not model:
        return passed("the server has none")
    node = facts.source.node
    if node is not None and node.hypervisor_version < _ONLY_WITH_TRACKING_SINCE:
        return failed(
            f"QEMU before 11.0 does not migrate VFIO devices behind a virtual IOMMU ({model})",
            remedy=_without(facts, is_of_image=not of_flavor),
            model=model,
            version=node.hypervisor_version,
        )
    if any(device.logs_dma for device in source_devices(facts)):
        return failed(
            f"QEMU does not migrate VFIO devices that track dirty pages behind a virtual IOMMU "
            f"({model})",
            remedy=_without(facts, is_of_image=not of_flavor),
            model=model,
        )
    return unknown(
        f"whether QEMU tracks dirty pages by the devices, which it refuses behind a virtual IOMMU "
        f"({model}), is not known",
        settled_by=probe(facts.server.host),
        model=model,
    )


def _without(facts: Facts, *, is_of_image: bool) -> str:
    server_id = facts.server.id
    if is_of_image:
        return paste(
            f"rebuild the server from an image without {image_keys.VIOMMU_MODEL}; this erases its "
            f"root disk",
            f"openstack server rebuild --wait --image IMAGE {server_id}",
        )
    return resize(server_id, f"without {flavor_keys.VIOMMU_MODEL}")
