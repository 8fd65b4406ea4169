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

"""What the services of one cloud have to agree on, and what is said where they do not."""

import json

import testtools

from tests.unit.pci.lint.test_linter import service
from vfio_lm.pci.lint.linter import lint

_ALIAS = {"name": "cx6vf", "vendor_id": "15b3", "product_id": "101e", "device_type": "type-VF"}
_PF = {"vendor_id": "15b3", "product_id": "101d"}


class TestAliasesWithoutDevice(testtools.TestCase):
    def unmet(self, *specs, **alias):
        found = lint([service([json.dumps(_ALIAS | alias)], [json.dumps(each) for each in specs])])
        return [each.why for each in found if each.rule == "alias-without-device"]

    def test_the_pfs_id_means_no_vf_with_or_without_live_migratable(self):
        for asked in ({}, {"live_migratable": "yes"}):
            (why,) = self.unmet(_PF | asked, **asked)
            self.assertIn("'cx6vf' asks for 15b3:101e", why)
            self.assertIn("means 15b3:101d (nova.conf:2)", why)
            self.assertIn("the IDs that sysfs shows for the VF itself, not those of its PF", why)

    def test_a_spec_without_ids_may_mean_it(self):
        for spec in ({"address": "0000:81:00.*"}, {"vendor_id": "15b3"}, {"vendor_id": "*"}):
            self.assertEqual([], self.unmet(spec))

    def test_devices_for_neutron_are_for_no_alias(self):
        (why,) = self.unmet({"vendor_id": "15b3", "product_id": "101e", "physical_network": "p"})
        self.assertIn("devices with physical_network, which no alias gets", why)

    def test_a_spec_that_nova_refuses_may_mean_it_once_it_is_mended(self):
        self.assertEqual([], self.unmet(_PF, {"vendor_id": "15b3", "product_id": 101}))

    def test_without_any_spec_nothing_is_known(self):
        self.assertEqual([], self.unmet())

    def test_many_specs_are_counted_not_listed(self):
        specs = [_PF | {"product_id": f"20{n:02d}"} for n in range(50)]
        (why,) = self.unmet(*specs)
        self.assertIn("and 46 more", why)
