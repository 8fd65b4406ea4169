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

"""Every check of the catalogue is installed and can be loaded."""

import testtools

from vfio_lm.preflight import Scope
from vfio_lm.preflight.registry import installed_checks


class TestCatalogue(testtools.TestCase):
    def test_every_check_is_installed_and_can_be_loaded(self):
        checks = installed_checks()
        self.assertNotIn("Can the check be loaded?", {check.question for check in checks})
        names = {(check.id, check.scope) for check in checks}
        self.assertEqual(len(checks), len(names))
        self.assertLessEqual(25, len({check.id for check in checks}))

    def test_one_entry_may_hold_a_question_for_both_ends(self):
        scopes = {check.scope for check in installed_checks() if check.id == "host-drivers"}
        self.assertEqual({Scope.SOURCE, Scope.DESTINATION}, scopes)
