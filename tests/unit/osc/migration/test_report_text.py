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

"""What a person reads of a report: first what to do, and all on one screen."""

from __future__ import annotations

import io
from unittest import mock

import fixtures
import testtools

from osc_vfio_lm.migration import report_text
from osc_vfio_lm.migration.check import CheckMigration
from tests.unit.preflight.scenario import (
    UNMARKED,
    alias,
    destination,
    facts,
    node,
    pci_provider,
    service,
)
from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight import Report
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks

HOSTS = [f"compute{number}" for number in range(2, 12)]

UNDECLARED = {
    host: destination(host, [pci_provider(host, 0, UNMARKED)], candidates=()) for host in HOSTS
}
OLD = {
    host: destination(host, node=node(host, hypervisor_version=6000000 + number))
    for number, host in enumerate(HOSTS)
}
DOWN = {host: destination(host, service=service(host, is_up=False)) for host in HOSTS}
FULL = {host: destination(host, [pci_provider(host, 0, free=0)], candidates=()) for host in HOSTS}


def report(*destinations, **changes) -> Report:
    return examine(facts(destinations=destinations, **changes), installed_checks())


#: Of a server with ten destinations.
REPORTS = {
    "ready": report(*(destination(host) for host in HOSTS)),
    "one ready": report(destination("compute2"), *list(UNDECLARED.values())[1:]),
    "none declared": report(*UNDECLARED.values()),
    "all down": report(*DOWN.values()),
    "each differs": report(
        *list(UNDECLARED.values())[:3],
        *list(OLD.values())[3:6],
        *list(DOWN.values())[6:8],
        *list(FULL.values())[8:],
    ),
    "alias and hosts": report(
        *UNDECLARED.values(), aliases={"vf": alias(LiveMigratable.UNSPECIFIED)}
    ),
    "no alias known": report(*(destination(host) for host in HOSTS), aliases=None),
    "not in placement": report(*(destination(host) for host in HOSTS), pci_in_placement=False),
}


def screen_of(shown: Report, *arguments: str) -> str:
    app = mock.Mock(stdout=io.StringIO(), stderr=io.StringIO())
    command = CheckMigration(app, None)
    with mock.patch("vfio_lm.preflight.check_with", return_value=shown):
        command.run(command.get_parser("check").parse_args([shown.server_name, *arguments]))
    return app.stdout.getvalue()


def rows_on(screen: str, columns: int = 80) -> int:
    """Return how many lines of a terminal it takes, which breaks what is longer."""
    return sum(max(1, -(-len(line) // columns)) for line in screen.splitlines())


class ReportTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable("COLUMNS", "80"))
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF"))


class TestScreen(ReportTestCase):
    def test_ten_destinations_take_less_than_forty_lines(self):
        for name, shown in REPORTS.items():
            screen = screen_of(shown)
            self.assertLess(rows_on(screen), 40, f"{name}:\n{screen}")

    def test_nothing_but_what_is_to_be_pasted_is_wider_than_the_terminal(self):
        for columns in (80, 120):
            self.useFixture(fixtures.EnvironmentVariable("COLUMNS", str(columns)))
            for name, shown in REPORTS.items():
                for line in screen_of(shown).splitlines():
                    if not line.startswith("      ") and len(line) > columns:
                        self.fail(f"{name}: {line}")

    def test_no_line_to_be_pasted_is_broken(self):
        screen = screen_of(REPORTS["none declared"])
        (line,) = (line for line in screen.splitlines() if "device_spec = " in line)
        self.assertTrue(line.endswith("}"), line)

    def test_no_sentence_is_shown_twice(self):
        for name, shown in REPORTS.items():
            said = [line for line in screen_of(shown).splitlines() if len(line) > 60]
            said = [line for line in said if not line.startswith(("+-", "      "))]
            self.assertEqual(sorted(set(said)), sorted(said), name)

    def test_what_to_do_comes_before_the_destinations(self):
        for name, title in (
            ("ready", "To migrate it:"),
            ("none declared", "What to do:"),
            ("no alias known", "Missing information:"),
        ):
            before, table, _ = screen_of(REPORTS[name]).partition("| Destination")
            self.assertIn(title, before)
            self.assertNotEqual("", table, name)

    def test_in_full_nothing_is_left_out(self):
        screen = screen_of(REPORTS["each differs"], "--long")
        self.assertNotIn("--long", screen)
        for host in HOSTS:
            self.assertIn(host, screen)


class TestActions(ReportTestCase):
    def test_the_command_of_a_ready_server_can_be_pasted(self):
        shown = REPORTS["ready"]
        *_, command = report_text.actions(shown)
        self.assertEqual(
            f"openstack vfio migration start --wait {shown.server_id}", command.strip()
        )

    def test_the_command_names_a_host_where_it_must(self):
        shown = report(destination("compute2"), DOWN["compute3"], OLD["compute4"])
        *_, command = report_text.actions(shown)
        named = f" --host {shown.host_to_name} " if shown.host_to_name else "--wait "
        self.assertIn(named, command)
