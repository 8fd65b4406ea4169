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

"""Who keeps changing our writes back is noticed, remembered and, in time, forgotten."""

from placement_sync.engine.finding import Kind
from placement_sync.engine.round import Engine
from tests.unit.placement_sync.cases import EngineTestCase
from tests.unit.placement_sync.fleet import LIVE, NO, NOT_LIVE, UNTAGGED, YES, host, provider, root


class TestContest(EngineTestCase):
    def revert(self):
        self.placement.write("uuid-compute1", remove=[LIVE])

    def until_contested(self):
        """Let somebody change our write back twice."""
        self.serve(root("compute1", "CUSTOM_BLUE"))
        for _ in range(2):
            self.assertEqual(1, self.round(host("compute1", YES)).writes)
            self.revert()
        return self.round(host("compute1", YES))

    def test_after_two_reverts_the_provider_is_left_alone(self):
        result = self.until_contested()
        self.assertEqual((0, 1, 0), (result.writes, result.contested, result.wrong))
        self.assertEqual([Kind.CONTESTED], [found.kind for found in result.news])
        self.assertTrue(result.is_complete)
        self.assertEqual([], self.writes)

    def test_it_is_reported_once_and_stays_contested(self):
        self.until_contested()
        for _ in range(3):
            result = self.round(host("compute1", YES))
            self.assertEqual((0, 1, ()), (result.writes, result.contested, result.news))

    def test_another_configuration_ends_the_contest(self):
        self.until_contested()
        changed = host("compute1", YES, NO)
        result = self.round(changed)
        self.assertEqual((1, 0), (result.writes, result.contested))
        self.assertEqual({"CUSTOM_BLUE", LIVE, NOT_LIVE}, self.placement.of("compute1"))
        self.assertEqual(0, self.round(changed).writes)

    def test_one_revert_is_no_contest_and_foreign_traits_are_none(self):
        self.serve(root())
        self.round(host("compute1", YES))
        self.revert()
        self.round(host("compute1", YES))
        for colour in ("CUSTOM_A", "CUSTOM_B", "CUSTOM_C"):
            self.placement.write("uuid-compute1", add=[colour])
            result = self.round(host("compute1", YES))
            self.assertEqual((0, 0), (result.writes, result.contested))

    def test_what_others_put_back_counts_like_what_they_take_away(self):
        self.serve(root("compute1", LIVE))
        for _ in range(2):
            self.assertEqual(1, self.round(host("compute1", UNTAGGED)).writes)
            self.placement.write("uuid-compute1", add=[LIVE])
        self.assertEqual(1, self.round(host("compute1", UNTAGGED)).contested)

    def test_a_plan_and_a_dry_run_remember_nothing(self):
        self.serve(root())
        for _ in range(3):
            self.engine.plan([host("compute1", YES)])
            self.round(host("compute1", YES), dry_run=True)
        self.assertEqual(1, self.round(host("compute1", YES)).writes)

    def test_providers_below_the_root_that_nova_does_not_own_are_contested_alike(self):
        child = "compute1_switch_0000:81:00.0"
        self.serve(root("compute1", LIVE), provider(child, "compute1"))
        for _ in range(2):
            self.assertEqual(1, self.round(host("compute1", YES)).writes)
            self.placement.write(f"uuid-{child}", remove=[LIVE])
        (found,) = self.round(host("compute1", YES)).news
        self.assertEqual((Kind.CONTESTED, child), (found.kind, found.subject))

    def test_an_agent_that_starts_anew_learns_the_same(self):
        self.until_contested()
        self.engine = Engine(self.placement.adapter)
        self.assertEqual(1, self.round(host("compute1", YES)).writes)

    def test_a_host_that_was_gone_for_a_round_is_a_new_one(self):
        self.serve(root("compute1"), root("compute2", LIVE))
        for _ in range(2):
            self.round(host("compute1", YES))
            self.revert()
        self.round(host("compute2", YES))
        result = self.round(host("compute1", YES))
        self.assertEqual((1, 0), (result.writes, result.contested))

    def test_a_provider_stays_contested_while_it_happens_to_be_right(self):
        self.until_contested()
        self.placement.write("uuid-compute1", add=[LIVE])
        result = self.round(host("compute1", YES))
        self.assertEqual((1, 0), (result.contested, result.right))

    def test_all_that_was_written_counts_and_not_only_the_first_time(self):
        self.serve(root("compute1", LIVE))
        both = host("compute1", YES, NO)
        self.assertEqual(1, self.round(both).writes)
        for _ in range(3):
            self.revert()
            result = self.round(both)
        self.assertEqual((0, 1), (result.writes, result.contested))
