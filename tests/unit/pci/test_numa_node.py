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

"""NUMA nodes in a file of host facts."""

from __future__ import annotations

import testtools

from vfio_lm.pci.numa_node import NumaNode, PagePool, numa_nodes

ITEM = {"id": 1, "cpus": [2, 3], "memory_kib": 4096, "pages": [{"size_kib": 4, "total": 1024}]}


class TestNumaNodes(testtools.TestCase):
    def test_they_are_read(self):
        node = NumaNode(1, (2, 3), 4096, (PagePool(4, 1024),))
        self.assertEqual((node,), numa_nodes([ITEM]))
        self.assertIsNone(numa_nodes(None))

    def test_a_number_that_two_have_is_refused(self):
        with self.assertRaisesRegex(ValueError, "two have the same id"):
            numa_nodes([ITEM, ITEM])
