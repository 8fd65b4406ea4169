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
from tests.unit.preflight.scenario import facts
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


class TestDestinations(testtools.TestCase):
    def test_devices_that_nobody_knows_are_not_said_to_be_none(self):
        (row,) = report_table.destinations(
            examine(facts(pci_in_placement=False), installed_checks())
        )
        self.assertEqual(("compute2", "unknown", "unknown"), row[:3])

    def test_free_devices_are_counted(self):
        (row,) = report_table.destinations(examine(facts(), installed_checks()))
        self.assertEqual(("compute2", "ready", 2), row[:3])
