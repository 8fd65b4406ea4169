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

"""Polling looks until there is an answer or the time is up, on whatever clock it is given."""

import testtools

from tests.unit.clocks import StandingClock
from vfio_lm.polling import poll


class TestPoll(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.standing = StandingClock()
        self.seen = []

    def poll(self, answer_after, **options):
        def look(seconds):
            self.seen.append(seconds)
            return "answer" if seconds >= answer_after else None

        return poll(look, every=2, clock=self.standing.clock(), **options)

    def test_an_answer_at_once_costs_no_time(self):
        self.assertEqual("answer", self.poll(0))
        self.assertEqual(([0], []), (self.seen, self.standing.naps))

    def test_it_looks_until_there_is_an_answer(self):
        self.assertEqual("answer", self.poll(5))
        self.assertEqual([0, 2, 4, 6], self.seen)

    def test_the_last_look_is_when_the_time_is_up(self):
        self.assertIsNone(self.poll(100, limit=3))
        self.assertEqual([0, 2, 4], self.seen)
        self.assertEqual("answer", self.poll(4, limit=4))

    def test_an_answer_may_be_false(self):
        self.assertIs(False, poll(lambda _: False, every=1, clock=self.standing.clock()))
