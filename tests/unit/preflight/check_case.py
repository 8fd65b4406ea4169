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

"""What tests of single checks share."""

from __future__ import annotations

import json

import testtools

from tests.unit.preflight.scenario import facts
from vfio_lm.preflight import Scope, Status


class CheckTestCase(testtools.TestCase):
    check = None

    def answer(self, known=None, where=None):
        known = known or facts()
        if self.check.scope is Scope.DESTINATION:
            return self.check.ask(known, where or known.destinations[0])
        return self.check.ask(known)

    def assert_answers(self, status, known=None, where=None, saying=""):
        outcome = self.answer(known, where)
        self.assertEqual((status, True), (outcome.status, saying in outcome.message), outcome)
        json.dumps(outcome.evidence, allow_nan=False)
        if status in (Status.FAIL, Status.WARN, Status.UNKNOWN):
            self.assertNotEqual("", outcome.remedy)
        return outcome
