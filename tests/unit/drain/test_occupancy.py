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

"""Which servers are on a host, and which are about to leave it."""

from __future__ import annotations

from typing import Any

import testtools

from tests.unit.drain.doubles import SOURCE, Nova, server
from vfio_lm.drain.occupancy import Underway, occupancy


class TestOccupancy(testtools.TestCase):
    def test_a_live_migration_without_a_record_is_under_way(self) -> None:
        nova = Nova("a", "b")
        nova.found["a"] = server("a", task_state="migrating")
        client: Any = nova
        now = occupancy(client, SOURCE)
        self.assertEqual((Underway(nova.found["a"], "", after=0),), now.leaving)
        self.assertEqual((nova.found["b"],), now.staying)
