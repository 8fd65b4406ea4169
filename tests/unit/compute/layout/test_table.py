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

"""The table of ways to deploy: each row has a name, its sources and a tree in the tests."""

from __future__ import annotations

import testtools

from tests.unit.compute.layout import hosts
from vfio_lm.compute.layout.table import BY_NAME, LAYOUTS, NO_OTHER


class TestTable(testtools.TestCase):
    def test_each_has_a_tree(self) -> None:
        self.assertEqual(set(BY_NAME), set(hosts.DEPLOYED))
        self.assertEqual(len(LAYOUTS), len(BY_NAME))

    def test_each_says_where_it_was_read(self) -> None:
        for each in LAYOUTS:
            self.assertRegex(each.sources[0], r"\d", each.name)

    def test_only_the_last_fits_any_host(self) -> None:
        self.assertEqual([NO_OTHER], [each for each in LAYOUTS if not each.marks])
        self.assertIs(NO_OTHER, LAYOUTS[-1])

    def test_what_is_not_on_the_host_is_in_a_container(self) -> None:
        for each in LAYOUTS:
            if each.logs is None or each.hooks is None:
                self.assertIsNotNone(each.container, each.name)
