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

"""A rule guesses the word that was probably meant, and rather none than a wrong one."""

import testtools

from vfio_lm.pci.alias import KEYS
from vfio_lm.pci.lint.hit import closest


class TestClosest(testtools.TestCase):
    def test_case_and_blanks_do_not_count(self):
        self.assertEqual("legacy", closest(" LEGACY ", ("legacy", "socket"), cutoff=1))
        self.assertEqual("HW_NIC_SRIOV", closest("hw_nic_sriov", ("HW_NIC_SRIOV",), cutoff=1))

    def test_a_slip_finds_its_word_and_another_word_none(self):
        self.assertEqual("device_type", closest("dev_type", KEYS))
        self.assertIsNone(closest("colour", KEYS))

    def test_a_rule_says_how_near_is_near_enough(self):
        self.assertIsNone(closest("dev_type", KEYS, cutoff=0.95))
