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

"""What a finding says, and whether something is wrong."""

import dataclasses

import testtools

from placement_sync.engine.finding import AuditFinding, Kind


class TestAuditFinding(testtools.TestCase):
    def test_the_place_is_named_where_there_is_one(self):
        found = AuditFinding(Kind.EXTRA, "compute1", "has it", "restart")
        self.assertEqual("compute1: extra: has it; restart", str(found))
        placed = dataclasses.replace(found, where="compute1.conf:2")
        self.assertEqual("compute1: extra: has it; restart (compute1.conf:2)", str(placed))

    def test_what_is_not_known_or_could_be_better_is_no_drift(self):
        no_drift = {kind for kind in Kind if not kind.is_drift}
        self.assertEqual({Kind.UNDECIDED, Kind.ALIAS_WITHOUT_TRAIT}, no_drift)
