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

"""Rounds against a placement service in memory: what is written, counted, and left alone."""

import contextlib
import threading

from tests.unit.placement_sync.cases import EngineTestCase
from tests.unit.placement_sync.fleet import (
    LIVE,
    MANAGED,
    MLX5,
    NO,
    NOT_LIVE,
    UNTAGGED,
    YES,
    facts,
    host,
    of_nova,
    provider,
    root,
    vf,
)


class TestRounds(EngineTestCase):
    def test_the_first_round_writes_and_the_second_does_not(self):
        self.serve(root("compute1", "CUSTOM_BLUE"), of_nova(LIVE), root("compute2", LIVE, MLX5))
        hosts = host("compute1", YES), host("compute2", UNTAGGED, NO)
        first = self.round(*hosts)
        self.assertEqual((2, 0, 3, 3), (first.writes, first.wrong, first.right, first.providers))
        self.assertEqual({"CUSTOM_BLUE", LIVE}, self.placement.of("compute1"))
        self.assertEqual({NOT_LIVE, MLX5}, self.placement.of("compute2"))
        second = self.round(*hosts)
        self.assertTrue(second.is_complete and second.plan.is_empty)
        self.assertEqual([], self.writes)

    def test_a_dry_run_writes_nothing_and_says_what_is_wrong(self):
        self.serve(root())
        result = self.round(host("compute1", YES), dry_run=True)
        self.assertEqual((1, 0, True), (result.wrong, result.writes, result.is_complete))
        self.assertEqual(1, len(result.plan.steps))
        self.assertEqual([], self.writes)
        self.assertEqual(result.plan, self.engine.plan([host("compute1", YES)]))

    def test_requests_do_not_grow_with_unchanged_providers(self):
        counts = set()
        for size in (2, 50):
            names = [f"compute{number}" for number in range(size)]
            self.serve(
                *(each for name in names for each in (root(name, LIVE), of_nova(LIVE, host=name)))
            )
            self.round(*(host(name, YES) for name in names))
            counts.add(len(self.placement.requests))
        (count,) = counts
        self.assertLessEqual(count, 10)

    def test_one_host_looks_at_its_own_tree_only(self):
        self.serve(root("compute1"), root("compute2"))
        self.round(host("compute1", YES))
        self.assertEqual(
            ({LIVE}, set()), (self.placement.of("compute1"), self.placement.of("compute2"))
        )
        self.assertLessEqual(len(self.placement.requests), 12)

    def test_no_host_asks_nothing(self):
        self.serve(root())
        self.assertTrue(self.round().is_complete)
        self.assertEqual([], self.placement.requests)

    def test_nova_s_providers_are_counted_and_never_written(self):
        self.serve(root("compute1", LIVE), of_nova())
        result = self.round(host("compute1", YES))
        self.assertEqual((2, 1, 1), (result.providers, result.right, result.wrong))
        self.assertEqual([], self.writes)

    def test_resource_classes_are_asked_for_where_they_decide(self):
        before_34 = provider(
            "compute1_0000:81:00.0", "compute1", MANAGED, classes=["CUSTOM_PCI_15B3_101E"]
        )
        self.serve(root(), before_34)
        self.round(host("compute1", NO, YES))
        self.assertIn("GET /allocation_candidates", self.placement.requests)
        self.assertEqual({LIVE}, self.placement.of("compute1"))

    def test_facts_bring_driver_traits_and_take_old_ones(self):
        self.serve(root("compute1", "CUSTOM_VFIO_DRIVER_OLD"))
        self.round(host("compute1", YES, facts=facts(vf())))
        self.assertEqual({LIVE, MLX5}, self.placement.of("compute1"))

    def test_news_are_told_once(self):
        self.serve(root("compute1", LIVE), of_nova())
        self.assertEqual(1, len(self.round(host("compute1", YES)).news))
        again = self.round(host("compute1", YES))
        self.assertEqual((0, 1), (len(again.news), len(again.findings)))


class TestTrouble(EngineTestCase):
    def test_placement_is_down(self):
        self.serve(root())
        self.placement.status = 503
        result = self.round(host("compute1", YES))
        self.assertFalse(result.is_complete)
        self.assertIn("503", str(result.errors[0]))
        self.placement.status = None
        self.assertTrue(self.round(host("compute1", YES)).is_complete)

    def test_it_goes_down_in_mid_apply_and_the_next_round_ends_the_work(self):
        names = [f"compute{number}" for number in range(40)]
        self.serve(*map(root, names))
        hosts = [host(name, YES) for name in names]
        lock, puts = threading.Lock(), []

        def fall(uuid):
            with lock:
                puts.append(uuid)
                if len(puts) == 10:
                    self.placement.status = 500

        self.placement.before_put = fall
        result = self.round(*hosts)
        self.assertFalse(result.is_complete)
        self.assertLess(len(puts), len(names))
        self.assertGreaterEqual(len(result.errors), 1)
        self.placement.status = None
        self.assertTrue(self.round(*hosts).is_complete)
        self.assertTrue(all(self.placement.of(name) == {LIVE} for name in names))

    def test_a_provider_that_is_deleted_in_mid_plan_is_dropped(self):
        self.serve(root("compute1"), root("compute2"))
        self.placement.before_put = lambda uuid: self.placement.traits.pop("uuid-compute2", None)
        result = self.round(host("compute1", YES), host("compute2", YES))
        self.assertTrue(result.is_complete, result.errors)
        self.assertEqual({LIVE}, self.placement.of("compute1"))

    def test_conflicts_are_counted_and_settled(self):
        self.serve(root())
        colours = iter(["CUSTOM_RED"])
        self.placement.before_put = lambda uuid: [
            self.placement.write(uuid, add=[colour]) for colour in colours
        ]
        result = self.round(host("compute1", YES))
        self.assertEqual((1, 1, True), (result.conflicts, result.writes, result.is_complete))
        self.assertEqual({LIVE, "CUSTOM_RED"}, self.placement.of("compute1"))

    def test_what_may_not_be_written_is_left_and_the_round_is_not_complete(self):
        self.serve(root("compute1"), root("compute2"))
        result = self.round(
            host("compute1", YES),
            host("compute2", YES),
            writing=lambda name: contextlib.nullcontext(name == "compute2"),
        )
        self.assertFalse(result.is_complete)
        self.assertEqual((), result.errors)
        self.assertEqual((1, 1), (result.writes, result.wrong))
        self.assertEqual(
            (set(), {LIVE}), (self.placement.of("compute1"), self.placement.of("compute2"))
        )
