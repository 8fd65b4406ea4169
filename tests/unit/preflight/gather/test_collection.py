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

"""What is collected of a server's source, and only asked for where it can matter."""

import collections

import os_traits
import testtools

from tests.unit.preflight import scenario
from vfio_lm.preflight.facts import Source
from vfio_lm.preflight.gather.collection import _shares, _source
from vfio_lm.preflight.inputs import Inputs


class FakeCloud:
    """One host; nova and placement count what they are asked."""

    def __init__(self):
        self.asked = collections.Counter()
        self.services = {"compute1": scenario.service("compute1")}
        self.pci_providers = {}
        self.nova = self

    def nodes(self):
        return {host: scenario.node(host) for host in ("compute1", "compute2")}

    def root_traits(self, uuid):
        return frozenset({f"CUSTOM_OF_{uuid}"})

    def shares(self, server_id):
        self.asked["shares"] += 1
        return ("s1",)

    @property
    def sharing_providers(self):
        self.asked["sharing providers"] += 1
        return frozenset({"pool"})


class TestSource(testtools.TestCase):
    def source(self, cloud, allocation):
        server = scenario.facts().server
        return _source(cloud, server, allocation, Inputs(now=scenario.NOW))

    def test_custom_classes_are_told_where_they_may_be_of_a_mediated_device(self):
        cloud = FakeCloud()
        allocation = {
            "compute1": {"VCPU": 1, "CUSTOM_LICENCE": 1},
            "pool": {"DISK_GB": 1, "CUSTOM_POOL": 1},
            "gpu": {"CUSTOM_VGPU_A": 1},
        }
        found = self.source(cloud, allocation)
        self.assertEqual({"CUSTOM_VGPU_A"}, found.nested_classes)
        self.assertEqual({"CUSTOM_OF_compute1"}, found.traits)

    def test_who_shares_is_not_asked_for_without_need(self):
        cloud = FakeCloud()
        allocation = {"compute1": {"VCPU": 1, "CUSTOM_LICENCE": 1}, "pool": {"DISK_GB": 1}}
        self.assertEqual(frozenset(), self.source(cloud, allocation).nested_classes)
        self.assertEqual(0, cloud.asked.total())

    def test_what_is_left_on_another_host_is_not_counted(self):
        allocation = {"compute1": {"VCPU": 1}, "compute2": {"VCPU": 1}}
        found = self.source(FakeCloud(), allocation)
        self.assertEqual({"VCPU": 1}, found.resources)
        self.assertEqual({"compute2"}, found.left_behind)

    def test_a_server_that_moves_leaves_nothing_behind(self):
        allocation = {"compute2": {"VCPU": 1}}
        found = self.source(FakeCloud(), allocation)
        self.assertEqual({"VCPU": 1}, found.resources)
        self.assertEqual(frozenset(), found.left_behind)


class TestShares(testtools.TestCase):
    def shares(self, *traits):
        source = Source(None, None, {}, (), traits=frozenset(traits))
        return _shares(FakeCloud(), scenario.facts().server, source)

    def test_shares_are_asked_for_where_nova_attaches_any(self):
        fs, memory = os_traits.COMPUTE_STORAGE_VIRTIO_FS, os_traits.COMPUTE_MEM_BACKING_FILE
        self.assertEqual(("s1",), self.shares(fs, memory))
        self.assertEqual((), self.shares(fs))
        self.assertEqual((), self.shares(memory))
