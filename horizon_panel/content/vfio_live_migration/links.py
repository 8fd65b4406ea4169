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

"""The addresses of pages that rows lead to: the panel's own, and Horizon's."""

from __future__ import annotations

from django.urls import reverse

from vfio_lm.inventory import HostInventory


def host(name: str) -> str | None:
    """Return the address of the panel's page of a host; None for a server that has no host."""
    return reverse("horizon:admin:vfio_live_migration:host", args=[name]) if name else None


def hypervisor(found: HostInventory) -> str | None:
    """Return the address of Horizon's page of a host's hypervisor; None where nova has none."""
    if found.node is None:
        return None
    name = f"{found.node.uuid}_{found.node.hypervisor_hostname}"
    return reverse("horizon:admin:hypervisors:detail", args=[name])


def server(server_id: str) -> str:
    """Return the address of Horizon's page of a server."""
    return reverse("horizon:admin:instances:detail", args=[server_id])


def preflight(server_id: str) -> str:
    """Return the address of the panel's page that checks a server."""
    return reverse("horizon:admin:vfio_live_migration:preflight", args=[server_id])


def flavor(flavor_id: str) -> str:
    """Return the address of Horizon's page of a flavor."""
    return reverse("horizon:admin:flavors:update", args=[flavor_id])
