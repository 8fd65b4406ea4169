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

"""The form that creates a flavor, without a cloud."""

from __future__ import annotations

from unittest import mock

from django.urls import reverse

from horizon_panel import api
from horizon_panel.content.vfio_live_migration.flavor import forms
from tests.horizon.base import PanelTestCase
from tests.unit.preflight import scenario
from vfio_lm.errors import CloudError
from vfio_lm.pci import LiveMigratable

ADDRESS = "horizon:admin:vfio_live_migration:create_flavor"
SIZE = {"count": 2, "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0}


class CreateFlavorTest(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        conf = mock.Mock(aliases={"vf": scenario.alias(LiveMigratable.YES)})
        self.patch(api, "nova_conf", return_value=conf)
        self.patch(api, "connection")
        self.create = self.patch(forms, "create_flavor")

    def patch(self, module: object, name: str, **changes: object):
        patch = mock.patch.object(module, name, **changes)
        self.addCleanup(patch.stop)
        return patch.start()

    def submit(self, **data: object):
        return self.client.post(reverse(ADDRESS), SIZE | {"name": "new", "alias": "vf"} | data)

    def test_the_alias_of_the_row_is_chosen(self) -> None:
        form = self.client.get(reverse(ADDRESS), {"alias": "vf"}).context["form"]
        self.assertEqual([("vf", "vf")], form.fields["alias"].choices)
        self.assertEqual("vf", form.initial["alias"])

    def test_the_flavor_asks_for_the_devices(self) -> None:
        self.assertEqual(302, self.submit(group_policy="isolate").status_code)
        (_, new, specs), _ = self.create.call_args
        self.assertEqual(("new", 512), (new.name, new.ram_mib))
        self.assertEqual({"pci_passthrough:alias": "vf:2", "group_policy": "isolate"}, specs)

    def test_an_alias_that_is_not_defined_is_refused(self) -> None:
        self.assertEqual(200, self.submit(alias="<b>other</b>").status_code)
        self.create.assert_not_called()

    def test_without_nova_conf_any_alias_is_taken_and_the_form_says_so(self) -> None:
        self.patch(api, "nova_conf", return_value=None)
        self.assertContains(self.client.get(reverse(ADDRESS)), "VFIO_LM_NOVA_CONF")
        self.submit(alias="other")
        self.assertEqual("other:2", self.create.call_args[0][2]["pci_passthrough:alias"])

    def test_what_nova_refuses_is_shown_in_the_form(self) -> None:
        self.create.side_effect = CloudError("flavor <new> exists")
        self.assertContains(self.submit(), "flavor &lt;new&gt; exists")
