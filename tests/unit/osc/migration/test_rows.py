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

"""What a row says of a server, and which rows the columns choose."""

import testtools

from osc_vfio_lm.migration import rows
from tests.unit.preflight.scenario import alias, destination, facts, service
from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


def row(is_long=False, **changes):
    """Return verdict, ready destinations and detail of a server."""
    (found,) = rows.SERVERS.rows(examine(facts(**changes), installed_checks()), is_long)
    return found[3:]


class TestServer(testtools.TestCase):
    def test_a_ready_server(self):
        self.assertEqual(("ready", 1, None), row())

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


class TestOthers(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.report = examine(facts(), installed_checks())

    def test_each_kind_of_row_has_its_columns(self):
        for kind in (rows.SERVERS, rows.DESTINATIONS, rows.CHECKS):
            for row in kind.rows(self.report, False):
                self.assertEqual(len(kind.columns), len(row))
                self.assertEqual((self.report.server_id, self.report.server_name), row[:2])

    def test_free_devices_that_are_not_known_have_no_number(self):
        report = examine(facts(pci_in_placement=False), installed_checks())
        (row,) = rows.DESTINATIONS.rows(report, False)
        self.assertEqual(("compute2", "unknown", None), row[2:5])

    def test_every_check_has_a_row(self):
        found = list(rows.CHECKS.rows(self.report, False))
        self.assertEqual(len(self.report.all_checks), len(found))


class TestKind(testtools.TestCase):
    def kind(self, *columns, is_long=False):
        kind = rows.kind_of(columns, is_long=is_long)
        return kind and kind.things

    def test_the_columns_choose_the_rows(self):
        self.assertEqual("servers", self.kind())
        self.assertEqual("servers", self.kind("verdict"))
        self.assertEqual("destinations", self.kind("Destination", "Verdict"))
        self.assertEqual("destinations", self.kind("free_devices"))
        self.assertEqual("checks", self.kind("Check", "Remedy"))
        self.assertIsNone(self.kind("Check", "Destination"))
        self.assertIsNone(self.kind("Colour"))

    def test_in_full_it_is_about_checks(self):
        self.assertEqual("checks", self.kind(is_long=True))
        self.assertEqual("checks", self.kind("Host", "Detail", is_long=True))
        self.assertEqual("servers", self.kind("Verdict", is_long=True))
