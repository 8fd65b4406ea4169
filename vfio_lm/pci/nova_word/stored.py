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

"""What nova's databases hold about servers and hosts, which no API shows; not what it means."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from vfio_lm.pci.live_migratable import LiveMigratable


@dataclasses.dataclass(frozen=True)
class StoredRequest:
    """One PCI request of a server, as it was stored when the server was created."""

    request_id: str | None
    """What the devices that were taken for it point to; the same number for a port's."""
    count: int
    is_port: bool
    """Whether it is for a neutron port, not for an alias of the flavor."""
    alias: str | None = None
    live_migratable: LiveMigratable = LiveMigratable.UNSPECIFIED
    """What the alias said about it when the server was created."""
    numa_policy: str | None = None
    specs: tuple[Mapping[str, str], ...] = ()
    """The alternatives; what a device's pool has to have."""
    providers: tuple[str, ...] = ()
    """UUIDs of the resource providers that placement chose."""


@dataclasses.dataclass(frozen=True)
class StoredDevice:
    """A PCI device that a server holds."""

    address: str
    """In nova's form, ``0000:81:00.1``; so everywhere here."""
    vendor_id: str
    product_id: str
    kind: str
    """One of nova's device types, ``type-VF`` and others."""
    status: str
    """``allocated``, or ``claimed`` while a server is on its way."""
    parent_address: str | None = None
    numa_node: int | None = None
    request_id: str | None = None
    host: str | None = None
    """Where the device is; a server that moves may hold devices on two hosts."""


@dataclasses.dataclass(frozen=True)
class ServerCell:
    """One NUMA node of a server."""

    host_cell: int
    """The ID of the host's NUMA node that it is on."""
    cpus: tuple[int, ...]
    """Numbers of the guest's CPUs, pinned ones included."""
    memory_mb: int
    page_size_kb: int | None = None
    cpu_policy: str | None = None
    pinning: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Number of the host's CPU for each of the guest's that is pinned."""


@dataclasses.dataclass(frozen=True)
class StoredServer:
    """A server as nova's databases have it."""

    id: str
    name: str
    project_id: str
    host: str | None
    node: str | None
    cell: str
    vm_state: str
    task_state: str | None = None
    power_state: str | None = None
    """``running``, ``paused`` and so on: what nova-compute saw last."""
    requests: tuple[StoredRequest, ...] = ()
    """Of the server; conductor and the destination's nova-compute go by these."""
    scheduled_requests: tuple[StoredRequest, ...] = ()
    """Of the server's request specification; the scheduler goes by these."""
    devices: tuple[StoredDevice, ...] = ()
    cells: tuple[ServerCell, ...] = ()
    """Empty for a server without a NUMA topology."""


@dataclasses.dataclass(frozen=True)
class PageCount:
    """The memory pages of one size on one NUMA node of a host."""

    size_kb: int
    total: int
    used: int
    reserved: int = 0


@dataclasses.dataclass(frozen=True)
class HostCell:
    """One NUMA node of a host, as its nova-compute reported it last."""

    id: int
    shared_cpus: tuple[int, ...]
    dedicated_cpus: tuple[int, ...]
    free_dedicated_cpus: tuple[int, ...]
    """Those that no server is pinned to."""
    memory_mb: int
    free_memory_mb: int
    pages: tuple[PageCount, ...] = ()


@dataclasses.dataclass(frozen=True)
class DevicePool:
    """The like devices of one PF, or one device that has no PF."""

    address: str
    """Of the PF or device."""
    vendor_id: str
    product_id: str
    """Of each device."""
    kind: str
    total: int
    free: int
    numa_node: int | None = None
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The tags of the device spec that nova keeps with a pool; empty if nova has no pool."""
    provider: str | None = None
    """UUID of the resource provider."""


@dataclasses.dataclass(frozen=True)
class StoredHost:
    """A compute node as nova's databases have it."""

    host: str
    node: str
    id: str
    """UUID of the compute node, and of its root provider."""
    cell: str
    is_up: bool
    is_disabled: bool
    is_forced_down: bool
    service_version: int
    """Of nova-compute's RPC; grows with each release."""
    hypervisor_type: str
    hypervisor_version: int
    cells: tuple[HostCell, ...] = ()
    """Empty if the host reported no NUMA topology."""
    pools: tuple[DevicePool, ...] = ()
