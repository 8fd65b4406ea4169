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

"""What the tests of views have in common."""

from __future__ import annotations

from collections.abc import Mapping
from unittest import mock

from django.urls import reverse
from django.utils.html import strip_tags
from openstack_dashboard.test import helpers

from horizon_panel import api
from tests.unit.inventory import cloud
from vfio_lm.cloud.model import Provider
from vfio_lm.errors import CloudError
from vfio_lm.inventory import HostInventory
from vfio_lm.inventory.host import hosts

INDEX = "horizon:admin:vfio_live_migration:index"


def fleet(*providers: Provider, names: tuple[str, ...] = ()) -> tuple[HostInventory, ...]:
    """Return the hosts of PCI providers, and others without, all of them up."""
    found = {provider.root_uuid.removeprefix("root-") for provider in providers} | set(names)
    return hosts(
        {name: cloud.service(name) for name in found},
        {name: cloud.node(name) for name in found},
        providers,
    )


class PanelTestCase(helpers.BaseAdminViewTests):
    """A test of pages as an administrator sees them; services are replaced at the border."""

    def _setup_test_data(self) -> None:
        super()._setup_test_data()
        # Horizon's catalogue for tests has no placement.
        if not any(service["type"] == "placement" for service in self.service_catalog):
            url = "http://placement.example.com"
            endpoints = [
                {"region": "RegionOne", "interface": interface, "url": url}
                for interface in ("public", "internal", "admin")
            ]
            self.service_catalog.append(
                {"type": "placement", "name": "placement", "endpoints": endpoints}
            )

    def answer(self, *, gaps: tuple[CloudError, ...] = (), **answers: object) -> None:
        """Let functions of ``api`` return something, raise it if it is an error, or be it.

        :param gaps: what services did not tell, for the functions that hand it over
        """
        for name, answer in answers.items():
            patch = mock.patch.object(api, name, autospec=True)
            self.addCleanup(patch.stop)
            patch.start().side_effect = answer if callable(answer) else _function(answer, gaps)

    def page(self, tab: str | None = None, params: Mapping[str, str] | None = None, **headers: str):
        """Get the index, with a tab open."""
        query = {"tab": f"vfio_live_migration__{tab}"} if tab else {}
        return self.client.get(reverse(INDEX), query | dict(params or {}), **headers)

    def rows(self, response, table: str) -> list[list[str]]:
        """Return the cells of a table as text."""
        found = response.context[f"{table}_table"].get_rows()
        return [[strip_tags(str(cell.value)) for cell in row] for row in found]

    def assert_says(self, response, *texts: str) -> None:
        """Assert that a page has texts, as they stand in its source."""
        self.assertEqual(200, response.status_code)
        page = response.content.decode()
        self.assertEqual([], [text for text in texts if text not in page])


def _function(answer: object, gaps: tuple[CloudError, ...]):
    def function(*arguments: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        for argument in arguments:
            if callable(argument):
                for gap in gaps:
                    argument(gap)
        return answer

    return function
