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

"""The functions of nova's whose place or company the dry run takes, as far as they were looked at.

What the dry run only calls is not here. ``python -m tests.releases.fingerprints`` prints which
release has which; each was read, and run in the tests for the last point release of 31, 32, 33
and 34.
"""

from __future__ import annotations

from collections.abc import Mapping

from vfio_lm.inside_nova.errors import UnknownNovaError
from vfio_lm.inside_nova.fingerprint import installed_fingerprint

#: The fingerprints of each function, from nova 31.0.0 on.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "nova.compute.api:API.live_migrate": ("02c0c40fea36", "bd7503c8a834", "f7c79daba6e4"),
    "nova.compute.claims:Claim": ("067f3d53085d", "9beeec48b913"),
    "nova.compute.claims:MoveClaim": ("9531af533880", "c1f1e4645973"),
    "nova.compute.manager:ComputeManager.check_can_live_migrate_destination": (
        "c49c52fd9820",
        "cdbbed468d5c",
    ),
    "nova.compute.manager:ComputeManager._claim_from_pci_reqs": ("7106a65001e5",),
    "nova.compute.manager:ComputeManager._claim_pci_for_instance_vifs": ("6e39ca1cf380",),
    "nova.compute.manager:ComputeManager._flavor_based_pci_claim": ("9d4f300c9302",),
    "nova.compute.manager:ComputeManager._live_migration_claim": ("e8394a151823",),
    "nova.compute.manager:ComputeManager._validate_instance_group_policy": ("a2efdc4afcd4",),
    "nova.compute.resource_tracker:ResourceTracker._move_claim": ("25dff6f82208", "8bad1a1195da"),
    "nova.compute.resource_tracker:ResourceTracker.claim_pci_devices": ("9b26f2111a4a",),
    "nova.compute.resource_tracker:ResourceTracker.live_migration_claim": ("89fb0aa48748",),
    "nova.conductor.manager:ComputeTaskManager._live_migrate": ("7bba841366da",),
    "nova.conductor.manager:ComputeTaskManager.live_migrate_instance": ("9184a745cd1c",),
    "nova.conductor.tasks.live_migrate:LiveMigrationTask": (
        "fc6f862fc9f1",
        "046d12ad5abe",
        "d12cf995c8cc",
    ),
    "nova.conductor.tasks.migrate:replace_allocation_with_migration": ("d2484546ef26",),
    "nova.filters:BaseFilter": ("215dda93d510",),
    "nova.filters:BaseFilterHandler": ("79225a45ce9a",),
    "nova.pci.manager:PciDevTracker._build_device_tree": ("6eb392515bd8", "ea5bcae3a343"),
    "nova.pci.manager:PciDevTracker._claim_instance": ("185ce0f09c50", "6436796fe0e7"),
    "nova.pci.manager:PciDevTracker.claim_instance": ("01638ef8b0fb", "2eebbb58ebac"),
    "nova.pci.stats:PciDeviceStats.consume_requests": (
        "d7e71e689899",
        "65cd1682b0ab",
        "04b9449ebcf5",
    ),
    "nova.scheduler.host_manager:HostManager": (
        "8fe52a29e382",
        "95e44efff67d",
        "fabd6f89d314",
        "c493f6267fc9",
    ),
    "nova.scheduler.manager:SchedulerManager._get_all_host_states": ("d7e07df75572",),
    "nova.scheduler.manager:SchedulerManager._get_sorted_hosts": ("a54796bbeac6",),
    "nova.scheduler.manager:SchedulerManager._schedule": ("46ff7295221b",),
    "nova.scheduler.manager:SchedulerManager._select_destinations": ("1f179e6f18e0",),
    "nova.scheduler.manager:SchedulerManager.select_destinations": ("af4bcba99b6a",),
}


def every_name() -> tuple[str, ...]:
    """Return the names of all functions that have to be known."""
    return tuple(KNOWN)


def check() -> None:
    """Look at the installed nova.

    :raises UnknownNovaError: if a function is not one that was looked at
    """
    from nova import version

    strange = tuple(
        name for name, known in KNOWN.items() if installed_fingerprint(name) not in known
    )
    if strange:
        raise UnknownNovaError(str(version.version_string()), strange)
