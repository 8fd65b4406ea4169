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

"""Every Python reads the times that nova, libvirt and we write."""

import datetime

import testtools

from vfio_lm.iso_time import read_time


class TestReadTime(testtools.TestCase):
    def test_the_same_time_in_many_forms(self):
        utc = datetime.timezone(datetime.timedelta(0))
        wanted = datetime.datetime(2026, 11, 24, 4, 0, 1, 500000, tzinfo=utc)
        for form in ("04:00:01.5Z", "04:00:01.500+0000", "04:00:01.500000+00:00"):
            self.assertEqual(wanted, read_time(f"2026-11-24T{form}"), form)

    def test_a_time_without_a_zone_stays_without(self):
        self.assertIsNone(read_time("2026-11-24T04:00:01").tzinfo)

    def test_what_is_no_time(self):
        for text in ("", "Z", "2026-02-31T00:00:00Z", "soon"):
            self.assertRaises(ValueError, read_time, text)
