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

"""Carrying out a plan: what real nova hardly does on demand, such as failing half-way."""

import dataclasses
from unittest import mock

import testtools

from tests.unit.clocks import StandingClock
from tests.unit.inventory.cloud import flavor, server
from vfio_lm.errors import CloudError
from vfio_lm.inventory.execute import UpgradeExecutor
from vfio_lm.inventory.upgrade import TAG, Action, UpgradeStep

OLD = flavor("old", "unspecified:1")
NEW = flavor("new", "yes:1")
BEFORE = server("vm", OLD)


def later(**changes):
    return dataclasses.replace(BEFORE, **changes)


class TestExecutor(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.nova = mock.Mock()
        clock = StandingClock().clock()
        self.executor = UpgradeExecutor(self.nova, lambda sentence: None, clock)

    def run_one(self, action, *states, before=BEFORE):
        """Run one step while the server passes through these states."""
        self.nova.server.side_effect = states
        self.executor.run([UpgradeStep(before, action, "", NEW)])

    def calls(self):
        return [name for name, _, _ in self.nova.method_calls if name != "server"]

    def test_the_tag_is_there_before_and_gone_after(self):
        self.run_one(
            Action.RESIZE,
            later(task_state="resize_prep"),
            later(status="RESIZE", task_state="resize_migrating"),
            later(status="VERIFY_RESIZE", flavor=NEW.flavor),
            later(status="VERIFY_RESIZE", flavor=NEW.flavor),
            later(flavor=NEW.flavor),
        )
        self.assertEqual(["add_tag", "resize", "confirm_resize", "delete_tag"], self.calls())
        self.nova.resize.assert_called_once_with(BEFORE.id, NEW.id)

    def test_confirmed_by_somebody_else_meanwhile(self):
        self.run_one(Action.RESIZE, later(flavor=NEW.flavor))
        self.assertEqual(["add_tag", "resize", "delete_tag"], self.calls())
        self.nova.reset_mock()
        self.run_one(
            Action.CONFIRM,
            later(flavor=NEW.flavor),
            before=later(status="VERIFY_RESIZE", flavor=NEW.flavor),
        )
        self.assertEqual(["delete_tag"], self.calls())

    def test_back_with_the_old_flavor_is_a_failure(self):
        error = self.assertRaises(CloudError, self.run_one, Action.RESIZE, later())
        self.assertIn("did not resize", str(error))
        self.assertEqual(["add_tag", "resize", "delete_tag"], self.calls())

    def test_a_server_in_error_is_a_failure_whatever_its_flavor(self):
        for of in (OLD, NEW):
            state = later(status="ERROR", flavor=of.flavor)
            self.nova.delete_tag.side_effect = CloudError("409")
            error = self.assertRaises(CloudError, self.run_one, Action.RESIZE, state)
            self.assertIn("ERROR", str(error))

    def test_an_error_after_the_confirmation_is_a_failure(self):
        verify = later(status="VERIFY_RESIZE", flavor=NEW.flavor)
        failed = later(status="ERROR", flavor=NEW.flavor)
        self.assertRaises(CloudError, self.run_one, Action.RESIZE, verify, failed)
        self.assertNotIn("delete_tag", self.calls())

    def test_a_request_that_nova_refuses_leaves_no_tag(self):
        self.nova.resize.side_effect = CloudError("400")
        self.assertRaises(CloudError, self.run_one, Action.RESIZE)
        self.nova.delete_tag.assert_called_once_with(BEFORE.id, TAG)

    def test_the_first_failure_ends_the_run(self):
        self.nova.server.side_effect = [later()]
        steps = [
            UpgradeStep(BEFORE, Action.RESIZE, "", NEW),
            UpgradeStep(BEFORE, Action.RESIZE, "", NEW),
        ]
        self.assertRaises(CloudError, self.executor.run, steps)
        self.nova.resize.assert_called_once_with(BEFORE.id, NEW.id)

    def test_what_is_not_executable_is_not_touched(self):
        self.run_one(Action.REATTACH)
        self.run_one(Action.NONE)
        self.assertEqual([], self.nova.method_calls)

    def test_one_step_at_a_time_without_waiting(self):
        self.executor.take_next(
            [
                UpgradeStep(server("a", NEW), Action.UNTAG, ""),
                UpgradeStep(server("b", OLD, status="RESIZE"), Action.CONFIRM, ""),
                UpgradeStep(BEFORE, Action.RESIZE, "", NEW),
            ]
        )
        self.assertEqual(["delete_tag"], self.calls())
