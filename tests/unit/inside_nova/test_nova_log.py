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

"""What nova logs is kept for the answer, and goes nowhere else."""

import logging

import fixtures
import testtools

from vfio_lm.inside_nova.nova_log import NovaLog


class TestNovaLog(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.elsewhere = self.useFixture(fixtures.FakeLogger())
        self.log = NovaLog()
        self.log.attach("nova_of_the_test")
        self.logger = logging.getLogger("nova_of_the_test.scheduler")

    def test_lines_are_taken_once(self):
        self.logger.debug("Filter %s objects\nto %s", "A", "b")
        self.assertEqual(["Filter A objects to b"], self.log.take())
        self.assertEqual([], self.log.take())
        self.assertEqual("", self.elsewhere.output)

    def test_what_is_said_again_and_again_is_kept_once_or_not_at_all(self):
        for _ in range(3):
            self.logger.debug("no")
            self.logger.debug('Acquiring lock "x" by "y"')
        self.assertEqual(["no"], self.log.take())

    def test_of_many_lines_the_last_are_kept(self):
        for number in range(100):
            self.logger.debug("line %d", number)
        lines = self.log.take()
        self.assertEqual("line 99", lines[-1])
        self.assertLess(len(lines), 100)
