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

"""What options offer is what the library takes."""

import testtools

from osc_vfio_lm.alias import choices
from vfio_lm.pci import NovaRelease
from vfio_lm.pci.alias import DEVICE_TYPES, NUMA_POLICIES


class TestChoices(testtools.TestCase):
    def test_the_words_of_the_options_are_those_of_the_library(self):
        self.assertEqual(tuple(each.value for each in NovaRelease), choices.RELEASES)
        self.assertEqual(DEVICE_TYPES, choices.DEVICE_TYPES)
        self.assertEqual(NUMA_POLICIES, choices.NUMA_POLICIES)
