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

"""What the administrator of a cloud does with servers through nova's API, and waits for."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from openstack.exceptions import raise_from_response

from tests.cloud.errors import CloudError
from tests.cloud.image import IMAGE_CONTENT, IMAGE_NAME

if TYPE_CHECKING:
    from openstack.connection import Connection

T = TypeVar("T")

MICROVERSION = "2.100"
#: seconds that anything may take, also on a machine that is busy with other things
LIMIT = 180.0

# Reading a server costs nova as much as some steps of a live migration do: who asks should not be
# what nova is busy with.
_SHARE_OF_ASKING = 0.25
_SHORTEST_POLL = 0.1
_ENDED = ("completed", "error", "failed", "cancelled")


def wait_for(what: str, condition: Callable[[], T | None], limit: float = LIMIT) -> T:
    """Ask again until the answer is true; a wait is never much longer than it has to be.

    :param limit: seconds
    """
    end = time.monotonic() + limit
    began = time.monotonic()
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {limit:.0f} s: {what}")
        taken = time.monotonic() - began
        time.sleep(max(_SHORTEST_POLL, taken * (1 / _SHARE_OF_ASKING - 1)))
        began = time.monotonic()
    return answer


@dataclasses.dataclass(frozen=True, slots=True)
class Moved:
    """How nova answered to a live migration.

    :ivar host: where the server is now.
    :ivar is_broken: whether the server is in the state ERROR now.
    :ivar status: of the migration; None if the API refused it.
    :ivar refusal: what the API said then.
    """

    host: str
    is_broken: bool
    status: str | None
    refusal: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nova says that the server has moved."""
        return self.status == "completed"


class Administrator:
    """A user with the admin role."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @functools.cached_property
    def image_id(self) -> str:
        """The image that every cloud has."""
        return str(self.connection.image.find_image(IMAGE_NAME).id)

    def image_with(self, properties: Mapping[str, str]) -> str:
        """Return the ID of an image with such properties, which is made if there is none."""
        name = "-".join(f"{key}-{value}" for key, value in sorted(properties.items()))
        image = self.connection.image.find_image(name)
        if image is None:
            image = self.connection.image.create_image(
                name=name,
                data=IMAGE_CONTENT,
                disk_format="raw",
                container_format="bare",
                wait=True,
                **properties,
            )
        return str(image.id)

    def flavor(
        self, aliases: str | None, *, vcpus: int = 1, ram: int = 512, **extra_specs: str
    ) -> str:
        """Create a flavor that asks for devices, for example ``vf-yes:1``; return its ID."""
        flavor = self.connection.compute.create_flavor(
            name=f"flavor-{time.monotonic_ns()}", vcpus=vcpus, ram=ram, disk=1
        )
        if aliases is not None:
            extra_specs["pci_passthrough:alias"] = aliases
        if extra_specs:
            self.connection.compute.create_flavor_extra_specs(flavor, extra_specs)
        return str(flavor.id)

    def request_server(
        self,
        flavor: str,
        host: str | None = None,
        name: str = "server",
        hints: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Ask for a server; return its ID.

        :raises CloudError: if the API refuses it
        """
        wanted = {"name": name, "flavorRef": flavor, "imageRef": self.image_id, "networks": "none"}
        if host is not None:
            wanted["host"] = host
        response = self.connection.compute.post(
            "/servers",
            json={"server": wanted | fields, "os:scheduler_hints": hints or {}},
            microversion=MICROVERSION,
        )
        if response.status_code != 202:
            raise CloudError(f"no server {name}: {response.text}")
        return str(response.json()["server"]["id"])

    def wait_until_built(self, server_ids: Iterable[str]) -> None:
        """Wait until servers are ACTIVE.

        :raises CloudError: if one is not in the end
        """
        for server_id in server_ids:
            server = self.settled(server_id)
            if server["status"] != "ACTIVE":
                raise CloudError(f"{server['name']} is {server['status']}: {server.get('fault')}")

    def settled(self, server_id: str) -> dict[str, Any]:
        """Wait until a server has no task; return it."""

        def settled() -> dict[str, Any] | None:
            server = self.show(server_id)
            is_busy = server["status"] == "BUILD" or server["OS-EXT-STS:task_state"]
            return None if is_busy else server

        return wait_for(f"{server_id} is settled", settled, LIMIT)

    def show(self, server_id: str) -> dict[str, Any]:
        """Return a server as the API has it."""
        response = self.connection.compute.get(f"/servers/{server_id}", microversion=MICROVERSION)
        server: dict[str, Any] = response.json()["server"]
        return server

    def host_of(self, server_id: str) -> str:
        """Return where a server is."""
        return str(self.show(server_id)["OS-EXT-SRV-ATTR:host"])

    def act(self, server_id: str, action: Mapping[str, Any]) -> None:
        """Do something with a server.

        :raises CloudError: if the API refuses it
        """
        response = self.connection.compute.post(
            f"/servers/{server_id}/action", json=action, microversion=MICROVERSION
        )
        if not response.ok:
            raise CloudError(f"{', '.join(action)} of server {server_id}: {response.text}")

    def delete(self, server_id: str) -> None:
        """Delete a server, and wait until it holds no allocation any more."""
        self.connection.compute.delete_server(server_id)

        def is_gone() -> bool:
            path = f"/allocations/{server_id}"
            return not self.connection.placement.get(path).json()["allocations"]

        wait_for(f"{server_id} is gone", is_gone, LIMIT)

    def live_migrate(self, server_id: str, host: str | None = None) -> Moved:
        """Let nova live migrate a server, and wait until nova has done it or has given up."""
        before = len(self.migrations(server_id))
        response = self.connection.compute.post(
            f"/servers/{server_id}/action",
            json={"os-migrateLive": {"host": host, "block_migration": "auto"}},
            microversion=MICROVERSION,
        )
        if response.status_code != 202:
            return self._moved(server_id, None, response.text)

        def status() -> str | None:
            migrations = self.migrations(server_id)
            if len(migrations) == before:
                return None
            # newest first
            status = str(migrations[0]["status"])
            return status if status in _ENDED else None

        wait_for("the live migration ends", status, LIMIT)
        moved = self._moved(server_id, None)
        # nova notes a failure, and after it, that the server is in ERROR for it
        return dataclasses.replace(moved, status=status())

    def _moved(self, server_id: str, status: str | None, refusal: str = "") -> Moved:
        server = self.settled(server_id)
        is_broken = server["status"] == "ERROR"
        return Moved(server["OS-EXT-SRV-ATTR:host"], is_broken, status, refusal)

    def migrations(self, server_id: str) -> list[dict[str, Any]]:
        response = self.connection.compute.get(
            "/os-migrations",
            params={"instance_uuid": server_id, "migration_type": "live-migration"},
            microversion=MICROVERSION,
        )
        migrations: list[dict[str, Any]] = response.json()["migrations"]
        return migrations

    def add_trait(self, provider: str, trait: str) -> None:
        """Add a trait to a resource provider, named here, as somebody other than nova."""
        placement = self.connection.placement
        (found,) = placement.resource_providers(name=provider)
        path = f"/resource_providers/{found.id}/traits"
        known = placement.get(path).json()
        if trait.startswith("CUSTOM_"):
            raise_from_response(placement.put(f"/traits/{trait}"))
        known["traits"].append(trait)
        raise_from_response(placement.put(path, json=known))
