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

"""Servers, flavors, services and hypervisors as plain data; how they are read is elsewhere."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

Microversion = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Flavor:
    """The flavor as it was when the server was created or last resized."""

    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    """Root and ephemeral disk together, with swap rounded up."""
    extra_specs: Mapping[str, str]
    ephemeral_gib: int = 0
    swap_mib: int = 0

    @property
    def root_gib(self) -> int:
        """The root disk alone."""
        return self.disk_gib - self.ephemeral_gib - -(-self.swap_mib // 1024)

    @property
    def size(self) -> tuple[int, ...]:
        """All that makes two flavors the same, apart from names and extra specs."""
        return (self.vcpus, self.ram_mib, self.disk_gib, self.ephemeral_gib, self.swap_mib)


@dataclasses.dataclass(frozen=True)
class CloudFlavor:
    """A flavor as nova has it now, for the next server."""

    id: str
    is_public: bool
    flavor: Flavor
    description: str | None = None

    @property
    def name(self) -> str:
        """The name, of which there is only one in a cloud."""
        return self.flavor.name


@dataclasses.dataclass(frozen=True)
class NewFlavor:
    """A flavor that is to be created; its extra specs come later."""

    name: str
    vcpus: int
    ram_mib: int
    root_gib: int = 0
    ephemeral_gib: int = 0
    swap_mib: int = 0
    is_public: bool = True
    id: str | None = None
    rxtx_factor: float | None = None
    description: str | None = None

    def as_created(self, extra_specs: Mapping[str, str]) -> CloudFlavor:
        """Return the flavor as nova would have it; without an ID unless one was chosen."""
        return CloudFlavor(
            id=self.id or "",
            is_public=self.is_public,
            flavor=Flavor(
                name=self.name,
                vcpus=self.vcpus,
                ram_mib=self.ram_mib,
                disk_gib=self.root_gib + self.ephemeral_gib + -(-self.swap_mib // 1024),
                extra_specs=extra_specs,
                ephemeral_gib=self.ephemeral_gib,
                swap_mib=self.swap_mib,
            ),
            description=self.description,
        )


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as nova's API shows it to an administrator."""

    id: str
    name: str
    status: str
    vm_state: str
    task_state: str | None
    power_state: int
    """nova/compute/power_state.py: 1 is running, 3 is paused."""
    is_locked: bool
    host: str
    flavor: Flavor
    image_properties: Mapping[str, str] | None = dataclasses.field(default_factory=dict)
    """Nova's own properties of the image; None for a server that boots from a volume."""
    scheduler_hints: Mapping[str, object] = dataclasses.field(default_factory=dict)
    pinned_availability_zone: str | None = None
    tags: frozenset[str] = frozenset()
    created_at: datetime.datetime | None = None
    root_device: str | None = None
    """The name of its root disk, for example ``/dev/vda``."""
    volume_ids: tuple[str, ...] = ()
    """The volumes that are attached to it."""
    project_id: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being done with it, so that it is on one host only."""
        return self.task_state is None and self.vm_state != "resized"


@dataclasses.dataclass(frozen=True)
class ComputeService:
    """A nova-compute service."""

    host: str
    is_enabled: bool
    is_up: bool
    is_forced_down: bool
    disabled_reason: str | None = None
    zone: str | None = None
    """The availability zone that the host is in."""


@dataclasses.dataclass(frozen=True)
class ComputeNode:
    """The hypervisor behind a nova-compute service; its UUID is that of its root provider."""

    host: str
    uuid: str
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int
    server_ids: frozenset[str] | None = None
    """The servers on it; None where they were not asked for."""
