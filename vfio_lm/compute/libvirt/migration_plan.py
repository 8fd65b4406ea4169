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

"""Whether a domain's devices can move, judged from what both hosts say; nothing is asked here."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping

from vfio_lm.compute.domain.devices import PciSource
from vfio_lm.compute.libvirt.connection import Domain, DomainState, NodeDevice
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.migratability import PLAIN_DRIVER

"""The kernel's VFIO driver for any device: it moves no state."""

_FIRST_TO_BIND_VARIANTS = (10, 0, 0)
"""The libvirt that binds a device with managed='yes' to the best VFIO driver, not to vfio-pci."""

_NOVAS_LIBVIRT = (10, 0, 0)
_NOVAS_QEMU = (8, 2, 2)
"""``nova/virt/libvirt/driver.py`` ``MIN_VFIO_PCI_VARIANT_LIBVIRT_VERSION`` and
``…_QEMU_VERSION`` (nova 34.0.0)."""

Version = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class HostEnd:
    """What one end of a migration says of itself."""

    uri: str
    libvirt_version: Version
    qemu_version: Version
    devices: Mapping[PciAddress, NodeDevice]


@dataclasses.dataclass(frozen=True)
class DestinationEnd(HostEnd):
    """The end that the domain should run on."""

    in_use: Mapping[PciAddress, str] = dataclasses.field(default_factory=dict)
    """The devices that running domains have, with the domain's name."""
    namesake: str | None = None
    """A domain there that has the domain's name or UUID: which."""


@dataclasses.dataclass(frozen=True)
class MigrationPlan:
    """One domain, its two ends, and where each of its devices goes."""

    domain: Domain
    source: HostEnd
    destination: DestinationEnd
    mapping: Mapping[PciAddress, PciAddress]
    """The device on the destination for each device on the source."""
    is_forced: bool = False
    """Whether a domain of nova's may be moved behind nova's back."""


def refusals(migration: MigrationPlan) -> list[str]:
    """Return each reason why the migration must not begin, with the way out; none: it may."""
    return [
        *_of_domain(migration),
        *_of_map(migration),
        *(
            reason
            for source in migration.domain.live.pci
            if (address := migration.mapping.get(source.address)) is not None
            for reason in _of_pair(migration, source, address)
        ),
    ]


def warnings(migration: MigrationPlan) -> list[str]:
    """Return what is no reason to refuse, but good to know."""
    ends = (migration.source, migration.destination)
    found = [
        f"{name} {_dotted(version)} at {end.uri} is older than {_dotted(least)}, which nova wants "
        "for the live migration of VFIO devices"
        for end in ends
        for name, version, least in (
            ("libvirt", end.libvirt_version, _NOVAS_LIBVIRT),
            ("QEMU", end.qemu_version, _NOVAS_QEMU),
        )
        if version < least
    ]
    for name, (here, there) in (
        ("libvirt", [end.libvirt_version for end in ends]),
        ("QEMU", [end.qemu_version for end in ends]),
    ):
        if there < here:
            found.append(
                f"{name} {_dotted(there)} on the destination is older than {_dotted(here)} on the "
                "source: it may not understand what it is sent"
            )
    found += (
        f"the mediated device {mdev.uuid} keeps its UUID: the destination must have one of it"
        for mdev in migration.domain.live.mdevs
    )
    return found


def _of_domain(migration: MigrationPlan) -> Iterator[str]:
    domain = migration.domain
    if domain.state is DomainState.IN_POST_COPY:
        yield (
            f"domain {domain.name} is in a post-copy migration, which VFIO devices do not survive: "
            f"'virsh domjobinfo {domain.name}' shows details"
        )
    elif domain.has_job:
        yield (
            f"domain {domain.name} is being migrated or saved already: 'virsh domjobinfo "
            f"{domain.name}' shows how far it is, 'virsh domjobabort {domain.name}' ends it"
        )
    elif domain.state is not DomainState.RUNNING:
        yield f"domain {domain.name} is {domain.state.value}: only a running one is live migrated"
    if domain.is_novas and not migration.is_forced:
        yield (
            f"domain {domain.name} is nova's, which would go on taking it for a server of the "
            "source: use 'openstack server migrate --live-migration'; in an emergency, and to "
            "mend nova's records afterwards yourself, --force"
        )
    if not domain.live.pci:
        yield f"domain {domain.name} has no PCI devices of its host: 'virsh migrate' does for it"
    for address in domain.live.otherwise_used:
        yield (
            f"domain {domain.name} uses {address} as an NVMe disk or from a network's pool, and "
            "such a device cannot be live migrated: detach it first"
        )
    for device in domain.live.in_arguments:
        yield (
            f"domain {domain.name} passes {device} to QEMU as an argument, and it would keep its "
            "address: make it a hostdev element, or detach it first"
        )
    live, config = _addresses(domain.live.pci), _addresses(domain.config.pci)
    if domain.is_persistent and set(live) != set(config):
        yield (
            f"domain {domain.name} runs with {_listed(live)}, but its configuration has "
            f"{_listed(config)}: correct it with 'virsh edit {domain.name}' first"
        )
    # While it is migrated the destination has the domain, too.
    if (namesake := migration.destination.namesake) and not domain.has_job:
        yield (
            f"the destination has a domain {namesake} already: if it is a left-over, 'virsh -c "
            f"{migration.destination.uri} undefine {namesake}' removes it"
        )


def _of_map(migration: MigrationPlan) -> Iterator[str]:
    present = _addresses(migration.domain.live.pci)
    for address in present:
        if address not in migration.mapping:
            yield (
                f"device {address} is not in the map: say where it goes with --map "
                f"{address}=ADDRESS, even if it keeps its address"
            )
    for address in migration.mapping:
        if address not in present:
            yield (
                f"device {address} is in the map, but domain {migration.domain.name} has "
                f"{_listed(present)}"
            )
    for address, count in Counter(migration.mapping.values()).items():
        if count > 1:
            yield f"{count} devices are mapped to {address}: give each its own"


def _of_pair(migration: MigrationPlan, source: PciSource, address: PciAddress) -> Iterator[str]:
    here = migration.source.devices.get(source.address)
    there = migration.destination.devices.get(address)
    if here is None:
        yield f"the source's libvirtd knows no PCI device {source.address}: restart it"
    elif here.driver == PLAIN_DRIVER:
        yield (
            f"device {source.address} is bound to plain {PLAIN_DRIVER} on the source, which cannot "
            "migrate it: bind it to its variant driver, if the kernel has one ('vfio-lm-host "
            "probe' says so), and start the domain again"
        )
    if there is None:
        yield (
            f"the destination has no PCI device {address}: create its VFs there first, and restart "
            "libvirtd if it does not see them; 'vfio-lm-host probe' there lists what there is"
        )
    if here is None or there is None:
        return
    if here.ids != there.ids:
        yield (
            f"{source.address} is a {here.ids} and {address} on the destination a {there.ids}: "
            "the state of one is nothing to the other"
        )
    yield from _of_driver(here, there, source.is_managed, migration.destination.libvirt_version)
    if user := migration.destination.in_use.get(address):
        yield f"{address} is in use by domain {user} on the destination: map to a free device"


def _of_driver(
    here: NodeDevice, there: NodeDevice, is_managed: bool, libvirt_version: Version
) -> Iterator[str]:
    if there.driver == here.driver:
        return
    binds_itself = is_managed and there.driver != PLAIN_DRIVER
    if binds_itself and libvirt_version >= _FIRST_TO_BIND_VARIANTS:
        return
    bound = f"bound to {there.driver}" if there.driver else "bound to no driver"
    yield (
        f"{there.address} is {bound} on the destination, and {here.address} on the source to "
        f"{here.driver}: bind it to {here.driver}"
        + (", for libvirt before 10.0 would bind it to plain vfio-pci" if binds_itself else "")
    )


def _addresses(sources: tuple[PciSource, ...]) -> list[PciAddress]:
    return [source.address for source in sources]


def _listed(addresses: list[PciAddress]) -> str:
    return ", ".join(map(str, addresses)) or "none"


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
