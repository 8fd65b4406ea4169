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

"""The options of a nova-compute about NUMA nodes, held against nova's own reading."""

from __future__ import annotations

import nova.conf
import testtools
from nova.virt import hardware
from oslo_utils import strutils

from vfio_lm.pci.compute_options import (
    NO_COMPUTE_OPTIONS,
    OPTS,
    ReservedPages,
    compute_options,
    cpu_set,
    page_size_kib,
)

_NOTHING = {opt.dest: None for opts in OPTS.values() for opt in opts}


class TestComputeOptions(testtools.TestCase):
    def options(self, **values):
        return compute_options(_NOTHING | values)

    def test_every_option_is_one_of_novas(self):
        nova.conf.neutron.register_dynamic_opts(nova.conf.CONF)
        for group, opts in OPTS.items():
            where = nova.conf.CONF if group == "DEFAULT" else nova.conf.CONF[group]
            for opt in opts:
                self.assertIn(opt.dest, where)

    def test_what_is_not_set_has_novas_defaults(self):
        self.assertEqual(NO_COMPUTE_OPTIONS, self.options())

    def test_sets_and_pages_are_read(self):
        known = self.options(
            cpu_dedicated_set="2-5,^3",
            cpu_shared_set="0",
            reserved_huge_pages=["node:0,size:2048,count:64", "node:1,size:1GB,count:1"],
            cpu_allocation_ratio=0.5,
        )
        self.assertEqual(
            (frozenset({2, 4, 5}), frozenset({0})), (known.dedicated_cpus, known.shared_cpus)
        )
        self.assertEqual(
            (ReservedPages(0, 2048, 64), ReservedPages(1, 1048576, 1)), known.reserved_pages
        )
        self.assertEqual(0.5, known.lowest_ratio)
        self.assertEqual((), known.not_followed)

    def test_what_is_not_followed_is_named(self):
        known = self.options(
            vcpu_pin_set="1",
            physnets=["a"],
            numa_nodes=["0"],
            cpu_dedicated_set="a-b",
            cpu_shared_set="^1",
            reserved_huge_pages=["node:0"],
        )
        self.assertEqual(
            (
                "vcpu_pin_set",
                "[neutron]physnets",
                "[neutron_tunnel]numa_nodes",
                "[compute]cpu_dedicated_set",
                "[compute]cpu_shared_set",
                "reserved_huge_pages",
            ),
            known.not_followed,
        )


class TestCpuSet(testtools.TestCase):
    def test_it_is_as_nova_reads_it(self):
        for spec in ("1", "0-3", " 1, 3-4 ", "0-7,^3,^4", "5,5", "1,,2", "^2,1-3"):
            self.assertEqual(hardware.parse_cpu_spec(spec), cpu_set(spec), spec)

    def test_what_it_does_not_understand_is_empty(self):
        for spec in ("", "a", "1-", "^1-2", "3-1", "-1"):
            self.assertEqual(frozenset(), cpu_set(spec), spec)


class TestPageSize(testtools.TestCase):
    def test_it_is_as_nova_reads_it(self):
        for text in ("2048KB", "2MB", "1GB"):
            size = strutils.string_to_bytes(text, return_int=True) / 1024
            self.assertEqual(size, page_size_kib(text))
        self.assertEqual(2048, page_size_kib("2048"))

    def test_what_it_does_not_understand_is_unknown(self):
        for text in ("", "2M", "2048kb", "huge", "0", "-1", "2.5MB"):
            self.assertIsNone(page_size_kib(text), text)
