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
"""A kind of error is one line when it comes and one when it goes."""

import uuid

import fixtures
import testtools

from placement_sync.agent.error_log import ErrorLog, one_line
from vfio_lm.errors import CloudError, ConfigError


class TestErrorLog(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger("placement_sync", level=20))
        self.errors = ErrorLog()

    def lines(self):
        return self.log.output.splitlines()

    def test_what_changes_from_round_to_round_does_not_make_another_error(self):
        for text in (
            "placement answers 503 to GET /resource_providers/{}/traits",
            "nova cannot be reached: <connection at 0x{0.hex}>",
            "placement cannot be reached: no answer (Request-ID: req-{})",
        ):
            self.errors.say([CloudError(text.format(uuid.uuid4())) for _ in range(4)])
            self.errors.say([CloudError(text.format(uuid.uuid4()))])
        self.errors.say([])
        self.assertEqual(6, len(self.lines()), self.lines())

    def test_times_and_positions_in_an_answer_do_not_either(self):
        for seconds in ("0.87", "1", "59.99"):
            self.errors.say([CloudError(f"no answer within {seconds} s")])
        self.assertEqual(1, len(self.lines()))

    def test_another_status_is_another_error(self):
        self.errors.say([CloudError("placement answers 503")])
        self.errors.say([CloudError("placement answers 403")])
        self.assertEqual(
            ["placement answers 503", "placement answers 403", "No longer: placement answers 503"],
            self.lines(),
        )

    def test_files_are_told_apart_by_their_numbers(self):
        self.errors.say([ConfigError(f"compute{n}.conf", "", "", "is broken") for n in (1, 2)])
        self.assertEqual(2, len(self.lines()))

    def test_it_knows_what_the_round_before_had(self):
        error = KeyError("x")
        self.assertFalse(self.errors.knows(error))
        self.errors.say([error])
        self.assertTrue(self.errors.knows(KeyError("x")))
        self.errors.say([])
        self.assertFalse(self.errors.knows(error))

    def test_an_error_is_one_line(self):
        self.assertEqual("one two", one_line(CloudError("one\n   two")))
        self.assertEqual("TimeoutError", one_line(TimeoutError()))
