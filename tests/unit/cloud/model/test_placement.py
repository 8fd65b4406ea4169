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

"""What names and traits of a provider tell."""

import testtools

from vfio_lm.cloud.model import Marking, Provider, pci_provider_name

_PCI = "COMPUTE_MANAGED_PCI_DEVICE"
_MARK = "HW_PCI_LIVE_MIGRATABLE"


def provider(*traits: str, name: str = "") -> Provider:
    return Provider(uuid="u", name=name, root_uuid="r", parent_uuid="r", traits=frozenset(traits))


class TestNames(testtools.TestCase):
    def test_host_and_address_are_in_the_name_that_nova_gives(self):
        made = provider(name=pci_provider_name("rack_1.example", "0000:81:00.1"))
        self.assertEqual(("rack_1.example", "0000:81:00.1"), (made.root_name, made.pci_address))

    def test_another_name_has_neither(self):
        for name in ("compute1", "compute1_0000:81:00.8", "_0000:81:00.1"):
            other = provider(name=name)
            self.assertEqual((None, None), (other.root_name, other.pci_address), name)


class TestTraits(testtools.TestCase):
    def test_a_missing_mark_only_speaks_where_nova_would_set_it(self):
        self.assertIs(Marking.MARKED, provider(_PCI, _MARK).marking)
        self.assertIs(Marking.MARKED, provider(_PCI, _MARK, "OWNER_NOVA").marking)
        self.assertIs(Marking.NOT_MARKED, provider(_PCI, "OWNER_NOVA").marking)
        self.assertIs(Marking.UNKNOWN, provider(_PCI).marking)

    def test_nova_owns_what_nobody_else_claims(self):
        self.assertTrue(provider(_PCI).is_of_nova)
        self.assertTrue(provider(_PCI, "OWNER_NOVA").is_of_nova)
        self.assertFalse(provider(_PCI, "OWNER_CYBORG").is_of_nova)
