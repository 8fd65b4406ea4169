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

"""What is wrong with the providers of one host that only its operator can mend; pure rules.

Nova's own PCI providers are never written: nova-compute writes all their traits again, so that a
fight would have no end. What they carry follows from the host's nova.conf, and that is where it
is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import os_traits

from placement_sync.engine import evidence
from placement_sync.engine.decision import Decision
from placement_sync.engine.desired import Desired, usable_facts
from placement_sync.engine.evidence import Evidence
from placement_sync.engine.finding import AuditFinding, Kind
from vfio_lm.cloud.model import Provider, Tree
from vfio_lm.inventory.device import PciDevice
from vfio_lm.inventory.stray import Stray
from vfio_lm.pci import DeviceKind, DeviceSpec, LiveMigratable, NovaRelease
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.migratability import Obstacle, ObstacleKind
from vfio_lm.pci.provider_origin import reports_live_migratable
from vfio_lm.text import counted, listed

_TRAIT = str(os_traits.HW_PCI_LIVE_MIGRATABLE)
_SHOWN_DEVICES = 4

_BIND = "bind the devices to their variant driver"
_BETTER_DRIVER = "upgrade the driver, the firmware or the kernel"
_DRIVER_REMEDIES = {
    ObstacleKind.PLAIN_DRIVER: _BIND,
    ObstacleKind.HOST_DRIVER: _BIND,
    ObstacleKind.NO_DRIVER: _BIND,
    ObstacleKind.NO_VARIANT_DRIVER: "give the host a kernel with a variant driver for the devices",
    ObstacleKind.DEVLINK: "set the devices migratable in devlink",
    ObstacleKind.NO_VGPU: "give the devices a vGPU type",
}


def host_findings(host: Host, tree: Tree, wanted: Desired) -> Iterator[AuditFinding]:
    """Yield what is wrong with the tree of a host."""
    for uuid, said in wanted.of_nova.items():
        yield from nova_provider_findings(host, tree.providers[uuid], said, wanted.release)
    yield from _drivers(host, wanted.devices)
    yield from _strangers(host, tree, wanted)
    yield from _unreported(host, tree, wanted)


def host_without_provider(host: Host) -> AuditFinding:
    """Return that placement does not know a host."""
    return AuditFinding(
        kind=Kind.HOST_WITHOUT_PROVIDER,
        subject=host.hypervisor_hostname,
        text="placement has no root provider of this name",
        remedy="start nova-compute there, or name the host's file, or hypervisor_hostname of the "
        "agent that runs there, after the hypervisor hostname that 'openstack hypervisor list' "
        "shows",
        where=host.location,
    )


def providers_without_host(devices: Iterable[PciDevice]) -> Iterator[AuditFinding]:
    """Yield each host that nova does not have, and whose PCI providers are still there."""
    left: dict[str, list[PciDevice]] = {}
    for device in devices:
        if device.is_left_behind:
            left.setdefault(device.host, []).append(device)
    for host, found in sorted(left.items()):
        used = sum(device.used for device in found)
        held = f"; {counted(used, 'unit')} of them are held" if used else ""
        yield AuditFinding(
            kind=Kind.PROVIDER_WITHOUT_HOST,
            subject=host,
            text=f"nova has no hypervisor of this name, but placement has "
            f"{counted(len(found), 'PCI provider')} of it{held}",
            remedy="if the host was renamed or removed (not shown by 'openstack hypervisor list'): "
            "'nova-manage placement heal_allocations' for servers that still run, "
            "'nova-manage placement audit --delete' for allocations of servers that are gone, then "
            "'openstack resource provider delete' for each provider, children first",
        )


def consumers_without_server(strays: Iterable[Stray]) -> Iterator[AuditFinding]:
    """Yield each consumer of devices that nova does not know."""
    for stray in strays:
        units = listed(
            (f"{counted(number, 'unit')} of {name}" for name, number in stray.units.items()),
            _SHOWN_DEVICES,
        )
        yield AuditFinding(
            kind=Kind.CONSUMER_WITHOUT_SERVER,
            subject=stray.id,
            text=f"holds {units}, and is neither a server of nova's nor a migration that is in "
            "progress or to be confirmed",
            remedy="'nova-manage placement audit --verbose' lists allocations of servers and "
            "migrations that are gone, and removes them with --delete; what another service than "
            "nova has allocated is for that service to free",
        )


def contested(decision: Decision) -> AuditFinding:
    """Return that somebody else keeps changing a provider back."""
    return AuditFinding(
        kind=Kind.CONTESTED,
        subject=decision.provider.name,
        text=f"{', '.join(sorted(decision.wish.present.keys() | decision.wish.absent.keys()))}: "
        f"written twice, and changed back by somebody else both times",
        remedy="find out who else writes the traits of this provider; it is left alone until "
        "[pci]device_spec of its host changes",
        where=decision.host.location,
    )


def undecided(decision: Decision, unclear: Iterable[str]) -> AuditFinding:
    """Return that it is not known what a provider should carry."""
    return AuditFinding(
        kind=Kind.UNDECIDED,
        subject=decision.provider.name,
        text=f"{', '.join(sorted(unclear))}: stays as it is, because it is not known which "
        f"device_spec decides about the devices of the host",
        remedy="give the facts of the host (vfio-lm-host probe)",
        where=decision.host.location,
    )


def nova_provider_findings(
    host: Host, provider: Provider, said: Evidence, release: NovaRelease
) -> Iterator[AuditFinding]:
    """Yield what is wrong with a PCI provider of nova's."""
    spec = next(iter(said.specs), None)
    if spec is None:
        yield AuditFinding(
            kind=Kind.PROVIDER_WITHOUT_DEVICE,
            subject=provider.name,
            text="no device_spec of the host means its devices",
            remedy="nova-compute removes it when no server holds a device of it any more; restart "
            "nova-compute if it was not since device_spec changed",
            where=host.location,
        )
    elif not is_as_declared(provider, said) and said.said is LiveMigratable.YES:
        yield AuditFinding(
            kind=Kind.MISSING,
            subject=provider.name,
            text=f"{_TRAIT} is missing, although device_spec says live_migratable yes "
            f"(durable if we set it: no)",
            remedy=_add_remedy(spec, release),
            where=spec.location or host.location,
        )
    elif not is_as_declared(provider, said):
        yield AuditFinding(
            kind=Kind.EXTRA,
            subject=provider.name,
            text=f"has {_TRAIT}, although device_spec does not say live_migratable yes (durable "
            f"if we took it away: no)",
            remedy=_remove_remedy(spec, release),
            where=spec.location or host.location,
        )


def is_as_declared(provider: Provider, said: Evidence) -> bool:
    """Whether a PCI provider carries the trait just when its devices are declared so."""
    if said.said is None:
        return True  # as far as is known
    return provider.is_marked_live_migratable is (said.said is LiveMigratable.YES)


def _add_remedy(spec: DeviceSpec, release: NovaRelease) -> str:
    if reports_live_migratable(spec, release):
        return "restart nova-compute on the host, so that it reads this line"
    tag = spec.tags.get("traits")
    known = [tag] if isinstance(tag, str) and tag else []
    traits = ",".join([*known, _TRAIT])
    return (
        f'add "traits": "{traits}" to this device_spec and restart nova-compute on the host: '
        f"before 2026.2 it does not report the trait without"
    )


def _remove_remedy(spec: DeviceSpec, release: NovaRelease) -> str:
    if reports_live_migratable(spec, release):
        return (
            f'take {_TRAIT} out of "traits" of this device_spec, or say live_migratable yes there, '
            f"and restart nova-compute on the host"
        )
    return "restart nova-compute on the host, so that it reads this line"


def _drivers(host: Host, devices: Iterable[Evidence]) -> Iterator[AuditFinding]:
    """Yield declared devices that cannot do it, those with the same obstacle together."""
    failing: dict[tuple[str, Obstacle], list[str]] = {}
    for each in devices:
        if each.said is LiveMigratable.YES and each.obstacle and each.specs:
            key = each.specs[0].location or host.location, each.obstacle
            failing.setdefault(key, []).append(str(each.address))
    for (where, why), addresses in sorted(failing.items(), key=str):
        yield AuditFinding(
            kind=Kind.DRIVER_CANNOT,
            subject=host.hypervisor_hostname,
            text=f"{listed(sorted(addresses), _SHOWN_DEVICES)}: declared live_migratable yes, but "
            f"each {why}",
            remedy=f"{_DRIVER_REMEDIES.get(why.kind, _BETTER_DRIVER)}, or say live_migratable no",
            where=where,
        )


def _strangers(host: Host, tree: Tree, wanted: Desired) -> Iterator[AuditFinding]:
    """Yield providers of devices declared live migratable that the kernel does not know."""
    facts = usable_facts(host)
    if facts is None:
        return
    known = {a for device in facts.devices for a in (device.address, device.parent_address)}
    for uuid, said in wanted.of_nova.items():
        # Only such devices are in the facts for certain.
        if said.said is LiveMigratable.YES and said.address not in known:
            yield AuditFinding(
                kind=Kind.PROVIDER_WITHOUT_DEVICE,
                subject=tree.providers[uuid].name,
                text="the host facts show no device at this address",
                remedy="probe the host again (vfio-lm-host probe), or see why its device is gone",
                where=host.hypervisor_hostname,
            )


def _unreported(host: Host, tree: Tree, wanted: Desired) -> Iterator[AuditFinding]:
    """Yield devices that nova-compute should have reported."""
    facts = usable_facts(host)
    if facts is None or not (wanted.of_nova or host.reports_in_placement):
        return
    reported = {evidence.address_of(provider) for provider in tree.providers.values()}
    carriers = {device.parent_address for device in facts.devices}
    missing: dict[str, list[str]] = {}
    by_address = {each.address: each for each in wanted.devices}
    for device in facts.devices:
        known = by_address.get(device.address)
        is_carrier = device.kind is DeviceKind.PF and device.address in carriers
        behind = device.parent_address if device.kind.has_parent else device.address
        if known is not None and known.specs and not is_carrier and behind not in reported:
            missing.setdefault(known.specs[0].location or host.location, []).append(
                str(device.address)
            )
    for where, addresses in sorted(missing.items()):
        yield AuditFinding(
            kind=Kind.DEVICE_WITHOUT_PROVIDER,
            subject=host.hypervisor_hostname,
            text=f"{listed(sorted(addresses), _SHOWN_DEVICES)}: device_spec means it, and no PCI "
            f"provider stands for it",
            remedy="restart nova-compute on the host, and look into its log",
            where=where,
        )
