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


"""Many small questions are asked a few at a time, and answered in their order."""

from __future__ import annotations

import threading

import testtools

from vfio_lm.cloud.parallel import in_parallel


class TestInParallel(testtools.TestCase):
    def test_answers_come_in_the_order_of_the_questions(self) -> None:
        told: list[int] = []
        found = in_parallel(lambda number: number * 2, range(20), tell=told.append)
        self.assertEqual(([n * 2 for n in range(20)], list(range(1, 21))), (found, told))

    def test_no_more_than_allowed_are_under_way(self) -> None:
        lock, both, under_way, most = threading.Lock(), threading.Barrier(2), 0, 0

        def ask(_: int) -> None:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
            both.wait(timeout=30)
            with lock:
                under_way -= 1

        in_parallel(ask, range(10), at_once=2)
        self.assertEqual(2, most)

    def test_the_first_error_ends_it(self) -> None:
        asked = []

        def ask(number: int) -> None:
            asked.append(number)
            raise ValueError(number)

        self.assertRaises(ValueError, in_parallel, ask, range(1000), at_once=2)
        self.assertLess(len(asked), 1000)

    def test_nothing_is_no_question(self) -> None:
        self.assertEqual([], in_parallel(lambda number: number, []))
