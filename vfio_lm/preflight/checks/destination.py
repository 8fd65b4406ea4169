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

"""Checks that are asked for each destination: its service, its room, its devices."""

from __future__ import annotations

import os_traits

from vfio_lm.placement import Marking
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    destination_check,
    failed,
    passed,
    unknown,
)
from vfio_lm.preflight.checks.server import no_alias_devices
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.supply import best_marking, plain_shortages, shortages

_NOT_KNOWN_WHERE = (
    "placement offers no fitting devices there, and it is not known whether the scheduler asks it"
)
_SCHEDULERS_CONF = "give the scheduler's nova.conf, with pci_in_placement: --nova-conf FILE"


@destination_check(
    "destination-service",
    "Is the destination's nova-compute up and enabled, and not the source?",
    refused_by=Refuser.SCHEDULER,
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
            remedy="name another host, or none and let the scheduler choose",
            **evidence,
        )
    if not service.is_enabled:
        return failed(
            "nova-compute is disabled"
            + (f" ({service.disabled_reason})" if service.disabled_reason else ""),
            remedy=f"openstack compute service set --enable {host} nova-compute",
            **evidence,
        )
    if service.is_forced_down:
        return failed(
            "nova-compute is forced down",
            remedy=f"openstack compute service set --up {host} nova-compute",
            **evidence,
        )
    if not service.is_up:
        return failed(
            "nova-compute is down",
            remedy=f"start it on {host}: systemctl start nova-compute",
            **evidence,
        )
    return passed("nova-compute is up and enabled", **evidence)


@destination_check(
    "destination-hypervisor",
    "Is the destination's hypervisor of the same type, and not older?",
    refused_by=Refuser.CONDUCTOR,
)
def destination_hypervisor(facts: Facts, destination: Destination) -> Outcome:
    """Apply ``_check_compatible_with_source_hypervisor``.

    Source: ``nova/conductor/tasks/live_migrate.py`` (nova 34.0.0).
    """
    here, there = facts.source.node, destination.node
    if here is None or there is None:
        return unknown(
            "nova lists no hypervisor for the host",
            settled_by="openstack hypervisor list --long",
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
            remedy="choose a destination with the same type of hypervisor",
            **evidence,
        )
    if here.hypervisor_version > there.hypervisor_version:
        return failed(
            f"the hypervisor's version {there.hypervisor_version} is older than the source's "
            f"{here.hypervisor_version}",
            remedy=f"upgrade the hypervisor of {destination.host}, or set "
            "[workarounds]skip_hypervisor_version_check_on_lm for nova-conductor",
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
            settled_by="openstack hypervisor list --long",
        )
    evidence = {
        "candidates": len(destination.candidates),
        "request": dict(facts.query.to_params()),
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
            settled_by=f"ask for this host alone: --host {destination.host}",
            **evidence,
        )
    reasons = plain_shortages(facts.query, destination.tree)
    if not reasons and _scheduler_may_look_elsewhere(facts, destination):
        return unknown(_NOT_KNOWN_WHERE, settled_by=_SCHEDULERS_CONF, **evidence)
    reasons += shortages(facts.query.pci_groups, destination.devices, tuple(Marking))
    reasons = reasons or ["no combination of its providers has everything at once"]
    return failed(
        f"placement does not offer the host: {'; '.join(reasons)}",
        remedy="make room on the host, or look at what it has: "
        f"openstack resource provider inventory list {destination.node.uuid}",
        reasons=reasons,
        **evidence,
    )


@destination_check(
    "destination-devices",
    "Are enough devices free there that are declared live migratable?",
    refused_by=Refuser.SCHEDULER,
)
def destination_devices(facts: Facts, destination: Destination) -> Outcome:
    """Look for a candidate whose devices are all declared live migratable.

    An alias with live_migratable=yes is only served from devices declared so
    (``_filter_pools_for_live_migratable_devices`` in ``nova/pci/stats.py``, nova 34.0.0).
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    if not facts.devices_in_placement:
        return unknown(
            "the devices are not in placement, so it is not known which are free",
            settled_by="facts of the host, or PCI devices reported in placement",
        )
    if destination.tree is None:
        return unknown(
            "placement has no free memory on the host, so its devices were not looked at",
            settled_by=f"openstack resource provider inventory list {_provider(destination)}",
        )
    groups, devices = facts.query.pci_groups, destination.devices
    evidence = {
        "free": [
            {
                "address": device.provider.pci_address,
                "resource_class": device.resource_class,
                "free": device.free,
                "live_migratable": device.marking.value,
            }
            for device in devices
        ]
    }
    best = best_marking(destination.candidates, groups, devices)
    if best is Marking.MARKED:
        return passed("enough free devices are declared live migratable", **evidence)
    if _scheduler_may_look_elsewhere(facts, destination):
        return unknown(_NOT_KNOWN_WHERE, settled_by=_SCHEDULERS_CONF, **evidence)
    missing = shortages(groups, devices, (Marking.MARKED, Marking.UNKNOWN))
    if not missing and (best is Marking.UNKNOWN or shortages(groups, devices, (Marking.MARKED,))):
        return unknown(
            "free devices are there, but this nova-compute (before 34.0.0) does not report "
            "whether they are declared live migratable",
            settled_by='add "live_migratable": "yes", "traits": "HW_PCI_LIVE_MIGRATABLE" to the '
            f"[pci]device_spec of live migratable devices on {destination.host}, or give facts "
            f"of that host",
            **evidence,
        )
    if not missing and best is None:
        return passed("enough free devices are declared live migratable", **evidence)
    if not missing and facts.candidates.is_cut_off:
        return unknown(
            "placement's answer was cut off before all devices of this host were tried",
            settled_by=f"ask for this host alone: --host {destination.host}",
            **evidence,
        )
    return failed(
        "; ".join(missing) or "no combination of free devices is declared live migratable",
        remedy="free a device there, or declare free ones that the driver can migrate: add "
        f'"live_migratable": "yes" to their [pci]device_spec on {destination.host} and restart '
        "nova-compute there",
        **evidence,
    )


def _scheduler_may_look_elsewhere(facts: Facts, destination: Destination) -> bool:
    """Whether the scheduler could choose devices that this query to placement does not find.

    If it does not ask placement for devices, it ignores the traits of aliases
    (``nova/pci/stats.py``), and sees devices of hosts that report none; a host that reports any
    reports all (``nova/compute/pci_placement_translator.py``, nova 34.0.0).
    """
    if facts.pci_in_placement is not None or not facts.query.pci_groups:
        return False
    has_traits = any(g.required - {os_traits.OWNER_NOVA} for g in facts.query.pci_groups)
    reports = destination.tree is not None and destination.tree.pci_providers
    return has_traits or not reports


def _provider(destination: Destination) -> str:
    return destination.node.uuid if destination.node else destination.host
