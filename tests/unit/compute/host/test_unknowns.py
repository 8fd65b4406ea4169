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

"""A value that is unknown is None, and has its reason; other errors are no reason."""

import testtools

from vfio_lm.compute.host.unknowns import NotKnownError, Unknowns


class TestUnknowns(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.unknowns = Unknowns()

    def test_what_is_found_is_known(self):
        for found in (7, False, None):
            self.assertIs(found, self.unknowns.take("value", lambda found=found: found))
        self.assertEqual({}, self.unknowns.unknown)

    def test_what_is_not_found_has_its_reason(self):
        def find():
            raise NotKnownError("sysfs does not tell it")

        self.assertIsNone(self.unknowns.take("value", find))
        self.assertEqual({"value": "sysfs does not tell it"}, self.unknowns.unknown)

    def test_a_defect_is_not_taken_for_something_unknown(self):
        self.assertRaises(ZeroDivisionError, self.unknowns.take, "value", lambda: 1 / 0)
