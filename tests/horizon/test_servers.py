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

"""The pages about one server, without a cloud."""

from __future__ import annotations

import dataclasses
from unittest import mock

from django.urls import reverse

from horizon_panel import instance_action, server_api
from horizon_panel.content.vfio_live_migration.server import forms
from tests.horizon.base import PanelTestCase
from tests.unit.migration import records
from tests.unit.preflight import scenario
from vfio_lm.cloud.model import Flavor
from vfio_lm.errors import CloudError, NotFoundError
from vfio_lm.migration import ArrivalCheck, explain
from vfio_lm.migration.explain import Attempt
from vfio_lm.pci.nova_word import Ending
from vfio_lm.preflight import Report, Status, Verdict
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks
from vfio_lm.preflight.wording.summary import obstacles

SERVER = scenario.facts().server
MARKUP = "<b>name</b>"
ESCAPED = "&lt;b&gt;name&lt;/b&gt;"


def report(**changes: object) -> Report:
    return examine(scenario.facts(**changes), installed_checks())


READY = report()
_PINNED = {"flavor": Flavor("f", 1, 512, 1, {"hw:cpu_policy": "dedicated"})}
PINNED = report(server=_PINNED)
#: Nova accepts the pinned server on compute2, and might choose compute3.
WITH_HOST = report(
    server=_PINNED,
    destinations=(scenario.destination(), scenario.destination("compute3")),
    nova=scenario.nova_says(
        scenario.nova_word(
            scenario.nova_destination(may_be_chosen=True),
            scenario.nova_destination("compute3", Ending.ERROR, may_be_chosen=True),
        )
    ),
)
BLOCKED = report(server={"status": "SHUTOFF", "vm_state": "stopped", "name": MARKUP})


def _begin(request: object, server_id: str, host: str | None) -> server_api.Begun:
    return server_api.Begun(7, "req-1", host)


class ServerPageTestCase(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stub(server=SERVER)

    def stub(self, **answers: object) -> None:
        """Let functions of ``server_api`` return something, be it, or raise it if an error."""
        for name, answer in answers.items():
            acts = isinstance(answer, Exception) or callable(answer)
            way = "side_effect" if acts else "return_value"
            patch = mock.patch.object(server_api, name, **{way: answer})
            self.addCleanup(patch.stop)
            patch.start()

    def address(self, name: str) -> str:
        return reverse(f"horizon:admin:vfio_live_migration:{name}", args=[SERVER.id])


class PreflightPageTest(ServerPageTestCase):
    def show(self, answer: object):
        self.stub(preflight=answer)
        response = self.client.get(self.address("preflight"))
        self.assertEqual(200, response.status_code)
        return response

    def test_a_ready_server_has_its_destinations_and_can_be_migrated(self) -> None:
        self.assertIs(Verdict.READY, READY.verdict)
        response = self.show(READY)
        rows = response.context["destinations_table"].get_rows()
        cells = [str(cell.value) for cell in rows[0]]
        self.assertEqual(["compute2", "Ready"], cells[:2])
        self.assertContains(response, self.address("migrate"))

    def test_where_nova_itself_was_asked_a_pinned_server_is_ready_and_a_host_is_named(self) -> None:
        self.assertIs(Verdict.UNKNOWN, PINNED.verdict)
        response = self.show(WITH_HOST)
        self.assertEqual("ready", response.context["verdict"])
        self.assertContains(response, "Nova itself was asked: nova.json")
        self.assertContains(response, "Choose compute2: nova might choose a host by itself")

    def test_a_blocked_server_has_what_is_in_the_way_with_its_remedy(self) -> None:
        response = self.show(BLOCKED)
        (point, *_) = obstacles(BLOCKED)
        self.assertContains(response, "alert-danger")
        self.assertContains(response, point.message, html=True)
        self.assertContains(response, point.remedy, html=True)

    def test_devices_that_nobody_knows_of_are_not_none(self) -> None:
        unknown = dataclasses.replace(
            READY,
            destinations=tuple(
                dataclasses.replace(
                    each,
                    devices=(),
                    checks=tuple(
                        dataclasses.replace(result, status=Status.UNKNOWN, is_decisive=True)
                        for result in each.checks
                    ),
                )
                for each in READY.destinations
            ),
        )
        rows = self.show(unknown).context["destinations_table"].get_rows()
        cells = [str(cell.value) for cell in rows[0]]
        self.assertEqual(["compute2", "Unknown", "-"], cells[:3])
        response = self.client.get(self.address("migrate"))
        self.assertContains(response, "compute2: Unknown<")

    def test_markup_in_names_is_text(self) -> None:
        response = self.show(dataclasses.replace(BLOCKED, source_host=MARKUP))
        self.assertNotContains(response, MARKUP)
        self.assertContains(response, ESCAPED)

    def test_no_script_or_style_stands_in_the_page_itself(self) -> None:
        content = self.show(BLOCKED).content.decode()
        page = content[content.index('id="content_body"') : content.index('id="footer"')]
        for inline in ("<script", "<style", " style=", " onclick="):
            self.assertNotIn(inline, page)

    def test_one_preflight_makes_a_page(self) -> None:
        self.show(READY)
        self.assertEqual(1, server_api.preflight.call_count)

    def test_a_service_that_does_not_answer_is_a_message_and_the_rest_is_shown(self) -> None:
        response = self.show(CloudError("placement cannot be reached: <refused>"))
        self.assertContains(response, "placement cannot be reached: &lt;refused&gt;")
        self.assertContains(response, SERVER.name)

    def test_the_report_is_there_as_json(self) -> None:
        self.stub(preflight=READY)
        self.assertEqual(READY.to_dict(), self.client.get(self.address("report")).json())

    def test_the_report_as_json_says_what_is_wrong(self) -> None:
        for error, status in ((NotFoundError("no such server"), 404), (CloudError("down"), 503)):
            self.stub(preflight=error)
            response = self.client.get(self.address("report"))
            self.assertEqual(
                (status, {"error": str(error)}), (response.status_code, response.json())
            )

    def test_no_server_has_an_address_with_markup(self) -> None:
        base = reverse("horizon:admin:vfio_live_migration:index")
        self.assertEqual(404, self.client.get(f"{base}servers/{MARKUP}/").status_code)


class RowActionTest(PanelTestCase):
    def test_the_action_is_added_to_the_instances_once(self) -> None:
        instance_action.add()
        actions = instance_action.AdminInstancesTable._meta.row_actions
        self.assertEqual(1, actions.count(instance_action.CheckLiveMigration))
        index = actions.index(instance_action.CheckLiveMigration)
        self.assertIs(instance_action.LiveMigrateInstance, actions[index - 1])


class MigrateFormTest(ServerPageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stub(hosts=("compute1", "compute2"), live_migrate=_begin)

    def show(self, answer: object):
        self.stub(preflight=answer)
        response = self.client.get(self.address("migrate"))
        self.assertEqual(200, response.status_code)
        return response

    def submit(self, answer: object, **data: str):
        self.stub(preflight=answer)
        return self.client.post(self.address("migrate"), {"host": "compute2"} | data)

    def test_a_ready_destination_is_chosen_and_nova_may_choose(self) -> None:
        field = self.show(READY).context["form"].fields["host"]
        self.assertEqual("compute2", field.initial)
        self.assertEqual(["", "compute2"], [value for value, _ in field.choices])

    def test_a_ready_server_is_migrated_and_its_progress_shown(self) -> None:
        response = self.submit(READY)
        expected = self.address("migration") + "?after=7&request=req-1&host=compute2"
        self.assertRedirects(response, expected, fetch_redirect_response=False)
        server_api.preflight.assert_called_once_with(mock.ANY, SERVER.id, host="compute2")
        server_api.live_migrate.assert_called_once_with(mock.ANY, SERVER.id, "compute2")

    def test_nova_chooses_where_no_host_is_named(self) -> None:
        self.submit(READY, host="")
        server_api.live_migrate.assert_called_once_with(mock.ANY, SERVER.id, None)

    def test_a_ready_host_is_named_where_nova_might_choose_another(self) -> None:
        response = self.submit(WITH_HOST, host="")
        server_api.live_migrate.assert_called_once_with(mock.ANY, SERVER.id, "compute2")
        self.assertIn("host=compute2", response["Location"])

    def test_what_might_end_in_error_is_not_handed_to_nova(self) -> None:
        self.assertContains(self.submit(PINNED), "into ERROR")
        server_api.live_migrate.assert_not_called()

    def test_a_blocked_server_is_not_migrated_and_the_form_says_why(self) -> None:
        response = self.submit(BLOCKED)
        self.assertContains(response, obstacles(BLOCKED)[0].message, html=False)
        self.assertIn("override", response.context["form"].fields)
        server_api.live_migrate.assert_not_called()

    def test_a_blocked_server_is_migrated_by_whom_the_policy_lets_override(self) -> None:
        self.submit(BLOCKED, override="on")
        server_api.live_migrate.assert_called_once_with(mock.ANY, SERVER.id, "compute2")

    def test_a_blocked_server_is_not_migrated_by_others(self) -> None:
        def check(actions, request, target=None):
            return actions != forms.OVERRIDE_POLICY

        with mock.patch.object(forms.policy, "check", check):
            response = self.submit(BLOCKED, override="on")
        self.assertEqual(200, response.status_code)
        self.assertNotIn("override", response.context["form"].fields)
        server_api.live_migrate.assert_not_called()

    def test_what_nova_refuses_is_shown_in_the_form(self) -> None:
        self.stub(live_migrate=CloudError("nova refuses: <busy>"))
        self.assertContains(self.submit(READY), "nova refuses: &lt;busy&gt;")

    def test_a_preflight_that_cannot_be_done_is_said_in_the_form(self) -> None:
        self.assertContains(self.show(CloudError("placement is down")), "placement is down")
        self.assertContains(self.submit(CloudError("placement is down")), "placement is down")
        server_api.live_migrate.assert_not_called()


class MigrationPageTest(ServerPageTestCase):
    def show(self, answer: object, **headers: str):
        self.stub(watch=answer)
        response = self.client.get(self.address("migration"), {"after": "x"}, headers=headers)
        self.assertEqual(200, response.status_code)
        return response

    def test_a_migration_in_progress_is_asked_for_again(self) -> None:
        running = records.migration(status="running")
        response = self.show(server_api.Watched(running, is_over=False))
        self.assertContains(response, "is in progress")
        self.assertNotContains(response, "data-vfio-over")

    def test_an_address_with_a_number_that_has_no_room_is_answered(self) -> None:
        self.stub(watch=server_api.Watched(records.migration(), is_over=True))
        response = self.client.get(self.address("migration"), {"after": "9" * 5000})
        self.assertEqual(200, response.status_code)
        self.assertEqual(0, server_api.watch.call_args.args[2])

    def test_a_script_gets_the_inner_part_alone(self) -> None:
        running = server_api.Watched(records.migration(status="running"), is_over=False)
        response = self.show(running, **{"X-Requested-With": "XMLHttpRequest"})
        self.assertContains(response, "is in progress")
        self.assertNotContains(response, "<html")

    def test_a_server_that_arrived_is_said_to_have_moved(self) -> None:
        done = server_api.Watched(
            records.migration(status="completed"),
            is_over=True,
            findings=(ArrivalCheck("server", Status.PASS, "the server is there"),),
        )
        response = self.show(done)
        self.assertContains(response, "The server has moved.")
        self.assertContains(response, "data-vfio-over")

    def test_what_could_not_be_verified_is_no_success(self) -> None:
        done = server_api.Watched(
            records.migration(status="completed"),
            is_over=True,
            findings=(ArrivalCheck("devices", Status.UNKNOWN, "placement could not be asked"),),
        )
        response = self.show(done)
        self.assertNotContains(response, "The server has moved.")
        self.assertContains(response, "placement could not be asked")

    def test_a_failure_comes_with_its_causes(self) -> None:
        attempt = Attempt(
            migration=records.migration(status="cancelled"),
            action=None,
            cancels=(records.action(name="live_migration_cancel"),),
        )
        failed = server_api.Watched(attempt.migration, is_over=True, explanation=explain(attempt))
        response = self.show(failed)
        self.assertContains(response, "The live migration failed.")
        self.assertContains(response, "somebody aborted it")

    def test_a_service_that_does_not_answer_is_asked_again(self) -> None:
        response = self.show(CloudError("nova cannot be reached"))
        self.assertContains(response, "nova cannot be reached")
        self.assertNotContains(response, "data-vfio-over")
