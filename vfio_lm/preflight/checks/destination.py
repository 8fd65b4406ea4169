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

"""Checks of a destination's nova-compute and of its hypervisor."""

from __future__ import annotations

from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    destination_check,
    failed,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.wording.remedy import (
    HYPERVISORS,
    check_again,
    enable,
    on_host,
    paste,
    set_up,
    steps,
)

# nova/virt/libvirt/driver.py MIN_VFIO_PCI_VARIANT_QEMU_VERSION (nova 34.0.0)
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
            remedy=enable(host),
            **evidence,
        )
    if service.is_forced_down:
        return failed(
            "nova-compute is forced down",
            remedy=set_up(host),
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
            "nova does not list exactly one hypervisor for the host",
            settled_by=HYPERVISORS,
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
            older, remedy=steps(_upgrade(destination.host), _skip_the_check()), **evidence
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
            f"{older}, but nova is configured to skip this check",
            remedy=_upgrade(destination.host),
            **evidence,
        )
    return passed("the hypervisor is of the same type and not older", **evidence)


def _upgrade(host: str) -> str:
    return f"upgrade the hypervisor of {host} to that of the source"


def _skip_the_check() -> str:
    return steps(
        paste(
            "or, at your own risk, in [workarounds] of nova.conf of nova-conductor, which is "
            "restarted then",
            "skip_hypervisor_version_check_on_lm = true",
        ),
        check_again("--nova-conf FILE", why="with this nova.conf as FILE, "),
    )
