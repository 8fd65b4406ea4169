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

"""The plan to drain a host, without a cloud."""

from __future__ import annotations

from unittest import mock

from django.urls import reverse

from horizon_panel import api
from tests.horizon.base import PanelTestCase
from vfio_lm.drain import Drain, HostDrain, Line, State
from vfio_lm.drain.solver import SolverError

MARKUP = "<b>name</b>"
REMEDY = "add a host:\n  openstack <b>"
LINES = (
    Line("id-1", MARKUP, State.CAN_LEAVE, order=1, destination="compute2", devices={"pf": 1}),
    Line(
        "id-2",
        "other",
        State.STAYS,
        reason="no destination is ready",
        remedy="add a host:\n  openstack <b>",
    ),
)


class DrainPageTest(PanelTestCase):
    def show(self, plan: object, host: str = "compute1"):
        way = "side_effect" if isinstance(plan, Exception) else "return_value"
        for owner, name, changes in (
            (api, "connection", {}),
            (HostDrain, "plan", {way: plan}),
        ):
            patch = mock.patch.object(owner, name, **changes)
            self.addCleanup(patch.stop)
            patch.start()
        response = self.client.get(reverse("horizon:admin:vfio_live_migration:drain", args=[host]))
        self.assertEqual(200, response.status_code)
        return response

    def test_the_servers_are_shown_in_their_order_with_the_commands(self) -> None:
        response = self.show(
            Drain("compute1", LINES, others=3, others_are_known=True, arriving=(), is_enabled=True)
        )
        self.assertContains(response, "openstack vfio migration start --wait --host compute2 id-1")
        self.assertContains(response, "openstack vfio host drain --execute compute1")
        self.assertContains(response, "no destination is ready")
        self.assertContains(response, "3 servers without devices")
        self.assertContains(response, "add a host:\n  openstack &lt;b&gt;</span>")

    def test_markup_in_names_is_text_and_what_is_not_known_is_said(self) -> None:
        plan = Drain(
            "x", LINES, others=1, others_are_known=False, arriving=(MARKUP,), is_enabled=False
        )
        response = self.show(plan, host="<b>host")
        self.assertContains(response, "neutron does not tell.")
        self.assertNotContains(response, MARKUP)
        self.assertNotContains(response, "<b>host")

    def test_a_solver_that_is_not_installed_is_a_message(self) -> None:
        response = self.show(SolverError("the solver is not installed: pip install it"))
        self.assertContains(response, "the solver is not installed")
