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

"""``openstack vfio migration check``: one server and many have the same shape."""

import csv
import io
import json
from unittest import mock

import fixtures
import testtools
import yaml
from osc_lib import exceptions

from osc_vfio_lm.migration.check import CheckMigration
from tests.unit.preflight.scenario import alias, facts
from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight import Survey
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


def report(name, live_migratable=LiveMigratable.YES):
    aliases = {"vf": alias(live_migratable)}
    known = facts(server={"id": f"id-{name}", "name": name}, aliases=aliases)
    return examine(known, installed_checks())


READY = report("b")
BLOCKED = report("a", LiveMigratable.NO)


class CheckTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF"))

    def run_command(self, *arguments, found=(READY,), others=0):
        """Return exit status and standard output; the servers are those that are found."""
        app = mock.Mock(stdout=io.StringIO(), stderr=io.StringIO())
        command = CheckMigration(app, None)
        survey = Survey(iter(found), count=len(found), others=others, others_are_known=True)
        names = [each.server_name for each in found] or ["--all"]
        with (
            mock.patch("vfio_lm.preflight.check_with", return_value=next(iter(found), None)),
            mock.patch("vfio_lm.preflight.check_servers", return_value=survey),
        ):
            parsed = command.get_parser("check").parse_args([*names, *arguments])
            status = command.run(parsed)
        self.said = app.stderr.getvalue()
        return status, app.stdout.getvalue()


class TestShape(CheckTestCase):
    def test_json_and_yaml_are_a_list_of_reports(self):
        for found in ((READY,), (READY, BLOCKED)):
            _, output = self.run_command("-f", "json", found=found)
            self.assertEqual([each.to_dict() for each in found], json.loads(output))
            _, output = self.run_command("-f", "yaml", found=found)
            self.assertEqual(
                json.loads(json.dumps([r.to_dict() for r in found])), yaml.safe_load(output)
            )

    def test_csv_has_a_row_for_each_server(self):
        for found, verdicts in (((READY,), ["ready"]), ((READY, BLOCKED), ["blocked", "ready"])):
            _, output = self.run_command("-f", "csv", found=found)
            rows = list(csv.DictReader(io.StringIO(output)))
            self.assertEqual(verdicts, [row["Verdict"] for row in rows])

    def test_csv_in_full_has_a_row_for_each_check_with_its_remedy(self):
        _, output = self.run_command("-f", "csv", "--long", found=(BLOCKED,))
        rows = {row["Check"]: row for row in csv.DictReader(io.StringIO(output))}
        self.assertEqual("fail", rows["alias-live-migratable"]["Status"])
        self.assertNotEqual("", rows["alias-live-migratable"]["Remedy"])

    def test_the_verdict_is_in_every_format(self):
        for found, verdicts in (((READY,), ["ready"]), ((READY, BLOCKED), ["blocked", "ready"])):
            _, output = self.run_command("-f", "value", "-c", "Verdict", found=found)
            self.assertEqual(verdicts, output.split())
            _, output = self.run_command("-f", "json", "-c", "verdict", found=found)
            self.assertEqual([{"Verdict": verdict} for verdict in verdicts], json.loads(output))
            _, output = self.run_command("-c", "Verdict", found=found)
            self.assertEqual(verdicts, [line.strip("| ") for line in output.splitlines()[3:-1]])

    def test_the_columns_of_the_screen_can_be_chosen_in_every_format(self):
        _, output = self.run_command("-f", "value", "-c", "Destination", "-c", "Free Devices")
        self.assertEqual("compute2 2\n", output)

    def test_columns_that_do_not_exist_are_refused_with_those_that_do(self):
        refused = self.assertRaises(exceptions.CommandError, self.run_command, "-c", "Colour")
        self.assertIn("Colour", str(refused))
        self.assertIn("of destinations: ID, Name, Destination", str(refused))


class TestStatus(CheckTestCase):
    def test_the_worst_verdict_counts(self):
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual(2, self.run_command(found=(BLOCKED,))[0])
        self.assertEqual(2, self.run_command(found=(READY, BLOCKED))[0])

    def test_no_server_is_told_with_what_was_passed_over(self):
        status, output = self.run_command(found=(), others=3)
        self.assertEqual(0, status)
        self.assertIn("No server was checked", output)
        self.assertIn("Not checked: 3 servers without PCI devices", output)
        status, output = self.run_command("-f", "json", found=(), others=3)
        self.assertEqual((0, []), (status, json.loads(output)))
        self.assertIn("Not checked: 3 servers", self.said)


class TestScreen(CheckTestCase):
    def test_one_server_has_a_report(self):
        _, output = self.run_command(found=(BLOCKED,))
        self.assertTrue(output.startswith("blocked: server a (id-a) cannot live migrate"), output)
        self.assertIn("What to do:", output)

    def test_many_have_a_line_each(self):
        _, output = self.run_command(found=(READY, BLOCKED))
        self.assertTrue(output.startswith("2 servers checked: 1 blocked, 1 ready"), output)
        self.assertIn("openstack vfio migration check SERVER", output)
