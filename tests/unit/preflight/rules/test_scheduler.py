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

"""Whether the scheduler may see devices that the query to placement does not find."""

from __future__ import annotations

import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import MARKED, VF, destination, facts, pci_provider
from vfio_lm.cloud.model.candidate_query import nova_query, pci_group
from vfio_lm.preflight.rules.scheduler import HostRefusal, scheduler_may_look_elsewhere


class TestSchedulerMayLookElsewhere(testtools.TestCase):
    def may(self, *providers, traits=frozenset(), **changes):
        groups = [pci_group(0, VF, frozenset(traits))] if traits is not None else ()
        query = nova_query({}, scenario.PLAIN, groups, requires_owner=True)
        where = destination(providers=providers)
        known = facts(destinations=(where,), query=query, **changes)
        return scheduler_may_look_elsewhere(known, where)

    def test_a_nova_conf_settles_it(self):
        for value in (True, False):
            self.assertFalse(self.may(pci_in_placement=value))

    def test_a_host_that_reports_no_devices_may_have_some(self):
        self.assertTrue(self.may(pci_in_placement=None))
        free = pci_provider("compute2", 0, MARKED)
        self.assertFalse(self.may(free, pci_in_placement=None))

    def test_resource_trackers_ignore_the_traits_of_an_alias(self):
        free = pci_provider("compute2", 0, MARKED)
        self.assertTrue(self.may(free, traits={"CUSTOM_FAST"}, pci_in_placement=None))

    def test_without_devices_there_is_nothing_to_see(self):
        self.assertFalse(self.may(traits=None, pci_in_placement=None))


class TestHostRefusal(testtools.TestCase):
    def test_it_is_no_more_than_a_doubt_unless_said(self):
        self.assertFalse(HostRefusal("JsonFilter", "it goes by the hint query").is_certain)
