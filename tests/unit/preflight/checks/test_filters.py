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

"""What the check of the scheduler's filters answers."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import Aggregate
from vfio_lm.pci.scheduler_options import SchedulerOptions
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import filters as filter_checks

_OTHERS = Aggregate("others", "u", frozenset({"compute2"}), {"filter_tenant_id": "project2"})


class TestDestinationFilters(CheckTestCase):
    check = filter_checks.destination_filters

    def test_a_plain_server_passes(self):
        self.assert_answers(Status.PASS)

    def test_a_filter_that_is_on_refuses_and_one_that_may_be_on_may(self):
        name = "AggregateMultiTenancyIsolation"
        for enabled, status in (((name,), Status.FAIL), (None, Status.UNKNOWN), ((), Status.PASS)):
            known = facts(
                aggregates=(_OTHERS,), scheduler=SchedulerOptions(enabled_filters=enabled)
            )
            outcome = self.assert_answers(status, known)
            self.assertEqual(status is Status.UNKNOWN, "--nova-conf FILE" in outcome.remedy)

    def test_servers_of_other_projects_do_not_share_the_answer(self):
        keys = {
            self.check.depends_on(facts(server={"project_id": each})) for each in ("a", "b", "b")
        }
        self.assertEqual(2, len(keys))
