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

"""What the check of the stored request answers."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import ServerHistory
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import drift as drift_checks


class TestRequestDrift(CheckTestCase):
    check = drift_checks.request_drift

    def test_answers(self):
        self.assert_answers(Status.PASS)
        past = ServerHistory(has_resize_given_up=True)
        outcome = self.assert_answers(Status.UNKNOWN, facts(history=past), saying="ERROR")
        self.assertIn("--nova-says", outcome.remedy)
        self.assertTrue(drift_checks.request_drift.may_end_in_error)
