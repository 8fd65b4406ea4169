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


"""What an aggregate means is in its metadata."""

import testtools

from vfio_lm.cloud.model import Aggregate


class TestAggregate(testtools.TestCase):
    def aggregate(self, **metadata):
        metadata = {key.replace("_", ":", 1): value for key, value in metadata.items()}
        return Aggregate(name="a", uuid="u", hosts=frozenset(), metadata=metadata)

    def test_it_makes_a_zone_where_it_names_one(self):
        self.assertIsNone(self.aggregate().zone)
        zone = Aggregate("a", "u", frozenset(), {"availability_zone": "zone1"}).zone
        self.assertEqual("zone1", zone)

    def test_only_traits_that_are_required_are(self):
        found = self.aggregate(trait_A="required", trait_B="forbidden", other="required")
        self.assertEqual({"A"}, found.required_traits)
