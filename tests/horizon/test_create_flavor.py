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
        self.patch(forms.ComputeClient, "of")
        self.patch(api, "projects", return_value=(("id-a", "<b>a</b>"), ("id-b", "b")))
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
        (_, new, specs, projects), _ = self.create.call_args
        self.assertEqual(("new", 512, True), (new.name, new.ram_mib, new.is_public))
        self.assertEqual((None, None, []), (new.id, new.description, projects))
        self.assertEqual({"pci_passthrough:alias": "vf:2", "group_policy": "isolate"}, specs)

    def test_the_flavor_is_what_is_asked_for(self) -> None:
        self.submit(
            flavor_id="42",
            description="for <b>us</b>",
            projects=["id-b"],
            properties=" hw:cpu_policy = dedicated\r\n\r\ntrait:CUSTOM_A=required",
        )
        (_, new, specs, projects), _ = self.create.call_args
        self.assertEqual(("42", "for <b>us</b>"), (new.id, new.description))
        self.assertEqual((False, ["id-b"]), (new.is_public, projects))
        self.assertEqual("dedicated", specs["hw:cpu_policy"])
        self.assertEqual("required", specs["trait:CUSTOM_A"])
        self.assertEqual("vf:2", specs["pci_passthrough:alias"])

    def test_properties_that_are_none_are_refused(self) -> None:
        for text in ("a", "=a", "a=1\na=2", "pci_passthrough:alias=vf:1"):
            response = self.submit(properties=text)
            self.assertEqual(200, response.status_code)
            self.assertIn("properties", response.context["form"].errors, text)
        self.create.assert_not_called()

    def test_a_project_that_is_not_there_is_refused(self) -> None:
        self.assertEqual(200, self.submit(projects=["id-c"]).status_code)
        self.create.assert_not_called()

    def test_without_a_list_of_projects_the_flavor_is_public_and_the_form_says_so(self) -> None:
        self.patch(api, "projects", side_effect=CloudError("keystone: <forbidden>"))
        self.assertContains(self.client.get(reverse(ADDRESS)), "keystone: &lt;forbidden&gt;")
        self.assertContains(self.submit(projects=["id-a"]), "keystone: &lt;forbidden&gt;")
        self.create.assert_not_called()
        self.submit()
        self.assertTrue(self.create.call_args[0][1].is_public)

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
