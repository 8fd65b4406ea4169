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

"""Whether a request fits into a NUMA node, held against nova's own functions."""

from __future__ import annotations

import hypothesis
import testtools
from hypothesis import strategies as st
from nova import objects
from nova.virt import hardware

from vfio_lm.cloud.model import Flavor, GuestNode, ServerTopology
from vfio_lm.pci.assignment import Fit
from vfio_lm.pci.compute_options import ComputeOptions, ReservedPages
from vfio_lm.pci.numa_node import NumaNode, PagePool
from vfio_lm.preflight.rules.node_fit import node_fit, node_states
from vfio_lm.preflight.rules.node_request import NodeRequest, PageKind, node_request

objects.register_all()

_SIZES = (4, 2048, 1048576)


@st.composite
def hosts(draw):
    """One or two nodes with two threads a core, and the options of their nova-compute."""
    count = draw(st.integers(1, 2))
    cores = draw(st.integers(1, 4))
    nodes = []
    for number in range(count):
        cpus = tuple(range(number * cores * 2, (number + 1) * cores * 2))
        huge = [PagePool(size, draw(st.integers(0, 6))) for size in _SIZES[1:]]
        huge = huge[: draw(st.integers(0, 2))]
        small = PagePool(4, draw(st.integers(0, 4096 * 1024 // 4)))
        nodes.append(NumaNode(number, cpus, draw(st.integers(0, 4096 * 1024)), (small, *huge)))
    every = [cpu for node in nodes for cpu in node.cpus]
    dedicated = draw(st.none() | st.frozensets(st.sampled_from(every), min_size=1))
    rest = frozenset(every) - (dedicated or frozenset())
    shared = draw(st.none() | st.frozensets(st.sampled_from(sorted(rest)))) if rest else None
    reserved = draw(
        st.lists(
            st.builds(
                ReservedPages,
                st.integers(0, 1),
                st.sampled_from(_SIZES),
                st.integers(0, 3),
            ),
            max_size=2,
            unique_by=lambda each: (each.node, each.size_kib),
        )
    )
    ratio = draw(st.sampled_from((0.5, 1.0)))
    return tuple(nodes), ComputeOptions(dedicated, shared or None, tuple(reserved), ratio)


def requests():
    return st.builds(
        NodeRequest,
        st.integers(1, 6),
        st.sampled_from((1, 3, 64, 512, 1024, 2048)),
        st.booleans(),
        st.sampled_from((*PageKind, *_SIZES, 16384)),
    )


def novas_host(nodes, options):
    """What ``_get_host_numa_topology`` of nova's libvirt driver makes of it."""
    available_shared = options.shared_cpus or (
        frozenset() if options.dedicated_cpus else frozenset(c for n in nodes for c in n.cpus)
    )
    available_dedicated = options.dedicated_cpus or frozenset()
    if not available_dedicated and not options.shared_cpus:
        available_dedicated = available_shared
    reserved = {(each.node, each.size_kib): each.count for each in options.reserved_pages}
    cells = []
    for node in nodes:
        cpus = set(node.cpus) & (available_shared | available_dedicated)
        pairs = [{cpu, cpu + 1} & cpus for cpu in node.cpus if cpu % 2 == 0]
        cells.append(
            objects.NUMACell(
                id=node.id,
                socket=0,
                cpuset=set(node.cpus) & available_shared,
                pcpuset=set(node.cpus) & available_dedicated,
                memory=node.memory_kib / 1024,
                cpu_usage=0,
                pinned_cpus=set(),
                memory_usage=0,
                siblings=[pair for pair in pairs if pair],
                mempages=[
                    objects.NUMAPagesTopology(
                        size_kb=pool.size_kib,
                        total=pool.total,
                        used=0,
                        reserved=reserved.get((node.id, pool.size_kib), 0),
                    )
                    for pool in node.pages
                ],
            )
        )
    return objects.NUMATopology(cells=cells)


def novas_request(request):
    specs = {"hw:numa_nodes": "1"}
    if request.is_pinned:
        specs["hw:cpu_policy"] = "dedicated"
    if request.pages is not PageKind.UNSPECIFIED:
        pages = request.pages
        specs["hw:mem_page_size"] = pages.value if isinstance(pages, PageKind) else str(pages)
    flavor = objects.Flavor(
        vcpus=request.vcpus, memory_mb=request.memory_mib, extra_specs=specs, name="f"
    )
    return specs, hardware.numa_get_constraints(flavor, objects.ImageMeta.from_dict({}))


def shown(topology):
    """What the API shows of a server: ServerTopologyController of nova-api."""
    return ServerTopology(
        tuple(
            GuestNode(
                frozenset(cell.total_cpus), cell.memory, cell.id, dict(cell.cpu_pinning or {})
            )
            for cell in topology.cells
        ),
        next((cell.pagesize for cell in topology.cells if cell.pagesize), None),
    )


class TestNodeFit(testtools.TestCase):
    @hypothesis.settings(max_examples=1000, deadline=None)
    @hypothesis.given(hosts(), st.lists(requests(), max_size=4), requests())
    def test_it_never_says_otherwise_than_nova(self, host, others, wanted):
        nodes, options = host
        state = novas_host(nodes, options)
        limits = objects.NUMATopologyLimits(
            cpu_allocation_ratio=options.lowest_ratio, ram_allocation_ratio=options.lowest_ratio
        )
        topologies = []
        for other in others:
            fitted = hardware.numa_fit_instance_to_host(
                state, novas_request(other)[1], provider_mapping={}, limits=limits
            )
            if fitted is not None:
                state = hardware.numa_usage_from_instance_numa(state, fitted)
                topologies.append(shown(fitted))
        specs, request = novas_request(wanted)
        known = Flavor("f", wanted.vcpus, wanted.memory_mib, 0, specs)
        self.assertEqual(wanted, node_request(known, {}))
        nova_fits = (
            hardware.numa_fit_instance_to_host(state, request, provider_mapping={}, limits=limits)
            is not None
        )
        found = {
            node_fit(each, wanted, options.lowest_ratio)
            for each in node_states(nodes, options, topologies)
        }
        if Fit.YES in found:
            self.assertTrue(nova_fits)
        elif Fit.UNSURE not in found:
            self.assertFalse(nova_fits)
        # Which ratio holds is not known for sure: it says no only where none would do.
        limits.cpu_allocation_ratio = limits.ram_allocation_ratio = 1000.0
        if found == {Fit.NO}:
            fresh = novas_request(wanted)[1]
            self.assertIsNone(
                hardware.numa_fit_instance_to_host(state, fresh, provider_mapping={}, limits=limits)
            )

    def test_without_pages_nothing_is_known(self):
        (state,) = node_states([NumaNode(0, (0, 1), 1024, ())], ComputeOptions(), [])
        self.assertIs(Fit.UNSURE, node_fit(state, NodeRequest(1, 1), 1.0))
