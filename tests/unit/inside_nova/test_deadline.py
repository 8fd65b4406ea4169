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

"""A deadline is over when its time is, and can be set again."""

import testtools

from vfio_lm.inside_nova.deadline import Deadline


class TestDeadline(testtools.TestCase):
    def test_without_a_limit_it_is_never_over(self):
        deadline = Deadline()
        self.assertFalse(deadline.is_over())
        deadline.set(-1)
        self.assertTrue(deadline.is_over())
        deadline.set(3600)
        self.assertFalse(deadline.is_over())
        deadline.set(None)
        self.assertFalse(deadline.is_over())
