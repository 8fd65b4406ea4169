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

"""What a person reads of a report."""

from __future__ import annotations

import testtools

from osc_vfio_lm.migration import report_table
from tests.unit.preflight.scenario import destination, facts, pci_provider, service
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


class TestDestinations(testtools.TestCase):
    def test_an_unknown_number_of_devices_is_not_shown_as_none(self):
        (row,) = report_table.destinations(
            examine(facts(pci_in_placement=False), installed_checks())
        )
        self.assertEqual(("compute2", "unknown", "unknown"), row[:3])

    def test_those_with_the_same_answer_are_one_row(self):
        hosts = [
            destination(
                f"compute{number}",
                [pci_provider(f"compute{number}", 0, free=free)],
                service=service(f"compute{number}", is_up=is_up),
            )
            for number, free, is_up in ((2, 2, True), (3, 4, True), (4, 1, False), (5, 1, False))
        ]
        rows = report_table.destinations(
            examine(facts(destinations=tuple(hosts)), installed_checks())
        )
        self.assertEqual(
            [
                ("compute2, compute3", "ready", "2–4", ""),
                ("compute4, compute5", "blocked", 1, "destination-service: nova-compute is down"),
            ],
            list(rows),
        )

    def test_free_devices_are_counted(self):
        (row,) = report_table.destinations(examine(facts(), installed_checks()))
        self.assertEqual(("compute2", "ready", 2), row[:3])
