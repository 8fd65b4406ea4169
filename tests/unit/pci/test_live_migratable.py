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

"""The three values of the tag, read as nova reads it."""

from __future__ import annotations

import json

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova import exception
from nova.pci import devspec

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from vfio_lm.pci import LiveMigratable


class TestParse(testtools.TestCase):
    def test_an_absent_tag_is_a_value_of_its_own(self):
        self.assertIs(LiveMigratable.UNSPECIFIED, LiveMigratable.parse(None))

    @given(st.sampled_from(["yes", "No", "TRUE", "off", "1", "0", " t ", "maybe", ""]) | st.text())
    def test_words_mean_what_they_mean_to_nova(self, word):
        spec = {"vendor_id": "8086", "product_id": "1515", "live_migratable": word}
        try:
            tags = devspec.PciDeviceSpec(json.loads(json.dumps(spec))).get_tags()
        except exception.PciConfigInvalidSpec:
            self.assertRaises(ValueError, LiveMigratable.parse, word)
        else:
            yes = tags["live_migratable"] == "true"
            self.assertIs(
                LiveMigratable.YES if yes else LiveMigratable.NO, LiveMigratable.parse(word)
            )
