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

"""Checks of the host where the server is, and of what the server holds there."""

from __future__ import annotations

from collections.abc import Iterable

from vfio_lm.cloud.model import Marking, Provider
from vfio_lm.preflight.check import (
    Evidence,
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
from vfio_lm.preflight.marking import marking
from vfio_lm.preflight.rules.request import held_classes
from vfio_lm.preflight.rules.stored_request import aliases_are_as_stored, other_class
from vfio_lm.preflight.wording.declaration import declare, declare_or_tell
from vfio_lm.preflight.wording.remedy import on_host, paste, resize, set_up, steps
from vfio_lm.preflight.wording.shared_answers import as_it_was_made, no_alias_devices, not_declared
from vfio_lm.text import counted


@check(
    "source-up",
    Scope.SOURCE,
    "Is the source's nova-compute up?",
    refused_by=Refuser.CONDUCTOR,
)
def source_up(facts: Facts) -> Outcome:
    """Apply ``_check_host_is_up`` of ``nova/conductor/tasks/live_migrate.py`` (nova 34.0.0)."""
    service = facts.source.service
    host = facts.server.host
    if service is None:
        return failed(
            f"no nova-compute service is known for host '{host}'",
            remedy=steps(
                on_host(host, "systemctl start nova-compute"),
                paste("see that nova knows it", "openstack compute service list"),
            ),
            host=host,
        )
    evidence = {"host": host, "up": service.is_up, "forced_down": service.is_forced_down}
    if service.is_forced_down:
        return failed(
            f"nova-compute on {host} is forced down",
            remedy=set_up(host),
            **evidence,
        )
    if not service.is_up:
        return failed(
            f"nova-compute on {host} is down",
            remedy=on_host(host, "systemctl start nova-compute"),
            **evidence,
        )
    return passed(f"nova-compute on {host} is up", **evidence)


@check(
    "device-trait",
    Scope.SOURCE,
    "Is every device that the server holds declared live migratable?",
    refused_by=Refuser.LIBVIRT,
)
def device_trait(facts: Facts) -> Outcome:
    """Look at HW_PCI_LIVE_MIGRATABLE on each PCI provider of the server's allocation.

    Nova does not look at the source's devices again; the driver refuses when the migration is
    already running. Before nova 34 a missing trait proves nothing, see
    :attr:`vfio_lm.cloud.placement.Provider.reports_live_migratable`.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    devices = [device.provider for device in facts.source.devices]
    if not devices:
        return not_applicable("the server's devices are not in placement")
    own, server = facts.source.knowledge, facts.server.id
    marks = {provider.name: marking(provider, own, holder=server) for provider in devices}
    evidence = {"live_migratable": {name: mark.value for name, mark in marks.items()}}
    by_mark = {mark: [name for name in marks if marks[name] is mark] for mark in Marking}
    if unmarked := by_mark[Marking.NOT_MARKED]:
        return _not_declared_now(
            facts, [each for each in devices if each.name in unmarked], evidence
        )
    if by_mark[Marking.UNKNOWN]:
        names = ", ".join(by_mark[Marking.UNKNOWN])
        return unknown(
            f"not known of {names}: {not_declared(own)}",
            settled_by=declare_or_tell(facts.server.host, own, devices),
            **evidence,
        )
    return passed("every device is declared live migratable", **evidence)


def _not_declared_now(facts: Facts, unmarked: list[Provider], evidence: Evidence) -> Outcome:
    """Answer for devices without the tag: nova gives an alias that says yes none of them.

    Either the tag was taken away since, which nova never notices, or the alias did not ask for it
    when the server was made, which the conductor refuses. Files that are older than the server
    tell the two apart.
    """
    names = ", ".join(provider.name for provider in unmarked)
    way_out = declare(facts.server.host, facts.source.knowledge, unmarked)
    if aliases_are_as_stored(facts):
        return warned(
            f"not declared live migratable any more: {names}; nova does not look at it again",
            remedy=way_out,
            **evidence,
        )
    return unknown(
        f"not declared live migratable: {names}; either they were when the server was made, or "
        "its alias did not ask for it",
        settled_by=steps(way_out, f"or {resize(facts.server.id, 'with the aliases of today')}"),
        **evidence,
    )


@check(
    "allocation-consistent",
    Scope.SOURCE,
    "Does the server hold in placement what its flavor asks for?",
    refused_by=Refuser.NOWHERE,
    # What is stored for the server is not what it shows then.
    may_end_in_error=True,
)
def allocation_consistent(facts: Facts) -> Outcome:
    """Compare the number and classes of devices held with those of the flavor's aliases."""
    source = facts.source
    held = held_classes(source.devices)
    evidence = {"resources": dict(source.resources), "devices": dict(held)}
    if not source.resources:
        # nova/conductor/tasks/migrate.py replace_allocation_with_migration: it goes on
        return warned(
            "the server has no allocation in placement",
            remedy=paste(
                "on a host with nova's database; nova-compute adds the devices within a minute",
                f"nova-manage placement heal_allocations --instance {facts.server.id}",
            ),
            **evidence,
        )
    if not facts.devices_in_placement:
        return _with_left(facts, "the allocation is there; devices are not in placement", evidence)
    wanted = sum(request.count for request in facts.alias_requests)
    devices = sum(held.values())
    if devices != wanted:
        return unknown(
            f"the server holds {counted(devices, 'device')}, its flavor asks for {wanted}",
            settled_by=_put_right(facts),
            **evidence,
        )
    if (other := other_class(facts)) is not None:
        return unknown(
            f"{other}: they are not those that it was made with",
            settled_by=as_it_was_made(facts.server.id),
            **evidence,
        )
    return _with_left(facts, "the allocation matches the flavor", evidence)


def _with_left(facts: Facts, message: str, evidence: Evidence) -> Outcome:
    """Answer that an allocation is right, whatever else was left on another host."""
    left = sorted(facts.source.left_behind)
    if not left:
        return passed(message, **evidence)
    return warned(
        f"{message}, and some is left on another host ({', '.join(left)}), which nova does not "
        "count",
        remedy=_give_back(facts, left),
        left_behind=left,
        **evidence,
    )


def _give_back(facts: Facts, providers: Iterable[str]) -> str:
    """Say how to take the rest of an allocation away."""
    named = " ".join(f"--provider {uuid}" for uuid in providers)
    return paste(
        f"give back what is not on {facts.server.host}, where the server is",
        f"openstack --os-placement-api-version 1.28 resource provider allocation unset "
        f"{named} {facts.server.id}",
    )


def _put_right(facts: Facts) -> str:
    """Say how a server comes to hold as many devices as it has.

    Nova-compute writes again and again how many devices of each of its PFs a server has, but takes
    nothing away elsewhere (``PciResourceProvider.update_allocations`` in
    ``nova/compute/pci_placement_translator.py``, nova 31 to 34.0.0).
    """
    server, node = facts.server, facts.source.node
    elsewhere = {
        uuid
        for device in facts.source.devices
        if node is not None and device.provider.root_uuid != node.uuid
        for uuid in (device.provider.root_uuid, device.provider.uuid)
    }
    # While a server moves, its allocation is where it goes.
    if elsewhere and server.is_settled:
        return _give_back(facts, sorted(elsewhere))
    return steps(
        on_host(server.host, "systemctl restart nova-compute"),
        paste(
            "it updates the allocation; see whether the flavor asks for what is in it then",
            f"openstack resource provider allocation show {server.id}",
        ),
    )
