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

"""Only evidence stops a live migration."""

import dataclasses

import testtools

from tests.unit.migration.records import check_result, report
from vfio_lm.migration import GateDecision, Mode, decide
from vfio_lm.preflight import Status

_UNKNOWN = check_result("numa", Status.UNKNOWN)


class TestDecide(testtools.TestCase):
    def test_a_ready_server_goes_without_a_word(self):
        for mode in Mode:
            self.assertIs(GateDecision.GO, decide(mode, report()))

    def test_a_blocked_server_is_stopped_only_where_that_is_enforced(self):
        blocked = report(check_result("numa", Status.FAIL))
        self.assertIs(GateDecision.STOP, decide(Mode.ENFORCE, blocked))
        self.assertIs(GateDecision.TELL_AND_GO, decide(Mode.WARN, blocked))

    def test_what_is_not_known_is_for_nova_to_find_out_where_that_is_harmless(self):
        for mode in (Mode.ENFORCE, Mode.WARN):
            self.assertIs(GateDecision.TELL_AND_GO, decide(mode, report(_UNKNOWN)))
        harmful = report(dataclasses.replace(_UNKNOWN, may_end_in_error=True))
        self.assertIs(GateDecision.STOP, decide(Mode.ENFORCE, harmful))
        self.assertIs(GateDecision.TELL_AND_GO, decide(Mode.WARN, harmful))
