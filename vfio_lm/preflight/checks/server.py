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

"""Checks of the server itself: its state, its devices, and features that need care."""

from __future__ import annotations

import collections
from collections.abc import Iterator

from vfio_lm.nova_api import Server
from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    failed,
    not_applicable,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Facts

# nova/compute/power_state.py (nova 34.0.0)
_RUNNING, _PAUSED = 1, 3

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
_DEMANDING_IMAGE_PROPERTIES = (
    "hw_architecture",
    "hw_cpu_policy",
    "hw_cpu_realtime",
    "hw_cpu_thread_policy",
    "hw_emulation_architecture",
    "hw_ephemeral_encryption",
    "hw_firmware_stateless",
    "hw_locked_memory",
    "hw_maxphysaddr",
    "hw_mem_encryption",
    "hw_mem_page_size",
    "hw_numa",
    "hw_pci_numa_affinity_policy",
    "hw_sound_model",
    "hw_tpm",
    "hw_viommu_model",
    "hw_virtio_packed_ring",
    "img_hv",
    "os_secure_boot",
    "trait",
)


@check(
    "server-state",
    Scope.SERVER,
    "Is the server ACTIVE or PAUSED, without a task, and not locked for this user?",
    refused_by=Refuser.API,
)
def server_state(facts: Facts) -> Outcome:
    """Apply ``API.live_migrate`` and ``LiveMigrationTask`` of nova.

    Source: ``nova/compute/api.py`` (``check_instance_state``, ``check_instance_lock``) and
    ``nova/conductor/tasks/live_migrate.py`` ``_check_instance_is_active`` (nova 34.0.0).
    """
    server = facts.server
    evidence = {
        "status": server.status,
        "vm_state": server.vm_state,
        "task_state": server.task_state,
        "power_state": server.power_state,
        "locked": server.is_locked,
    }
    if server.vm_state not in ("active", "paused"):
        return failed(
            f"the server is {server.status}; only ACTIVE and PAUSED servers live migrate",
            remedy=f"openstack server start {server.id}"
            if server.vm_state == "stopped"
            else f"bring the server to ACTIVE first: openstack server show {server.id}",
            **evidence,
        )
    if server.task_state is not None:
        return failed(
            f"the server is busy with the task '{server.task_state}'",
            remedy=f"wait until the task is done: openstack server event list {server.id}",
            **evidence,
        )
    if server.power_state not in (_RUNNING, _PAUSED):
        return failed(
            f"the hypervisor reports power state {server.power_state}, neither running nor paused",
            remedy=f"openstack server reboot --hard {server.id}",
            **evidence,
        )
    if server.is_locked:
        unlock = f"openstack server unlock {server.id}"
        if facts.user_is_admin:
            return warned("the server is locked, which does not stop an admin", remedy=unlock)
        return failed("the server is locked", remedy=unlock, **evidence)
    return passed(f"the server is {server.status}", **evidence)


@check(
    "server-devices",
    Scope.SERVER,
    "Which PCI devices does the server hold, by flavor alias or by port?",
    refused_by=Refuser.CONDUCTOR,
)
def server_devices(facts: Facts) -> Outcome:
    """Tell apart what nova treats differently: aliases are migrated, ports replugged.

    Source: ``nova/conductor/tasks/live_migrate.py`` ``_check_can_migrate_pci`` (nova 34.0.0).
    """
    counted: collections.Counter[str] = collections.Counter()
    for request in facts.alias_requests:
        counted[request.alias] += request.count
    requests = dict(counted)
    ports = facts.sriov_port_ids
    if ports is None:
        return unknown(
            "neutron does not tell which ports need a PCI device",
            settled_by="make the network endpoint answer this user",
            aliases=requests,
        )
    if ports:
        return unknown(
            f"{len(ports)} port(s) are served with a PCI device; nova will unplug and replug "
            f"them, which this preflight does not look into",
            settled_by="migrate the server without these ports, or try it in a maintenance window",
            aliases=requests,
            ports=list(ports),
        )
    if not requests:
        return passed("the server holds no PCI device", aliases={}, ports=[])
    listed = ", ".join(f"{count} × {alias}" for alias, count in requests.items())
    return passed(f"the server holds {listed}", aliases=requests, ports=[])


@check(
    "server-features",
    Scope.SERVER,
    "Does the server use features that put conditions of their own on a live migration?",
    refused_by=Refuser.SCHEDULER,
)
def server_features(facts: Facts) -> Outcome:
    """Say so where the answers of the other checks are not enough."""
    features = list(_features(facts.server))
    if not features:
        return passed("the server uses no such feature", features=[])
    return unknown(
        f"the server uses {', '.join(features)}, which this preflight does not look into",
        settled_by="ask nova: openstack server migrate --live-migration",
        features=features,
    )


def _features(server: Server) -> Iterator[str]:
    for key in sorted(server.flavor.extra_specs):
        if not key.startswith(_HARMLESS_EXTRA_SPECS) or key.partition(":")[2].startswith(
            _DEMANDING_RESOURCES
        ):
            yield f"flavor {key}"
    if server.image_properties is None:
        yield "a volume to boot from, whose image properties nova does not show"
    for key in sorted(server.image_properties or ()):
        if key.startswith(_DEMANDING_IMAGE_PROPERTIES):
            yield f"image {key}"
    for hint in sorted(server.scheduler_hints):
        yield f"scheduler hint {hint}"
    if server.pinned_availability_zone:
        yield f"availability zone {server.pinned_availability_zone}"


def no_alias_devices(facts: Facts) -> Outcome | None:
    """Answer for the checks that only concern servers with devices of an alias."""
    if facts.alias_requests:
        return None
    return not_applicable("the server holds no PCI device by an alias of its flavor")
