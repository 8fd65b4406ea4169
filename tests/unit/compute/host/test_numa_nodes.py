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

"""The NUMA nodes of a host, as its libvirt has them, or why they are unknown."""

from tests.unit.compute.host.probes import CAPABILITIES, ProbeCase
from vfio_lm.compute.host.numa_nodes import host_numa_nodes
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.host_facts import parse_host_facts
from vfio_lm.pci.numa_node import NumaNode, PagePool


class TestNumaNodes(ProbeCase):
    def nodes(self, text):
        return host_numa_nodes(self.sysfs, lambda: text)

    def test_nodes_have_cpus_memory_and_pages(self):
        first, second = self.nodes(CAPABILITIES)
        pages = (PagePool(4, 524288), PagePool(2048, 512))
        self.assertEqual(NumaNode(0, (0, 1), 2097152, pages), first)
        self.assertEqual((1, (2, 3)), (second.id, second.cpus))

    def test_they_are_the_same_once_written_and_read(self):
        self.options["show_capabilities"] = lambda: CAPABILITIES
        facts = self.probe()
        self.assertEqual(facts.numa_nodes, parse_host_facts(facts.to_json(), "a").numa_nodes)

    def test_what_says_something_else_is_unknown(self):
        texts = {
            "": "did not tell",
            "<capabilities/>": "no NUMA node",
            CAPABILITIES.replace("unit='KiB'", "unit='MiB'"): "not in KiB",
            CAPABILITIES.replace("<cell id='0'>", "<cell>"): "did not tell",
            CAPABILITIES.replace("size='4'", ""): "did not tell",
        }
        for text, reason in texts.items():
            self.assertIn(reason, str(self.assertRaises(NotKnownError, self.nodes, text)))

    def test_a_support_bundle_does_not_tell(self):
        said = str(self.assertRaises(NotKnownError, host_numa_nodes, self.sysfs))
        self.assertIn("support bundle", said)
