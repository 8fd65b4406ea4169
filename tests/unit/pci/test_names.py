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

"""Resource classes and traits get the names that nova gives them."""

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova.compute import pci_placement_translator

from tests.unit import strategies
from vfio_lm.pci import names


class TestAgainstNova(testtools.TestCase):
    @given(
        st.none() | strategies.RESOURCE_CLASSES | st.text(min_size=1, max_size=10),
        strategies.PCI_IDS,
        strategies.PCI_IDS,
    )
    def test_nova_names_the_same_resource_class(self, requested, vendor_id, product_id):
        self.assertEqual(
            pci_placement_translator.get_resource_class(requested, vendor_id, product_id),
            names.resource_class(requested, vendor_id, product_id),
        )

    @given(strategies.TRAITS | st.text(max_size=20))
    def test_nova_names_the_same_traits(self, text):
        self.assertEqual(pci_placement_translator.get_traits(text), names.traits(text))

    def test_a_trait_cannot_be_forbidden_in_an_alias(self):
        self.assertEqual(
            {"CUSTOM__HW_PCI_LIVE_MIGRATABLE"}, names.traits("!HW_PCI_LIVE_MIGRATABLE")
        )
