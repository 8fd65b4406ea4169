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

"""Lists, counts and names read the same in every message."""

import testtools

from vfio_lm.text import counted, listed, no_such, ranged, server_named, whole_number


class TestText(testtools.TestCase):
    def test_a_long_list_ends_with_how_many_more_there_are(self):
        self.assertEqual("", listed([]))
        self.assertEqual("a, b", listed(iter("ab")))
        self.assertEqual("1, 2, 3, 4, 5", listed(range(1, 6)))
        self.assertEqual("a, b and 2 more", listed("abcd", most=2))

    def test_hosts_that_are_numbered_on_are_one_range(self):
        self.assertEqual("", ranged([]))
        self.assertEqual("a, compute1, compute2", ranged(["compute2", "a", "compute1"]))
        self.assertEqual(
            "compute1, compute9–compute11",
            ranged(["compute10", "compute1", "compute11", "compute9"]),
        )
        self.assertEqual(
            "n09.rack1–n11.rack1, n12.rack2",
            ranged(["n09.rack1", "n10.rack1", "n11.rack1", "n12.rack2"]),
        )
        self.assertEqual("a1, a3, a5, a7, a9 and 1 more", ranged(f"a{n}" for n in range(1, 12, 2)))

    def test_one_is_not_many(self):
        self.assertEqual("0 hosts", counted(0, "host"))
        self.assertEqual("1 host", counted(1, "host"))
        self.assertEqual("2 hosts", counted(2, "host"))
        self.assertEqual("2 alias entries", counted(2, "alias entry", "alias entries"))

    def test_a_whole_number_is_one_that_has_room(self):
        for text, number in (("0", 0), ("7", 7), ("0" * 5000 + "7", 7), ("2147483647", 2**31 - 1)):
            self.assertEqual(number, whole_number(text))
        for text in ("", "-1", "+1", "1.0", " 1", "1_0", "²", "٣", "2147483648", "9" * 5000):
            self.assertIsNone(whole_number(text), text[:20])

    def test_a_server_is_named_with_its_id(self):
        self.assertEqual("server web (4711)", server_named("web", "4711"))

    def test_a_name_that_nothing_has_is_answered_with_those_that_exist(self):
        self.assertEqual(
            "no compute host is named 'x'; known: a, b", no_such("compute host", "x", ["b", "a"])
        )
        self.assertEqual(
            "no compute host is named 'x'; there is none", no_such("compute host", "x", [])
        )
