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

import testtools

from placement_sync.engine.finding import Kind
from placement_sync.engine.round import Engine
from tests.unit.placement_sync.fleet import (
    LIVE,
    MANAGED,
    MLX5,
    NO,
    NOT_LIVE,
    UNTAGGED,
    YES,
    Placement,
    facts,
    host,
    of_nova,
    provider,
    root,
    vf,
)


class EngineTestCase(testtools.TestCase):
    def serve(self, *providers):
        self.placement = Placement(*providers)
        self.addCleanup(self.placement.start().stop)
        self.engine = Engine(self.placement.adapter)

    def round(self, *hosts, **kwargs):
        """Make a round and return its result; the requests are those of this round alone."""
        self.placement.requests.clear()
        return self.engine.run_round(hosts, **kwargs)

    @property
    def writes(self):
        return [r for r in self.placement.requests if r.startswith("PUT /resource_providers")]


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
