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

"""Consumers of PCI devices that nova does not know."""

import testtools

from vfio_lm.inventory.stray import Stray, strays

HELD = [
    ("compute1_0000:81:00.0", {"server": {"VF": 1}, "gone": {"VF": 2}}),
    ("compute2_0000:82:00.0", {"migration": {"VF": 1}, "gone": {"VF": 1}}),
]


class TestStrays(testtools.TestCase):
    def test_what_is_neither_a_server_nor_a_migration_is_one(self):
        self.assertEqual(
            (Stray("gone", {"compute1_0000:81:00.0": 2, "compute2_0000:82:00.0": 1}),),
            strays(HELD, {"server", "migration"}),
        )

    def test_where_all_are_known_there_is_none(self):
        self.assertEqual((), strays(HELD, {"server", "migration", "gone"}))
