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

"""Checks that are asked for each destination: its service, its hypervisor, its room."""

from __future__ import annotations

import functools

from vfio_lm.cloud.model import Marking
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    destination_check,
    failed,
    not_applicable,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.checks.place import is_in_zone
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.tree_capacity import (
    plain_shortages,
    scheduler_may_look_elsewhere,
    shortages,
    trait_reasons,
)
from vfio_lm.preflight.wording.answers import NOT_KNOWN_WHERE
from vfio_lm.preflight.wording.remedy import (
    SCHEDULERS_CONF,
    check_again,
    make_room,
    on_host,
    paste,
    resize,
    steps,
)

_HYPERVISORS = paste("see which hypervisors nova lists", "openstack hypervisor list --long")

# nova/virt/libvirt/driver.py MIN_VFIO_PCI_VARIANT_QEMU_VERSION (nova 34.0.0)
_MIN_QEMU = 8_002_002


@destination_check(
    "destination-service",
    "Is the destination's nova-compute up and enabled, and not the source?",
    refused_by=Refuser.SCHEDULER,
    # Where no host was asked for, the server's own is none of the destinations.
    depends_on=lambda facts: None if facts.requested_host else True,
)
def destination_service(facts: Facts, destination: Destination) -> Outcome:
    """Apply ``ComputeFilter`` (``nova/scheduler/filters/compute_filter.py``, nova 34.0.0)."""
    service, host = destination.service, destination.host
    evidence = {
        "enabled": service.is_enabled,
        "up": service.is_up,
        "forced_down": service.is_forced_down,
        "disabled_reason": service.disabled_reason,
    }
    if host == facts.server.host:
        return failed(
            "the server is already on this host",
            remedy="name another host, or none, and the scheduler chooses",
            **evidence,
        )
    if not service.is_enabled:
        return failed(
            "nova-compute is disabled"
            + (f" ({service.disabled_reason})" if service.disabled_reason else ""),
            remedy=_enable(host),
            **evidence,
        )
    if service.is_forced_down:
        return failed(
            "nova-compute is forced down",
            remedy=paste(
                "if the host is in order",
                f"openstack compute service set --up {host} nova-compute",
            ),
            **evidence,
        )
    if not service.is_up:
        return failed(
            "nova-compute is down",
            remedy=on_host(host, "systemctl start nova-compute"),
            **evidence,
        )
    return passed("nova-compute is up and enabled", **evidence)


@destination_check(
    "destination-hypervisor",
    "Is the destination's hypervisor of the same type, and not older?",
    refused_by=Refuser.CONDUCTOR,
    depends_on=lambda facts: (
        facts.source.node
        and (facts.source.node.hypervisor_type, facts.source.node.hypervisor_version),
        facts.inputs.skips_version_check,
        bool(facts.alias_requests),
    ),
)
def destination_hypervisor(facts: Facts, destination: Destination) -> Outcome:
    """Apply ``_check_compatible_with_source_hypervisor``.

    Source: ``nova/conductor/tasks/live_migrate.py`` (nova 34.0.0).
    """
    here, there = facts.source.node, destination.node
    if here is None or there is None:
        return unknown(
            "nova lists no hypervisor for the host",
            settled_by=_HYPERVISORS,
        )
    evidence = {
        "source_type": here.hypervisor_type,
        "source_version": here.hypervisor_version,
        "type": there.hypervisor_type,
        "version": there.hypervisor_version,
    }
    if here.hypervisor_type != there.hypervisor_type:
        return failed(
            f"the hypervisor is {there.hypervisor_type}, the source has {here.hypervisor_type}",
            remedy=paste(
                "choose a destination with the same type of hypervisor",
                "openstack hypervisor list --long",
            ),
            **evidence,
        )
    is_older = here.hypervisor_version > there.hypervisor_version
    older = (
        f"the hypervisor's version {there.hypervisor_version} is older than the source's "
        f"{here.hypervisor_version}"
    )
    if is_older and not facts.inputs.skips_version_check:
        return failed(
            older,
            remedy=steps(
                f"upgrade the hypervisor of {destination.host} to that of the source",
                paste(
                    "or, at your own risk, in [workarounds] of nova.conf of nova-conductor, which "
                    "is restarted then",
                    "skip_hypervisor_version_check_on_lm = true",
                ),
                check_again("--nova-conf FILE", why="with this nova.conf as FILE, "),
            ),
            **evidence,
        )
    if (
        facts.alias_requests
        and there.hypervisor_type == "QEMU"
        and there.hypervisor_version < _MIN_QEMU
    ):
        return failed(
            f"QEMU there has version {there.hypervisor_version}; nova-compute takes live "
            f"migratable devices from 8.2.2 on",
            remedy=f"upgrade QEMU on {destination.host} to 8.2.2 or later",
            **evidence,
        )
    if is_older:
        return warned(
            f"{older}, and nova is told not to mind",
            remedy=f"upgrade the hypervisor of {destination.host} to that of the source",
            **evidence,
        )
    return passed("the hypervisor is of the same type and not older", **evidence)


@destination_check(
    "destination-capacity",
    "Does placement offer the destination for the request that nova would make?",
    refused_by=Refuser.SCHEDULER,
)
def destination_capacity(facts: Facts, destination: Destination) -> Outcome:
    """Look for an allocation candidate in the destination's tree."""
    if destination.node is None:
        return unknown(
            "nova lists no hypervisor for the host",
            settled_by=_HYPERVISORS,
        )
    if not is_in_zone(facts, destination):
        return not_applicable("the host is not in the zone that the server is bound to")
    evidence = {
        "candidates": len(destination.candidates),
        "request": dict(_request(facts)),
    }
    if destination.candidates:
        return passed("placement offers the host", **evidence)
    if destination.host == facts.server.host:
        return unknown(
            "the server itself is on this host",
            settled_by="name another host",
            **evidence,
        )
    if facts.candidates.is_cut_off:
        return unknown(
            f"placement returned its {facts.candidates.limit} candidates without this host; nova "
            f"would see no more",
            settled_by=check_again(f"--host {destination.host}"),
            **evidence,
        )
    reasons = plain_shortages(facts.query, destination.tree)
    if not reasons and scheduler_may_look_elsewhere(facts, destination):
        return unknown(NOT_KNOWN_WHERE, settled_by=SCHEDULERS_CONF, **evidence)
    missing = shortages(facts.query.pci_groups, destination.devices, tuple(Marking))
    reasons = [*reasons, *missing] or ["no combination of its providers has everything at once"]
    return failed(
        f"placement does not offer the host: {'; '.join(reasons)}",
        remedy=_make_it_fit(facts, destination, lacks_devices=bool(missing)),
        reasons=reasons,
        **evidence,
    )


# It is asked of each destination.
@functools.lru_cache(maxsize=1)
def _request(facts: Facts) -> tuple[tuple[str, str], ...]:
    return tuple(facts.query.to_params())


def _enable(host: str) -> str:
    return paste(
        "if the host is in order", f"openstack compute service set --enable {host} nova-compute"
    )


def _make_it_fit(facts: Facts, destination: Destination, *, lacks_devices: bool) -> str:
    """Say what to do about a host that placement does not offer, by what it lacks."""
    tree = destination.tree
    if not destination.service.is_enabled:
        return _enable(destination.host)
    root = tree.root.traits if tree is not None and tree.root else None
    if root is not None and not (
        facts.query.root_required <= root and facts.query.root_forbidden.isdisjoint(root)
    ):
        # _sync_compute_service_disabled_trait in nova/compute/resource_tracker.py (nova 34.0.0)
        return steps(
            "wait two minutes: nova-compute sets these traits of its host itself",
            f"or {on_host(destination.host, 'systemctl restart nova-compute')}",
        )
    if tree is not None and list(trait_reasons(facts.query, tree)):
        return resize(facts.server.id, "that asks for nothing that the host cannot give")
    if lacks_devices:
        return "what to do about devices is said by the check destination-devices"
    return make_room(destination.host)
