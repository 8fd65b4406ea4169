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

"""Traits of others survive whatever happens between our look and our write."""

import contextlib

import testtools

from tests.unit.placement_sync.fleet import LIVE, NOT_LIVE, Placement, root
from vfio_lm.cloud.placement.write import ConflictError, TraitWriter
from vfio_lm.errors import CloudError, ForbiddenError, NotFoundError


class WriteTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.placement = Placement(root("compute1", "CUSTOM_BLUE"))
        self.addCleanup(self.placement.start().stop)
        self.writer = TraitWriter(self.placement.adapter)

    def change(self, **kwargs):
        return self.writer.change("uuid-compute1", lambda traits: traits | {LIVE}, **kwargs)

    @property
    def puts(self):
        return sum(
            request.startswith("PUT /resource_providers") for request in self.placement.requests
        )


class TestChange(WriteTestCase):
    def test_what_others_set_stays(self):
        written = self.change()
        self.assertEqual((True, 0), (written.has_changed, written.conflicts))
        self.assertEqual({"CUSTOM_BLUE", LIVE}, self.placement.of("compute1"))

    def test_what_is_right_already_is_not_written(self):
        self.change()
        self.assertFalse(self.change().has_changed)
        self.assertEqual(1, self.puts)

    def test_a_conflict_that_placement_sees_late_is_one_too(self):
        self.placement.conflict = 500
        self.test_a_trait_that_comes_in_between_is_kept()

    def test_a_trait_that_comes_in_between_is_kept(self):
        colours = iter(["CUSTOM_RED", "CUSTOM_GREEN"])

        def paint(uuid):
            with contextlib.suppress(StopIteration):
                self.placement.write(uuid, add=[next(colours)], remove=["CUSTOM_BLUE"])

        self.placement.before_put = paint
        written = self.change()
        self.assertEqual((True, 2), (written.has_changed, written.conflicts))
        self.assertEqual({"CUSTOM_RED", "CUSTOM_GREEN", LIVE}, self.placement.of("compute1"))

    def test_somebody_else_may_do_it_for_us(self):
        self.placement.before_put = lambda uuid: self.placement.write(uuid, add=[LIVE])
        written = self.change()
        self.assertEqual((False, 1), (written.has_changed, written.conflicts))

    def test_it_gives_up_where_others_never_rest(self):
        numbers = iter(range(1000))
        self.placement.before_put = lambda uuid: self.placement.write(
            uuid, add=[f"CUSTOM_{next(numbers)}"]
        )
        error = self.assertRaises(ConflictError, self.change)
        self.assertEqual(self.puts, error.conflicts)
        self.assertNotIn(LIVE, self.placement.of("compute1"))

    def test_nothing_is_written_without_leave(self):
        entered = []

        @contextlib.contextmanager
        def writing():
            entered.append(self.puts)
            yield len(entered) > 1
            entered.append(self.puts)

        written = self.change(writing=writing)
        self.assertEqual((False, False), (written.has_changed, written.was_allowed))
        self.assertEqual(0, self.puts)
        self.assertTrue(self.change(writing=writing).has_changed)
        # It is entered before the write and left after it.
        self.assertEqual([0, 0, 0, 1], entered)

    def test_an_error_of_the_lock_is_no_lost_race(self):
        class LockError(Exception):
            pass

        @contextlib.contextmanager
        def writing():
            raise LockError
            yield

        self.assertRaises(LockError, self.change, writing=writing)
        self.assertEqual(0, self.puts)

    def test_a_provider_that_goes_away(self):
        self.placement.before_put = lambda uuid: self.placement.traits.pop(uuid)
        self.assertRaises(NotFoundError, self.change)
        self.assertRaises(NotFoundError, self.change)

    def test_refusals(self):
        for status, kind in ((403, ForbiddenError), (500, CloudError), (503, CloudError)):
            self.placement.status = status
            error = self.assertRaises(kind, self.change)
            self.assertIn("placement", str(error))

    def test_an_unknown_trait_has_to_be_created_first(self):
        wanted = frozenset({NOT_LIVE})
        self.assertRaises(CloudError, self.writer.change, "uuid-compute1", lambda _: wanted)
        self.writer.create_trait(NOT_LIVE)
        self.writer.change("uuid-compute1", lambda _: wanted)
        self.assertEqual({NOT_LIVE}, self.placement.of("compute1"))
