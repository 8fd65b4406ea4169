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

"""The base of tests in an embedded cloud: what a user of nova does, then waits for; no tests."""

from __future__ import annotations

import time
import unittest
from collections.abc import Callable
from typing import Any, ClassVar

import openstack.exceptions

from tests.cloud.cloud import Cloud
from tests.cloud.image import IMAGE_NAME

LONGEST_WAIT = 60.0


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition gives something true; give that."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {LONGEST_WAIT:.0f} s")
        time.sleep(0.05)
    return result


class CloudTestCase(unittest.TestCase):
    """A test that finds a shared cloud empty, with all hosts up.

    :cvar cloud: to be set by ``setUpModule`` of the tests' module.
    :cvar client: the administrator's connection.
    """

    cloud: ClassVar[Cloud]
    client: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        """Connect once for all tests of a class."""
        super().setUpClass()
        cls.client = cls.cloud.connection()

    def setUp(self) -> None:
        """Empty the cloud afterwards."""
        super().setUp()
        self.addCleanup(self.cloud.reset)

    def boot(self, name: str = "guest", alias: str | None = "vf-lm:1", **options: Any) -> Any:
        """Create a server with a VF and wait until it is active."""
        flavor = self.client.compute.create_flavor(name=name, vcpus=1, ram=512, disk=1)
        if alias is not None:
            self.client.compute.create_flavor_extra_specs(flavor, {"pci_passthrough:alias": alias})
        server = self.client.compute.create_server(
            name=name,
            flavor_id=flavor.id,
            image_id=self.client.image.find_image(IMAGE_NAME).id,
            **{"networks": "none", **options},
        )
        return self.client.compute.wait_for_server(server, interval=0.1, wait=LONGEST_WAIT)

    def migrate(self, server: Any, host: str | None = None) -> Any:
        """Live migrate a server; give it as it is when nova has finished."""
        self.client.compute.live_migrate_server(server, host=host, block_migration="auto")

        def settled() -> Any:
            # the destination gives the server free before the source has cleaned up
            if list(self.client.compute.server_migrations(server)):
                return None
            current = self.client.compute.get_server(server.id)
            return current if current.task_state is None else None

        return until(settled, "the end of the live migration")

    def delete(self, server: Any) -> None:
        """Delete a server and wait until it is gone."""
        self.client.compute.delete_server(server)
        self.client.compute.wait_for_delete(server, interval=0.1, wait=LONGEST_WAIT)

    def compute_service(self, host: str) -> Any:
        """Give the compute service of a host."""
        services = self.client.compute.services(binary="nova-compute", host=host)
        return next(iter(services), None)

    def provider(self, name: str) -> Any:
        """Give a resource provider by its name."""
        return next(iter(self.client.placement.resource_providers(name=name)), None)

    def inventory(self, provider: str) -> dict[str, Any]:
        """Give the inventory of a provider by its name."""
        path = f"/resource_providers/{self.provider(provider).id}/inventories"
        inventories: dict[str, Any] = self.client.placement.get(path).json()["inventories"]
        return inventories

    def traits(self, provider: str) -> set[str]:
        """Give the traits of a provider by its name."""
        path = f"/resource_providers/{self.provider(provider).id}/traits"
        return set(self.client.placement.get(path).json()["traits"])

    def add_trait(self, provider: str, trait: str) -> None:
        """Add a trait to a provider as somebody other than nova."""
        path = f"/resource_providers/{self.provider(provider).id}/traits"
        traits = self.client.placement.get(path).json()
        traits["traits"].append(trait)
        openstack.exceptions.raise_from_response(self.client.placement.put(f"/traits/{trait}"))
        openstack.exceptions.raise_from_response(self.client.placement.put(path, json=traits))

    def usage(self) -> int:
        """Give what is used of all resources of all providers."""
        return sum(
            sum(
                self.client.placement.get(f"/resource_providers/{each.id}/usages")
                .json()["usages"]
                .values()
            )
            for each in self.client.placement.resource_providers()
        )
