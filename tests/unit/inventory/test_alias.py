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


"""Who uses an alias: flavors now, and servers by the copy that they have of their flavor."""

import testtools

from tests.unit.inventory.cloud import flavor, server
from vfio_lm.inventory.alias import AliasUsage, alias_usage


class TestAliasUsage(testtools.TestCase):
    def test_flavors_and_servers_are_told_apart(self):
        small, large = flavor("small", "vf:1"), flavor("large", "vf:2,gpu:1,vf:1")
        # The flavor of this one has changed since, or is gone.
        old = server("old", flavor("small", "gone:1"))
        found = alias_usage([large, small, flavor("plain")], [server("a", small), old])
        self.assertEqual(
            {
                "vf": AliasUsage(("large", "small"), ("id-a",)),
                "gpu": AliasUsage(("large",)),
                "gone": AliasUsage((), ("id-old",)),
            },
            found,
        )

    def test_what_asks_in_a_wrong_way_uses_none(self):
        self.assertEqual({}, alias_usage([flavor("odd", "vf")], []))
