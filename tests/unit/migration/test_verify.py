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

"""What has to hold after a live migration, and what it is called where it does not."""

import dataclasses

import os_traits
import testtools

from tests.unit.inventory.cloud import flavor, server
from tests.unit.migration.records import migration
from vfio_lm.cloud.model import Provider
from vfio_lm.migration import verify, worst
from vfio_lm.migration.verify import Arrival, Holdings
from vfio_lm.preflight import Status

PCI = {os_traits.COMPUTE_MANAGED_PCI_DEVICE}
NOVA_34 = PCI | {os_traits.OWNER_NOVA}
YES = NOVA_34 | {os_traits.HW_PCI_LIVE_MIGRATABLE}


def provider(uuid, root, traits=frozenset()):
    return Provider(
        uuid=uuid,
        name=f"name of {uuid}",
        root_uuid=root,
        parent_uuid=None,
        traits=frozenset(traits),
    )


def holdings(*providers, root="root2", left=None):
    return Holdings(
        destination_root=root,
        allocations={each.uuid: {"X": 1} for each in providers},
        left_behind=left or {},
        providers={each.uuid: each for each in providers},
    )


ROOT = provider("root2", "root2")
GOOD = Arrival(
    server=dataclasses.replace(server("vm", flavor("m1", "yes:1")), host="compute2"),
    migration=migration(status="completed"),
    requested_host=None,
    wanted_devices=1,
    holdings=holdings(ROOT, provider("pf2", "root2", YES)),
)


class TestVerify(testtools.TestCase):
    def statuses(self, **changes):
        findings = verify(dataclasses.replace(GOOD, **changes))
        self.messages = {finding.id: finding.message for finding in findings}
        return {finding.id: finding.status for finding in findings}, worst(findings)

    def assert_only(self, id_, status, **changes):
        statuses, _ = self.statuses(**changes)
        others = {each for name, each in statuses.items() if name != id_}
        self.assertEqual(({Status.PASS}, status), (others, statuses[id_]))

    def test_all_is_well(self):
        statuses, sum_ = self.statuses()
        self.assertEqual(({Status.PASS}, Status.PASS), (set(statuses.values()), sum_))

    def test_the_record_has_to_be_completed(self):
        failed = migration(status="failed")
        self.assert_only("migration", Status.FAIL, migration=failed)

    def test_the_server_has_to_be_where_it_was_sent(self):
        self.assert_only("server", Status.FAIL, requested_host="compute3")
        back = dataclasses.replace(GOOD.server, host="compute1")
        self.assert_only("server", Status.FAIL, server=back)
        broken = dataclasses.replace(GOOD.server, status="ERROR")
        self.assert_only("server", Status.FAIL, server=broken)

    def test_a_paused_server_stays_paused(self):
        paused = dataclasses.replace(GOOD.server, status="PAUSED")
        self.assert_only("server", Status.PASS, server=paused)

    def test_an_allocation_at_the_source_is_one_too_many(self):
        both = holdings(ROOT, provider("pf2", "root2", YES), provider("root1", "root1"))
        self.assert_only("allocations", Status.FAIL, holdings=both)
        self.assertIn("name of root1", self.messages["allocations"])
        left = dataclasses.replace(GOOD.holdings, left_behind={"root1": {"VCPU": 1}})
        self.assert_only("allocations", Status.FAIL, holdings=left)

    def test_shared_storage_is_a_tree_of_its_own(self):
        shared = provider("nfs", "nfs", {os_traits.MISC_SHARES_VIA_AGGREGATE})
        all_ = holdings(ROOT, provider("pf2", "root2", YES), shared)
        self.assert_only("allocations", Status.PASS, holdings=all_)

    def test_devices_without_the_trait_fail_where_nova_reports_it(self):
        unmarked = holdings(ROOT, provider("pf2", "root2", NOVA_34))
        self.assert_only("devices", Status.FAIL, holdings=unmarked)
        silent = holdings(ROOT, provider("pf2", "root2", PCI))
        self.assert_only("devices", Status.NOT_APPLICABLE, holdings=silent)

    def test_the_number_of_devices_has_to_be_that_of_the_flavor(self):
        self.assert_only("devices", Status.FAIL, wanted_devices=2)

    def test_devices_that_placement_does_not_know_are_not_asked_for(self):
        statuses, sum_ = self.statuses(holdings=holdings(ROOT))
        self.assertIs(Status.NOT_APPLICABLE, statuses["devices"])
        self.assertIs(Status.PASS, sum_)

    def test_without_placement_nothing_is_claimed(self):
        statuses, sum_ = self.statuses(holdings=None, reason="403")
        self.assertEqual(Status.UNKNOWN, statuses["allocations"])
        self.assertIn("403", self.messages["devices"])
        self.assertIs(Status.UNKNOWN, sum_)

    def test_a_failure_weighs_more_than_an_open_question(self):
        _, sum_ = self.statuses(holdings=None, migration=migration(status="failed"))
        self.assertIs(Status.FAIL, sum_)
