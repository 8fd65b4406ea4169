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
"""No correction declares devices that were not named."""

import json

import testtools

from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, Setting
from vfio_lm.pci.lint.caution import declares_too_much

YES = {"live_migratable": "yes"}
VENDOR = {"vendor_id": "15b3"}


def setting(value, name=DEVICE_SPEC):
    return Setting(name, value if isinstance(value, str) else json.dumps(value))


class TestDeclaresTooMuch(testtools.TestCase):
    def too_much(self, before, after):
        return declares_too_much(setting(before), setting(after))

    def test_all_devices_of_a_vendor_are_not_declared(self):
        for wide in (VENDOR, {}, VENDOR | {"product_id": "*"}, VENDOR | {"address": "*"}):
            self.assertTrue(self.too_much(wide, wide | YES), wide)

    def test_devices_that_are_named_are(self):
        for spec in (
            VENDOR | {"product_id": "101e"},
            VENDOR | {"address": "0000:81:00.*"},
            {"devname": "ens1f0"},
        ):
            self.assertFalse(self.too_much(spec, spec | YES), spec)

    def test_what_was_declared_before_stays(self):
        self.assertFalse(self.too_much(VENDOR | {"live_migratable": "true"}, VENDOR | YES))
        self.assertFalse(self.too_much(str(VENDOR | YES), VENDOR | YES))
        self.assertTrue(self.too_much(str(VENDOR), VENDOR | YES))

    def test_each_of_several_counts(self):
        named = VENDOR | {"product_id": "101e"}
        self.assertTrue(self.too_much([named, VENDOR], [named, VENDOR | YES]))
        self.assertFalse(self.too_much([named, VENDOR], [named | YES, VENDOR]))

    def test_other_changes_and_other_options_are_no_matter(self):
        self.assertFalse(self.too_much(VENDOR, VENDOR | {"managed": "no"}))
        alias = setting(YES, ALIAS)
        self.assertFalse(declares_too_much(alias, alias))
