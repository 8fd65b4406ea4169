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

"""What a server needs of one NUMA node, and what of that is not worked out."""

from __future__ import annotations

import testtools

from vfio_lm.cloud.model import Flavor, GuestNode, ServerTopology
from vfio_lm.preflight.rules.node_request import (
    NodeRequest,
    PageKind,
    contradiction,
    node_request,
)

PINNED = {"hw:cpu_policy": "dedicated"}


def request(specs, properties=None):
    return node_request(Flavor("f", 2, 512, 1, specs), properties or {})


class TestNodeRequest(testtools.TestCase):
    def test_what_one_node_needs(self):
        self.assertEqual(NodeRequest(2, 512, True), request(PINNED))
        self.assertEqual(NodeRequest(2, 512, True), request({}, {"hw_cpu_policy": "dedicated"}))
        self.assertEqual(
            NodeRequest(2, 512, True, 2048, "preferred"),
            request(
                PINNED | {"hw:mem_page_size": "2MB", "hw:pci_numa_affinity_policy": "preferred"}
            ),
        )
        self.assertEqual(
            NodeRequest(2, 512, False, PageKind.LARGE), request({"hw:mem_page_size": "large"})
        )
        self.assertEqual(NodeRequest(2, 512), request({"hw:numa_nodes": "1"}))

    def test_a_server_without_a_topology_needs_none(self):
        self.assertIsNone(request({}))
        self.assertIsNone(request({"hw:cpu_policy": "shared"}))

    def test_what_is_not_worked_out_is_named(self):
        for specs in (
            {"hw:numa_nodes": "2"},
            {"hw:numa_nodes": "1", "hw:numa_cpus.0": "0,1"},
            {"hw:cpu_policy": "mixed"},
            PINNED | {"hw:cpu_thread_policy": "isolate"},
            PINNED | {"hw:cpu_thread_policy": "require"},
            PINNED | {"hw:cpu_realtime": "yes"},
            PINNED | {"hw:emulator_threads_policy": "isolate"},
            PINNED | {"hw:emulator_threads_policy": "share"},
            PINNED | {"hw:pci_numa_affinity_policy": "socket"},
            PINNED | {"trait:HW_CPU_HYPERTHREADING": "forbidden"},
            {"resources:PCPU": "2"},
            {"hw:numa_nodes": "1", "resources:VCPU": "2"},
            {"hw:mem_page_size": "huge"},
        ):
            with self.subTest(specs):
                self.assertIsInstance(request(specs), str)

    def test_an_image_that_says_otherwise_is_not_worked_out(self):
        self.assertIsInstance(request(PINNED, {"hw_cpu_policy": "shared"}), str)
        self.assertIsInstance(
            request({"hw:mem_page_size": "large"}, {"hw_mem_page_size": "2048"}), str
        )
        self.assertIsInstance(request({"hw:numa_nodes": "1"}, {"hw_mem_page_size": "2048"}), str)
        self.assertIsInstance(node_request(Flavor("f", 2, 512, 1, PINNED), None), str)


class TestContradiction(testtools.TestCase):
    def said(self, request, *nodes, page_size=None):
        return contradiction(request, ServerTopology(nodes, page_size))

    def test_the_server_as_it_is_agrees(self):
        pinned = GuestNode(frozenset({0, 1}), 512, 0, {0: 4, 1: 5})
        shared = GuestNode(frozenset({0, 1}), 512, 0, {})
        self.assertIsNone(self.said(NodeRequest(2, 512, True), pinned))
        self.assertIsNone(self.said(NodeRequest(2, 512, False, 2048), shared, page_size=2048))

    def test_each_difference_is_one(self):
        pinned = GuestNode(frozenset({0, 1}), 512, 0, {0: 4, 1: 5})
        mixed = GuestNode(frozenset({0, 1}), 512, 0, {0: 4})
        wanted = NodeRequest(2, 512, True)
        for request, nodes, page_size in (
            (wanted, (), None),
            (wanted, (pinned, pinned), None),
            (wanted, (mixed,), None),
            (wanted, (pinned,), 2048),
            (NodeRequest(2, 512), (pinned,), None),
            (NodeRequest(3, 512, True), (pinned,), None),
            (NodeRequest(2, 256, True), (pinned,), None),
            (NodeRequest(2, 512, True, 1048576), (pinned,), 2048),
            (NodeRequest(2, 512, True, PageKind.ANY), (pinned,), None),
        ):
            with self.subTest(f"{request} {nodes} {page_size}"):
                self.assertIsNotNone(self.said(request, *nodes, page_size=page_size))
        self.assertIsNotNone(contradiction(wanted, None))
