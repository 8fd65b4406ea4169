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

"""Checks of what devices and their drivers can do, as host facts tell; nova never looks at it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.migratability import Obstacle, ObstacleKind, is_managed, obstacles
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    destination_check,
    failed,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.free_devices import host_view
from vfio_lm.preflight.rules.request import asks_for_devices
from vfio_lm.preflight.wording.remedy import bind, on_host, paste, probe, steps
from vfio_lm.preflight.wording.shared_answers import no_alias_devices

_ID = "host-drivers"
_NOT_KNOWN = "what the drivers of the devices can do is not known"

Reasons = Mapping[DeviceFacts, Collection[Obstacle]]
"""What keeps each of some devices from being migrated."""


@check(
    _ID,
    Scope.SOURCE,
    "Can the drivers of the server's devices migrate them?",
    refused_by=Refuser.LIBVIRT,
    is_decisive=False,
)
def _source(facts: Facts) -> Outcome:
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    devices = source_devices(facts)
    if not devices:
        return _nothing_known(facts.server.host)
    if wrong := _reasons(facts.source.knowledge, devices, len(devices), is_source=True):
        return failed(
            _listed(wrong),
            remedy=steps(
                paste("while the server is off", f"openstack server stop {facts.server.id}"),
                _mend(facts.server.host, wrong),
                paste("and at last", f"openstack server start {facts.server.id}"),
                probe(facts.server.host),
            ),
            devices=_evidence(devices),
        )
    if not all(map(_can_migrate, devices)):
        return unknown(
            _NOT_KNOWN,
            settled_by=probe(facts.server.host),
            devices=_evidence(devices),
        )
    return passed("the drivers can migrate the server's devices", devices=_evidence(devices))


@destination_check(
    _ID,
    "Can the drivers of the devices that the server may get there migrate them?",
    refused_by=Refuser.QEMU,
    is_decisive=False,
    depends_on=asks_for_devices,
)
def _destination(facts: Facts, destination: Destination) -> Outcome:
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    devices = fitting_devices(facts, destination)
    if not devices:
        return _nothing_known(destination.host)
    count = device_count(facts)
    wrong = _reasons(destination.knowledge, devices, count, is_source=False)
    remedy = steps(_mend(destination.host, wrong), probe(destination.host))
    evidence = _evidence(devices)
    if len(devices) - len(wrong) < count:
        return failed(_listed(wrong) or "too few devices", remedy=remedy, devices=evidence)
    if wrong:
        return warned(
            f"nova may choose a device that cannot take the server: {_listed(wrong)}",
            remedy=remedy,
            devices=evidence,
        )
    if not all(map(_can_migrate, devices)):
        return unknown(
            _NOT_KNOWN,
            settled_by=probe(destination.host),
            devices=evidence,
        )
    return passed("the drivers of the free devices can migrate them", devices=evidence)


#: One question, asked of the source and of each destination.
host_drivers = (_source, _destination)


def source_devices(facts: Facts) -> tuple[DeviceFacts, ...]:
    """Return the devices that the server uses now, as far as facts of the source tell."""
    if facts.inputs.facts_of(facts.server.host) is None:
        return ()
    return facts.source.knowledge.devices_of_server(facts.server.id)


def fitting_devices(facts: Facts, destination: Destination) -> tuple[DeviceFacts, ...]:
    """Return the devices that the server may get at a destination, as far as its facts tell."""
    known = facts.inputs.facts_of(destination.host)
    if known is None:
        return ()
    if not facts.devices_in_placement:
        fitting = host_view(facts, destination).fitting
        return tuple(device for device in known.devices if device.address in fitting)
    classes = {name for group in facts.query.pci_groups for name in group.resources}
    addresses = {
        supply.provider.pci_address
        for supply in destination.devices
        if supply.free and supply.resource_class in classes
    }
    vfs = [d for d in known.devices if d.parent_address and str(d.parent_address) in addresses]
    parents = {device.parent_address for device in vfs}
    # A provider is either a PF's own, or that of its VFs.
    whole = [d for d in known.devices if str(d.address) in addresses and d.address not in parents]
    return tuple(device for device in (*vfs, *whole) if device.is_free is not False)


def device_count(facts: Facts) -> int:
    """Return how many devices the server has by aliases of its flavor."""
    return sum(request.count for request in facts.alias_requests)


def _reasons(
    knowledge: Host, devices: Collection[DeviceFacts], count: int, *, is_source: bool
) -> dict[DeviceFacts, list[Obstacle]]:
    """Return what keeps devices from being migrated; those without an obstacle are left out."""
    found = {
        device: list(
            obstacles(
                device,
                is_managed=is_managed(knowledge.spec_of(device)),
                count=count,
                is_source=is_source,
            )
        )
        for device in devices
    }
    return {device: reasons for device, reasons in found.items() if reasons}


def _can_migrate(device: DeviceFacts) -> bool:
    """Whether it is known that a device can be migrated; one in use shows a state if it can."""
    return device.migration is not None or device.migration_state is not None


def _listed(reasons: Reasons) -> str:
    return "; ".join(
        f"{device.address} {' and '.join(map(str, found))}" for device, found in reasons.items()
    )


def _mend(host: str, reasons: Reasons) -> str:
    """Say what to do about devices that cannot be migrated as they are."""
    if not reasons:
        return f"free more devices on {host}"
    if switched_off := _with(reasons, ObstacleKind.DEVLINK):
        return on_host(
            host,
            *(
                f"devlink port function set pci/{device.parent_address}/PORT migratable enable"
                for device in switched_off
            ),
        )
    if unbound := _with(
        reasons, ObstacleKind.PLAIN_DRIVER, ObstacleKind.HOST_DRIVER, ObstacleKind.NO_DRIVER
    ):
        return bind(host, [str(device.address) for device in unbound])
    named = ", ".join(str(device.address) for device in reasons)
    return f"upgrade the driver, the firmware or the kernel for {named} on {host}"


def _with(reasons: Reasons, *kinds: ObstacleKind) -> list[DeviceFacts]:
    return [device for device, found in reasons.items() if {o.kind for o in found} & set(kinds)]


def _nothing_known(host: str) -> Outcome:
    return unknown(_NOT_KNOWN, settled_by=probe(host))


def _evidence(devices: Collection[DeviceFacts]) -> list[dict[str, object]]:
    return [
        {
            "address": str(device.address),
            "driver": device.driver,
            "has_variant_driver": device.has_variant_driver,
            "firmware": device.firmware,
            "vgpu_type": device.vgpu_type,
            "stop_copy": device.migration.stop_copy if device.migration else None,
            "p2p": device.migration.p2p if device.migration else None,
            "logs_dma": device.logs_dma,
            "state_size_bytes": device.state_size_bytes,
        }
        for device in devices
    ]
