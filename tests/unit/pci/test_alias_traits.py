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

"""What aliases mean for a flavor: the trait of the host, and the live migration of its servers."""

import testtools

from vfio_lm.pci import Alias, AliasRequest, AliasSpec, LiveMigratable
from vfio_lm.pci.alias_traits import Meaning, flavor_traits, meaning

_TRAIT = "HW_PCI_LIVE_MIGRATABLE"


def alias(name: str, value: LiveMigratable) -> Alias:
    spec = AliasSpec(vendor_id="8086", product_id="1515", live_migratable=value)
    return Alias(name=name, numa_policy="legacy", specs=(spec,))


ALIASES = {value.value: alias(value.value, value) for value in LiveMigratable}


class TestFlavorTraits(testtools.TestCase):
    def test_yes_requires_no_forbids_and_unspecified_asks_for_nothing(self):
        found = {name: dict(flavor_traits(alias)) for name, alias in ALIASES.items()}
        self.assertEqual(
            {"yes": {_TRAIT: "required"}, "no": {_TRAIT: "forbidden"}, "unspecified": {}}, found
        )


class TestMeaning(testtools.TestCase):
    def meaning(self, *names: str) -> Meaning:
        return meaning([AliasRequest(name, 1) for name in names], ALIASES)

    def test_aliases_that_agree(self):
        self.assertIs(Meaning.YES, self.meaning("yes", "yes"))
        self.assertIs(Meaning.NO, self.meaning("no"))
        self.assertIs(Meaning.UNSPECIFIED, self.meaning("unspecified"))

    def test_aliases_that_differ(self):
        for names in (("yes", "no"), ("yes", "unspecified"), ("unspecified", "no")):
            self.assertIs(Meaning.MIXED, self.meaning(*names), names)

    def test_one_unknown_alias_hides_the_meaning(self):
        self.assertIs(Meaning.ALIAS_UNKNOWN, self.meaning("yes", "gone"))
        self.assertIs(Meaning.ALIAS_UNKNOWN, meaning([AliasRequest("yes", 1)], None))
