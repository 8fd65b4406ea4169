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

"""Checks of ports that nova serves with a PCI device; which devices are free is asked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfio_lm.cloud.model import PortKind
from vfio_lm.pci import DeviceSpec, LiveMigratable
from vfio_lm.pci.rewrite import device_spec_with
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
from vfio_lm.preflight.wording.remedy import IN_PLACE, in_nova_conf, paste, steps
from vfio_lm.text import counted

_NO_PORTS = "the server has no port that needs a PCI device"


@check(
    "port-binding",
    Scope.SERVER,
    "Can nova unplug the ports with a PCI device, and plug them in again?",
    refused_by=Refuser.CONDUCTOR,
)
def port_binding(facts: Facts) -> Outcome:
    """Apply ``_check_can_migrate_pci``: neutron must bind a port to two hosts at once.

    Of a server with devices of aliases as well, nova claims these and the ports' one after the
    other, and the second claim takes the first one's place in its books: the devices of aliases
    are never given back. When nova-compute starts, it rewrites its books.

    Source: ``nova/conductor/tasks/live_migrate.py``, ``block_port_accelerators`` in
    ``nova/compute/api.py``, ``PciDevTracker.claim_instance`` in ``nova/pci/manager.py`` (nova 31
    to 34.0.0).
    """
    if not facts.ports:
        return not_applicable(_NO_PORTS)
    ports = {port.id: port.vnic_type for port in facts.ports}
    by_kind = {kind: [p.id for p in facts.ports if p.kind is kind] for kind in PortKind}
    if refused := by_kind[PortKind.REFUSED]:
        return failed(
            f"nova live migrates no server with a port of cyborg's: {', '.join(refused)}",
            remedy=_without(facts, refused),
            ports=ports,
        )
    if special := by_kind[PortKind.SPECIAL]:
        return unknown(
            f"for vDPA and SmartNICs nova has rules that are not looked into: {', '.join(special)}",
            settled_by=_without(facts, special),
            ports=ports,
        )
    if not facts.network.has_port_bindings:
        return failed(
            "neutron does not bind a port to two hosts at once (extension binding-extended)",
            remedy=steps(
                "let neutron's plugin load the extension, which ML2 does by itself",
                paste("then this shows it", "openstack extension show binding-extended"),
            ),
            ports=ports,
        )
    unplugged = _unplugged(facts)
    if not unplugged and not facts.alias_requests:
        return passed("the guest keeps its ports while it moves", ports=ports)
    bond = "bond them inside the guest with a port that is not unplugged, of the vnic type normal"
    if not facts.alias_requests:
        return warned(unplugged, remedy=bond, ports=ports)
    lost = (
        "nova will never give back the devices of the aliases that the server gets there, because "
        "the server has both"
    )
    restart = "restart nova-compute on the destination once the server is there"
    if not unplugged:
        return warned(lost, remedy=restart, ports=ports)
    return warned(f"{unplugged}; and {lost}", remedy=steps(bond, restart), ports=ports)


def _unplugged(facts: Facts) -> str:
    """Say which ports the guest loses while it moves; nothing if it keeps all."""
    ports = [port for port in facts.ports if port.is_unplugged]
    if not ports:
        return ""
    names = ", ".join(port.label for port in ports)
    return (
        f"the guest loses its network at {counted(len(ports), 'port')} while it moves: nova "
        f"unplugs {names} before, and plugs in again on the destination"
    )


@check(
    "port-live-migratable-ignored",
    Scope.SERVER,
    "Do device specifications expect a port's device to be live migrated?",
    refused_by=Refuser.NOWHERE,
    is_decisive=False,
)
def port_live_migratable_ignored(facts: Facts) -> Outcome:
    """Find live_migratable beside physical_network, where nova does not look at it.

    A device of a physical network is unplugged and plugged in again, whatever the tag (nova bug
    2102161).
    """
    if not facts.ports:
        return not_applicable(_NO_PORTS)
    found = dict(_ignored(facts))
    if not found:
        return passed("no device specification that was given expects that")
    return warned(
        f"live_migratable beside physical_network has no effect, nova unplugs such a device: "
        f"{', '.join(found)}",
        remedy=steps(*(_untag(host, specs) for host, specs in found.items())),
        hosts=sorted(found),
    )


def _without(facts: Facts, port_ids: list[str]) -> str:
    return paste(
        "take such ports away from the server for the time",
        *(f"openstack server remove port {facts.server.id} {port_id}" for port_id in port_ids),
    )


def _untag(host: str, specs: Iterable[DeviceSpec]) -> str:
    return in_nova_conf(
        host,
        "pci",
        *(device_spec_with(spec, LiveMigratable.UNSPECIFIED).text for spec in specs),
        why=IN_PLACE,
    )


def _ignored(facts: Facts) -> Iterator[tuple[str, list[DeviceSpec]]]:
    """Return the hosts with such specifications, in the order of their names."""
    hosts = [facts.server.host, *(destination.host for destination in facts.destinations)]
    for host in sorted(hosts):
        specs = [
            spec
            for spec in facts.inputs.of_host(host).device_specs
            if spec.is_for_neutron and spec.live_migratable is LiveMigratable.YES
        ]
        if specs:
            yield host, specs
