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
"""When an agent leaves its hosts to others, and when it takes them back."""

import testtools
from hypothesis import given
from hypothesis import strategies as st

from placement_sync.agent.ability import Ability


class TestAbility(testtools.TestCase):
    def unable(self, since=0):
        ability = Ability()
        for _ in range(3):
            ability.note_failure(since, 3)
        return ability

    def test_some_failures_in_a_row_make_it_unable(self):
        ability = Ability()
        for _ in range(2):
            ability.note_failure(0, 3)
            self.assertTrue(ability.is_able)
        ability.note_failure(0, 3)
        self.assertFalse(ability.is_able)

    def test_a_success_in_between_does_not(self):
        ability = Ability()
        for _ in range(10):
            ability.note_failure(0, 2)
            self.assertFalse(ability.note_success(0, 60))
        self.assertTrue(ability.is_able)

    def test_it_is_able_again_when_the_others_had_time_to_do_its_work(self):
        ability = self.unable(since=100)
        self.assertFalse(ability.note_success(159, 60))
        self.assertFalse(ability.is_able)
        self.assertTrue(ability.note_success(160, 60))
        self.assertTrue(ability.is_able)

    def test_failures_while_it_is_unable_do_not_keep_it_so(self):
        ability = self.unable(since=0)
        for now in range(1, 100):
            ability.note_failure(now, 3)
        self.assertTrue(ability.note_success(100, 60))

    @given(st.lists(st.booleans(), max_size=30), st.integers(1, 5))
    def test_it_is_unable_only_after_that_many_failures_in_a_row(self, rounds, most):
        ability = Ability()
        for is_good in rounds:
            if is_good:
                ability.note_success(0, 0)
            else:
                ability.note_failure(0, most)
        last = list(reversed(rounds))
        in_a_row = last.index(True) if True in last else len(last)
        self.assertEqual(in_a_row < most, ability.is_able)
