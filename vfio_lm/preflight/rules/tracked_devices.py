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

"""The devices of a host as nova's resource tracker has them, where placement does not; no I/O.

Most clouds do not report PCI devices in placement. Then only the resource tracker of each
nova-compute knows which devices are free. It follows from the host's nova.conf (which devices nova
may use), the host's facts (which devices there are, and who uses them), and what nova shows of the
servers on the host.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping

from vfio_lm.cloud.model import Port
from vfio_lm.pci import Alias, AliasRequest, DeviceKind, DeviceSpec, PciAddress
from vfio_lm.pci.assignment import Shadows, Wish
from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.matching import satisfies
from vfio_lm.preflight.rules.port import serves_port


@dataclasses.dataclass(frozen=True)
class TrackedDevice:
    """A device that nova may use on its host, and that no server of nova's holds there."""

    facts: DeviceFacts
    spec: DeviceSpec
    is_certain: bool
    """Whether it is free for nova beyond doubt; otherwise it may be."""


def tracked_devices(
    knowledge: Host, server_ids: Collection[str], *, is_old: bool
) -> tuple[TrackedDevice, ...]:
    """Return the devices that nova may have free on a host whose nova.conf and facts are known.

    :param server_ids: the servers that nova has on the host
    :param is_old: whether the facts are too old to tell which ports have been plugged since; what
        servers hold by alias, nova itself shows
    """
    devices = knowledge.facts.devices if knowledge.facts else ()
    specs = {device.address: knowledge.spec_of(device) for device in devices}
    held = {d.address for d in devices if d.user is not None and d.user.uuid in server_ids}
    held = {address for address in held if specs[address] is not None}
    shadows = relatives(devices)
    in_use = {device.address for device in devices if not device.is_free}
    return tuple(
        TrackedDevice(
            facts=device,
            spec=spec,
            is_certain=not (
                ({device.address} | shadows[device.address]) & in_use
                or (is_old and "physical_network" in spec.tags)
                or spec.is_one_time_use
                or any(each.is_remote_managed for each in knowledge.possible_specs(device))
            ),
        )
        for device in devices
        # nova/objects/pci_device.py claim(): a PF goes with its VFs, a VF with its PF (34.0.0)
        if (spec := specs[device.address])
        and not ({device.address} | shadows[device.address]) & held
    )


def relatives(devices: Iterable[DeviceFacts]) -> Shadows:
    """Return for each device those that are taken away together with it."""
    known = tuple(devices)
    children: dict[PciAddress, set[PciAddress]] = collections.defaultdict(set)
    for device in known:
        if device.parent_address is not None:
            children[device.parent_address].add(device.address)
    parents = {d.address: {d.parent_address} if d.parent_address else set() for d in known}
    addresses = parents.keys()
    return {
        address: frozenset(children[address] | (parent & addresses))
        for address, parent in parents.items()
    }


def wishes(
    requests: Iterable[AliasRequest],
    aliases: Mapping[str, Alias],
    ports: Iterable[Port],
    devices: Collection[TrackedDevice],
    known: Collection[DeviceFacts],
) -> Iterator[Wish]:
    """Yield what a server asks for, with the devices that fit.

    :param requests: of aliases that are all defined
    :param devices: those of the host that may be free
    :param known: all devices of the host that its facts hold
    """
    for request in requests:
        alias = aliases[request.alias]
        fitting = [d for d in devices if satisfies(alias, d.facts.device, d.spec)]
        yield _wish(request.alias, request.count, fitting, _is_sriov(alias, known))
    for port in ports:
        fitting = [d for d in devices if serves_port(port, d.facts.device, d.spec)]
        yield _wish(f"port {port.id}", 1, fitting, knows_all=True)


def _wish(name: str, count: int, fitting: Collection[TrackedDevice], knows_all: bool) -> Wish:
    return Wish(
        name=name,
        count=count,
        certain=frozenset(d.facts.address for d in fitting if d.is_certain),
        possible=frozenset(d.facts.address for d in fitting),
        knows_all=knows_all,
    )


def _is_sriov(alias: Alias, known: Iterable[DeviceFacts]) -> bool:
    """Whether the facts hold every device that an alias can mean.

    They hold all PFs and VFs, but a device without SR-IOV only where it has a VFIO driver.
    """
    kinds = {DeviceKind.VF, DeviceKind.PF}
    ids = {(d.vendor_id, d.product_id) for d in known if d.kind in kinds}
    return all(
        spec.device_type in (DeviceKind.VF.value, DeviceKind.PF.value)
        or (spec.device_type is None and _ids(spec.vendor_id, spec.product_id) in ids)
        for spec in alias.specs
    )


def _ids(vendor_id: str | None, product_id: str | None) -> tuple[str, str]:
    return (vendor_id or "").lower(), (product_id or "").lower()
