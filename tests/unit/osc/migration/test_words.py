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

"""What commands say about one live migration."""

from unittest import mock

import testtools

from osc_vfio_lm.migration import words
from tests.unit.migration.records import SERVER, action, failed, migration


def server():
    found = mock.Mock(id=SERVER)
    found.name = "web"
    return found


class TestFailure(testtools.TestCase):
    def failure(self, record, *events):
        nova = mock.Mock()
        nova.actions.return_value = (action(),)
        nova.action.return_value = action(*events)
        return "\n".join(words.failure(nova, server(), record, "req-1"))

    def test_the_step_that_failed_is_named_with_its_cause(self):
        said = self.failure(migration(), failed("Claim pci failed."))
        self.assertIn("Failed event: conductor_live_migrate_instance on controller", said)
        self.assertIn("Most likely cause, certain: the destination had no free device", said)
        self.assertIn(f"More: openstack vfio migration explain {SERVER}", said)

    def test_without_a_record_the_request_is_named(self):
        said = self.failure(None)
        self.assertIn("Nova has no record of it; look for req-1 in the logs of nova.", said)

    def test_a_cause_that_is_not_known_is_not_made_up(self):
        said = self.failure(migration(), failed("the moon is full"))
        self.assertIn("The cause is not known.", said)
