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

"""The base of tests of the embedded cloud itself; no tests."""

from __future__ import annotations

import functools
import unittest
from typing import Any, ClassVar

from tests.cloud.administrator import Administrator
from tests.cloud.cloud import Cloud


class OwnCloudTestCase(unittest.TestCase):
    """A test that finds the cloud of its module empty, with all hosts up.

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

    @functools.cached_property
    def admin(self) -> Administrator:
        """What the administrator does with servers."""
        return Administrator(self.client)

    def boot(self, name: str = "guest", alias: str | None = "vf-lm:1", **options: Any) -> Any:
        """Create a server with a VF and wait until it is active."""
        server_id = self.admin.request_server(self.admin.flavor(alias), name=name, **options)
        self.admin.wait_until_built([server_id])
        return self.client.compute.get_server(server_id)

    def migrate(self, server: Any, host: str | None = None) -> Any:
        """Live migrate a server; give it as it is when nova has finished."""
        self.admin.live_migrate(server.id, host)
        return self.client.compute.get_server(server.id)

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
