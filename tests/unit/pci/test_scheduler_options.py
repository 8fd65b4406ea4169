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

"""Options of the scheduler, held against nova's own defaults."""

from __future__ import annotations

import nova.conf
import testtools

from vfio_lm.pci.scheduler_options import (
    NO_OPTIONS,
    OPTS,
    SchedulerOptions,
    is_of_scheduler,
    scheduler_options,
)

_NOTHING = {opt.dest: None for opts in OPTS.values() for opt in opts}


class TestSchedulerOptions(testtools.TestCase):
    def test_a_filter_may_be_enabled_where_it_is_not_known(self):
        self.assertTrue(NO_OPTIONS.may_be_enabled("JsonFilter"))
        known = SchedulerOptions(enabled_filters=("ComputeFilter",))
        self.assertTrue(known.may_be_enabled("ComputeFilter"))
        self.assertFalse(known.may_be_enabled("JsonFilter"))


class TestIsOfScheduler(testtools.TestCase):
    def test_an_option_that_the_scheduler_alone_reads_tells(self):
        self.assertFalse(is_of_scheduler({"[pci]alias", "[filter_scheduler]pci_in_placement"}))
        self.assertTrue(is_of_scheduler({"[filter_scheduler]enabled_filters"}))
        self.assertTrue(is_of_scheduler({"[scheduler]max_placement_results"}))


class TestReadingOptions(testtools.TestCase):
    def test_every_option_is_one_of_novas(self):
        for group, opts in OPTS.items():
            where = nova.conf.CONF if group == "DEFAULT" else nova.conf.CONF[group]
            for opt in opts:
                self.assertIn(opt.dest, where)

    def test_defaults_of_the_scheduler_are_novas(self):
        known = scheduler_options(_NOTHING, is_complete=True)
        scheduler, filters = nova.conf.CONF.scheduler, nova.conf.CONF.filter_scheduler
        self.assertEqual(tuple(filters.enabled_filters), known.enabled_filters)
        self.assertEqual(filters.max_instances_per_host, known.max_instances_per_host)
        self.assertEqual(scheduler.max_placement_results, known.max_placement_results)
        self.assertEqual(
            (
                scheduler.enable_isolated_aggregate_filtering,
                scheduler.limit_tenants_to_placement_aggregate,
                scheduler.placement_aggregate_required_for_tenants,
                scheduler.image_metadata_prefilter,
                scheduler.query_placement_for_image_type_support,
                scheduler.query_placement_for_routed_network_aggregates,
            ),
            (
                known.isolates_aggregates,
                known.limits_projects,
                known.projects_need_aggregate,
                known.asks_for_image_metadata,
                known.asks_for_image_type,
                known.asks_for_routed_networks,
            ),
        )

    def test_what_the_file_of_another_service_does_not_say_stays_unknown(self):
        self.assertEqual(NO_OPTIONS, scheduler_options(_NOTHING, is_complete=False))
