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

"""What is worked out once, and how long it is kept."""

from __future__ import annotations

import gc
import weakref

import testtools

from tests.unit.preflight.scenario import destination
from vfio_lm.preflight.memo import Memo


class TestMemo(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.memo = Memo()
        self.asked = []

    def work(self, *arguments):
        self.asked.append(arguments)
        return len(self.asked)

    def test_equal_values_are_worked_out_once(self):
        self.assertEqual(1, self.memo.of(self.work, frozenset({"a", "b"})))
        self.assertEqual(1, self.memo.of(self.work, frozenset({"b", "a"})))
        self.assertEqual(2, self.memo.of(self.work, frozenset({"a"})))

    def test_two_functions_of_the_same_values_are_two_results(self):
        self.assertEqual((3, 1), (self.memo.of(len, (1, 2, 3)), self.memo.of(min, (1, 2, 3))))

    def test_another_memo_knows_nothing(self):
        self.memo.of(self.work, 1)
        self.assertEqual(2, Memo().of(self.work, 1))

    def test_the_latest_is_only_that_of_the_very_same_arguments(self):
        one, two = destination(), destination()
        answers = [self.memo.latest(self.work, each) for each in (one, one, two, one)]
        self.assertEqual([1, 1, 2, 3], answers)

    def test_the_latest_of_one_of_two_arguments_is_not_enough(self):
        one, two, three = destination(), destination(), destination()
        answers = [self.memo.latest(self.work, one, each) for each in (two, three, two)]
        self.assertEqual([1, 2, 3], answers)

    def test_what_is_kept_about_an_object_goes_away_with_it(self):
        where, kept = destination(), destination()
        gone = weakref.ref(kept)
        self.memo.about(where)["key"] = kept
        self.assertIs(kept, self.memo.about(where)["key"])
        del where, kept
        gc.collect()
        self.assertIs(None, gone())
