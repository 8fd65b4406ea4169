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

"""An alias and its device specification fit together, and nova takes both."""

from __future__ import annotations

import dataclasses
import json

import os_traits
import testtools

from vfio_lm.pci import parse_aliases, parse_device_specs
from vfio_lm.pci.alias import AliasError
from vfio_lm.pci.compose import DeviceWish, compose
from vfio_lm.pci.release import NovaRelease

_TRAIT = os_traits.HW_PCI_LIVE_MIGRATABLE
_WISH = DeviceWish("vf", "type-VF", True, vendor_id="8086", product_id="1515")


class TestCompose(testtools.TestCase):
    def composed(self, release=NovaRelease.R2026_2, **changes):
        found = compose(dataclasses.replace(_WISH, **changes), release)
        return found, json.loads(found.alias.value), json.loads(found.tags)

    def test_the_alias_asks_for_what_the_specification_declares(self):
        found, alias, tags = self.composed()
        self.assertEqual(("yes", _TRAIT), (alias["live_migratable"], alias["traits"]))
        self.assertEqual({"live_migratable": "yes"}, tags)
        (spec,) = parse_device_specs([found.device_spec.value])
        self.assertEqual(("8086", "1515"), (spec.vendor_id, spec.product_id))
        self.assertFalse(found.needs_placement)

    def test_before_2026_2_the_specification_names_the_trait(self):
        _, _, tags = self.composed(NovaRelease.R2026_1, traits=("fast",))
        self.assertEqual(f"{_TRAIT},CUSTOM_FAST", tags["traits"])

    def test_devices_that_are_not_migratable_get_no_trait(self):
        _, alias, tags = self.composed(NovaRelease.R2026_1, live_migratable=False)
        self.assertEqual("no", alias["live_migratable"])
        self.assertNotIn("traits", alias | tags)

    def test_a_resource_class_takes_the_place_of_the_identifiers(self):
        found, alias, tags = self.composed(resource_class="nic")
        self.assertEqual("CUSTOM_NIC", alias["resource_class"])
        self.assertEqual("CUSTOM_NIC", tags["resource_class"])
        self.assertNotIn("vendor_id", alias)
        self.assertTrue(found.needs_placement)
        parse_aliases([found.alias.value], pci_in_placement=True)
        self.assertIn("pci_in_placement = true", found.lines)

    def test_without_identifiers_the_specification_is_for_the_reader_to_complete(self):
        found, _, _ = self.composed(resource_class="nic", vendor_id=None, product_id=None)
        self.assertIs(None, found.device_spec)
        (line,) = [each for each in found.lines if each.startswith("# add to the device_spec")]
        self.assertIn('"live_migratable": "yes"', line)

    def test_a_name_that_no_flavor_can_ask_for_is_refused(self):
        error = self.assertRaises(AliasError, self.composed, name="a:b")
        self.assertIn("no flavor can ask for an alias of this name", str(error))
