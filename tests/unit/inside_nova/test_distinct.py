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

"""Allocation candidates that the claim cannot tell apart are tried once."""

import types

import testtools

from vfio_lm.inside_nova.distinct import distinct

ROOT = "root"


def host(**nodes):
    """Return a host with a pool of two VFs for each provider, on a NUMA node."""
    pools = [
        {"address": name, "rp_uuid": name, "numa_node": node, "count": 2, "product_id": "1515"}
        for name, node in nodes.items()
    ]
    return types.SimpleNamespace(uuid=ROOT, pci_stats=types.SimpleNamespace(pools=pools))


def candidate(**groups):
    allocations = {ROOT: {"resources": {"VCPU": 1}}}
    allocations.update({provider: {"resources": {"VF": 1}} for provider in groups.values()})
    mappings = {"": [ROOT], **{group: [provider] for group, provider in groups.items()}}
    return {"allocations": allocations, "mappings": mappings}


class TestDistinct(testtools.TestCase):
    def test_like_pfs_of_one_node_are_one_kind(self):
        first, second = candidate(g="a"), candidate(g="b")
        self.assertEqual([first], distinct([first, second], host(a=0, b=0)))

    def test_pfs_of_different_nodes_are_not(self):
        first, second = candidate(g="a"), candidate(g="b")
        self.assertEqual([first, second], distinct([first, second], host(a=0, b=1)))

    def test_sharing_a_pf_differs_from_not_sharing_one(self):
        shared, apart = candidate(g="a", h="a"), candidate(g="a", h="b")
        self.assertEqual([shared, apart], distinct([shared, apart], host(a=0, b=0)))

    def test_pfs_with_other_tags_or_counts_are_not_alike(self):
        here = host(a=0, b=0)
        here.pci_stats.pools[1]["count"] = 1
        self.assertEqual(2, len(distinct([candidate(g="a"), candidate(g="b")], here)))

    def test_providers_that_no_pool_is_known_of_are_kept_apart(self):
        self.assertEqual(2, len(distinct([candidate(g="x"), candidate(g="y")], host(a=0))))

    def test_other_resources_of_the_host_are_another_kind(self):
        pinned = candidate(g="a")
        pinned["allocations"][ROOT] = {"resources": {"PCPU": 1}}
        self.assertEqual(2, len(distinct([candidate(g="a"), pinned], host(a=0))))

    def test_a_host_without_devices(self):
        here = types.SimpleNamespace(uuid=ROOT, pci_stats=None)
        self.assertEqual(1, len(distinct([candidate(), candidate()], here)))
