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

"""Which traits on a provider this project keeps."""

import testtools

from placement_sync.engine import traits
from tests.unit.placement_sync.fleet import LIVE, MANAGED, MLX5, NOT_LIVE, OWNER


class TestOurs(testtools.TestCase):
    def test_both_declarations_and_the_drivers_are_ours(self):
        for trait in (LIVE, NOT_LIVE, MLX5):
            self.assertTrue(traits.is_ours(trait), trait)

    def test_all_others_belong_to_somebody_else(self):
        others = {OWNER, MANAGED, "CUSTOM_BLUE", "CUSTOM_VFIO", f"CUSTOM_{LIVE}"}
        self.assertEqual({LIVE}, traits.ours({LIVE, *others}))
