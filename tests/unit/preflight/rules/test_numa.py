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

"""Which extra specs make nova give a server a NUMA topology, held against nova's own function."""

from __future__ import annotations

import testtools
from nova import objects
from nova.objects import image_meta
from nova.virt import hardware

import tests.unit.nova_rules  # noqa: F401 - lets nova's objects be found
from vfio_lm.preflight.rules.numa import is_of_numa, topology_keys


def _has_topology(extra_specs, properties):
    flavor = objects.Flavor(name="f", vcpus=2, memory_mb=512, extra_specs=extra_specs)
    image = image_meta.ImageMeta.from_dict({"properties": properties})
    return hardware.numa_get_constraints(flavor, image) is not None


class TestIsOfNuma(testtools.TestCase):
    def test_what_makes_a_topology_for_nova_is_of_numa(self):
        for key, value in (
            ("hw:numa_nodes", "1"),
            ("hw:cpu_policy", "dedicated"),
            ("hw:mem_page_size", "large"),
            ("resources:PCPU", "2"),
        ):
            self.assertTrue(_has_topology({key: value}, {}), key)
            self.assertTrue(is_of_numa(key), key)
        for key, value in (
            ("hw_numa_nodes", "1"),
            ("hw_cpu_policy", "dedicated"),
        ):
            self.assertTrue(_has_topology({}, {key: value}), key)
            self.assertTrue(is_of_numa(key), key)

    def test_what_belongs_to_a_topology_is_of_numa(self):
        for key in ("hw:pci_numa_affinity_policy", "hw:emulator_threads_policy", "hw:numa_cpus.0"):
            self.assertTrue(is_of_numa(key), key)

    def test_other_properties_are_not(self):
        for key in ("hw:cpu_sockets", "hw_disk_bus", "resources:VGPU", "pci_passthrough:alias"):
            self.assertFalse(_has_topology({key: "1"} if ":" in key else {}, {}), key)
            self.assertFalse(is_of_numa(key), key)


class TestTopologyKeys(testtools.TestCase):
    def test_there_are_some_where_nova_makes_a_topology(self):
        for extra_specs, properties in (
            ({}, {}),
            ({"hw:numa_nodes": "1"}, {}),
            ({"hw:numa_nodes": "1", "hw:pci_numa_affinity_policy": "required"}, {}),
            ({"hw:pci_numa_affinity_policy": "required"}, {}),
            ({"hw:pci_numa_affinity_policy": "socket"}, {}),
            ({}, {"hw_pci_numa_affinity_policy": "preferred"}),
            ({"hw:emulator_threads_policy": "share"}, {}),
            ({"hw:cpu_policy": "shared"}, {}),
            ({"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"}, {}),
            ({"hw:mem_page_size": "large"}, {}),
        ):
            has_some = bool(topology_keys({**extra_specs, **properties}))
            self.assertEqual(
                _has_topology(extra_specs, properties), has_some, (extra_specs, properties)
            )
