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
from collections.abc import Mapping

Microversion = tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Flavor:
    """The flavor as it was when the server was created or last resized."""

    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    """Root and ephemeral disk together, with swap rounded up."""
    extra_specs: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
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
    server_group_ids: tuple[str, ...] = ()
    pinned_availability_zone: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ComputeService:
    """A nova-compute service."""

    host: str
    is_enabled: bool
    is_up: bool
    is_forced_down: bool
    disabled_reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ComputeNode:
    """The hypervisor behind a nova-compute service; its UUID is that of its root provider."""

    host: str
    uuid: str
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int
