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
"""An agent that is alone; groups have tests of their own."""

import testtools

from placement_sync.agent.members import Alone, GroupView


class TestAlone(testtools.TestCase):
    def test_it_owns_and_writes_everything(self):
        alone = Alone()
        self.assertEqual(GroupView(members=1, is_member=True), alone.refresh(is_able=False))
        self.assertTrue(alone.owns("compute1"))
        with alone.writing("compute1") as may_write:
            self.assertTrue(may_write)
        self.assertTrue(alone.is_alive)
        self.assertEqual("", alone.trouble)
        alone.leave()
