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

"""What a line says of a server, and what is said of those without a line."""

import testtools

from osc_vfio_lm.migration import survey_table
from tests.unit.preflight.scenario import alias, destination, facts, service
from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight import Survey, Verdict
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


def row(is_long=False, **changes):
    """Return verdict, ready destinations and detail of a server."""
    report = examine(facts(**changes), installed_checks())
    return survey_table.row(report, is_long=is_long)[3:]


def survey(others, others_are_known=True):
    return Survey(iter(()), count=0, others=others, others_are_known=others_are_known)


class TestRow(testtools.TestCase):
    def test_a_ready_server(self):
        self.assertEqual(("ready", 1, ""), row())

    def test_what_blocks_a_server_by_itself_is_named_and_nothing_else(self):
        changes = {
            "server": {"vm_state": "stopped", "status": "SHUTOFF"},
            "aliases": {"vf": alias(LiveMigratable.NO)},
            "destinations": (destination(service=service("compute2", is_up=False)),),
        }
        verdict, ready, detail = row(**changes)
        self.assertEqual(("blocked", 0), (verdict, ready))
        self.assertEqual({"server-state", "alias-live-migratable"}, set(detail.split("; ")))
        _, _, detail = row(is_long=True, **changes)
        self.assertIn("server-state: the server is SHUTOFF; only ACTIVE and PAUSED", detail)

    def test_where_every_host_is_refused_the_checks_are_counted(self):
        down = [
            destination(f"compute{number}", service=service(f"compute{number}", is_up=False))
            for number in (2, 3)
        ]
        full = destination("compute4", candidates=())
        verdict, ready, detail = row(destinations=(*down, full))
        self.assertEqual(("blocked", 0), (verdict, ready))
        self.assertTrue(detail.startswith("destination-service (2 of 3 hosts)"), detail)
        self.assertIn("destination-capacity (1 of 3 hosts)", detail)

    def test_a_cloud_of_one_host(self):
        self.assertEqual(("blocked", 0, "no other host has a nova-compute"), row(destinations=()))

    def test_an_unknown_one_is_told_by_what_decides(self):
        self.assertEqual(("unknown", 1, "alias-live-migratable"), row(aliases=None))


class TestAround(testtools.TestCase):
    def test_the_sum_names_the_worst_first(self):
        verdicts = {Verdict.READY: 5, Verdict.BLOCKED: 2}
        self.assertEqual("7 server(s) checked: 2 blocked, 5 ready", survey_table.headline(verdicts))
        self.assertEqual("0 server(s) checked", survey_table.headline({}))

    def test_servers_without_devices_are_counted_as_far_as_that_is_known(self):
        self.assertEqual([], list(survey_table.others(survey(0, False))))
        (known,) = survey_table.others(survey(3))
        self.assertIn("3 other server(s) hold no PCI device by an alias or a port", known)
        (unknown,) = survey_table.others(survey(3, False))
        self.assertIn("neutron does not tell", unknown)

    def test_a_hint_is_given_where_something_is_to_be_done(self):
        self.assertEqual([], list(survey_table.hint({Verdict.READY: 1})))
        self.assertEqual(1, len(list(survey_table.hint({Verdict.UNKNOWN: 1}))))
