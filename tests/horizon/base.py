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
from openstack_dashboard.test import helpers

from horizon_panel import api
from vfio_lm.inventory import Device
from vfio_lm.placement import Provider

INDEX = "horizon:admin:vfio_live_migration:index"


def inventory_device(provider: Provider, host: str) -> Device:
    """Return the device of a provider."""
    return Device(provider=provider, host=host)


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

    def answer(self, **answers: object) -> None:
        """Let functions of ``api`` return something, or raise it if it is an error."""
        for name, answer in answers.items():
            patch = mock.patch.object(api, name, autospec=True)
            self.addCleanup(patch.stop)
            function = patch.start()
            if isinstance(answer, Exception):
                function.side_effect = answer
            else:
                function.return_value = answer

    def page(self, tab: str | None = None, params: Mapping[str, str] | None = None):
        """Get the index, with a tab open."""
        query = {"tab": f"vfio_live_migration__{tab}"} if tab else {}
        return self.client.get(reverse(INDEX), query | dict(params or {}))
