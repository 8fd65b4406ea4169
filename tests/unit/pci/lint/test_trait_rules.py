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

"""Names of traits are checked against those that nova may know, whatever os-traits is installed."""

import json

import testtools

from vfio_lm.pci.conf_text import DEVICE_SPEC, ConfText, Setting
from vfio_lm.pci.lint.linter import Service, lint


class TestMisspelt(testtools.TestCase):
    def hints(self, traits):
        value = json.dumps({"vendor_id": "8086", "product_id": "1515", "traits": traits})
        setting = Setting(DEVICE_SPEC, value, "nova.conf", 1)
        found = lint([Service("compute1", ConfText(("nova.conf",), (setting,)))])
        return [each.why for each in found if each.rule == "trait-misspelt"]

    def test_a_trait_that_an_older_os_traits_lacks_is_spelt_right(self):
        # os-traits 3.3.0, which tox -e lower installs
        self.assertEqual([], self.hints("HW_PCI_ONE_TIME_USE"))

    def test_a_name_close_to_it_is_not(self):
        (hint,) = self.hints("HW_PCI_ONE_TIMES_USE")
        self.assertIn("did you mean HW_PCI_ONE_TIME_USE?", hint)
