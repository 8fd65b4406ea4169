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

"""Whether a part of one NUMA node is free on a host, as its nova-compute counts; no I/O.

Source: ``_numa_fit_instance_cell`` and ``numa_usage_from_instance_numa`` in
``nova/virt/hardware.py``, ``_get_host_numa_topology`` in ``nova/virt/libvirt/driver.py`` (nova
34.0.0). Where the thread policy is "prefer" or not given, siblings do not decide.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from vfio_lm.cloud.model import GuestNode, ServerTopology
from vfio_lm.pci.assignment import Fit
from vfio_lm.pci.compute_options import ComputeOptions
from vfio_lm.pci.numa_node import NumaNode
from vfio_lm.preflight.rules.node_request import NodeRequest, PageKind

_KIB = 1024


@dataclasses.dataclass(frozen=True)
class NodeState:
    """What nova has of a NUMA node, and what of it is taken."""

    id: int
    shared_cpus: frozenset[int]
    dedicated_cpus: frozenset[int]
    memory_mib: int
    pages: Mapping[int, int]
    """How many there are of each size in KiB."""
    free_pages: Mapping[int, int]
    shared_cpus_used: int = 0
    pinned_cpus: frozenset[int] = frozenset()
    memory_used_mib: int = 0


def node_states(
    nodes: Iterable[NumaNode], options: ComputeOptions, topologies: Iterable[ServerTopology]
) -> tuple[NodeState, ...]:
    """Return the nodes of a host, less what servers there have.

    :param topologies: of all servers that nova counts on the host, with the host's nodes
    """
    shares: dict[int, list[tuple[GuestNode, int | None]]] = collections.defaultdict(list)
    for topology in topologies:
        for share in topology.nodes:
            if share.host_node is not None:
                shares[share.host_node].append((share, topology.page_size_kib))
    return tuple(_state(node, options, shares[node.id]) for node in nodes)


def _state(
    node: NumaNode, options: ComputeOptions, shares: Iterable[tuple[GuestNode, int | None]]
) -> NodeState:
    cpus = frozenset(node.cpus)
    shared, dedicated = _sets(cpus, options)
    pages = {pool.size_kib: pool.total for pool in node.pages}
    free = dict(pages)
    for reserved in options.reserved_pages:
        if reserved.node == node.id and reserved.size_kib in free:
            free[reserved.size_kib] -= reserved.count
    used = memory = 0
    pinned: set[int] = set()
    for share, page_size in shares:
        size = page_size or min(pages, default=0)
        if size in free:
            free[size] -= -(-share.memory_mib * _KIB // size)
        used += len(share.cpus - share.pinning.keys())
        memory += share.memory_mib
        pinned.update(share.pinning.values())
    return NodeState(
        id=node.id,
        shared_cpus=shared,
        dedicated_cpus=dedicated,
        memory_mib=node.memory_kib // _KIB,
        pages=pages,
        free_pages=free,
        shared_cpus_used=used,
        pinned_cpus=frozenset(pinned),
        memory_used_mib=memory,
    )


def _sets(cpus: frozenset[int], options: ComputeOptions) -> tuple[frozenset[int], frozenset[int]]:
    """Return which CPUs are shared, and which are for one server alone."""
    shared, dedicated = options.shared_cpus, options.dedicated_cpus
    if shared is None and dedicated is None:
        return cpus, cpus
    return cpus & (shared or frozenset()), cpus & (dedicated or frozenset())


def node_fit(node: NodeState, request: NodeRequest, lowest_ratio: float) -> Fit:
    """Say whether a request fits into a node, devices left aside.

    :param lowest_ratio: that nova may apply to shared CPUs and memory, which no file shows for sure
    """
    if not node.pages:
        return Fit.UNSURE
    if not any(_has_pages(node, request)):
        return Fit.NO
    if request.is_pinned:
        free = len(node.dedicated_cpus - node.pinned_cpus)
        return Fit.YES if request.vcpus <= free else Fit.NO
    if request.vcpus > len(node.shared_cpus):
        return Fit.NO
    cpus = node.shared_cpus_used + request.vcpus
    memory = node.memory_used_mib + request.memory_mib
    is_within = (
        cpus <= len(node.shared_cpus) * lowest_ratio and memory <= node.memory_mib * lowest_ratio
    )
    return Fit.YES if is_within else Fit.UNSURE


def _has_pages(node: NodeState, request: NodeRequest) -> Iterator[bool]:
    """Yield for each size of pages that will do whether enough of them are free."""
    needed = request.memory_mib * _KIB
    # Without a size, memory may be promised to several servers unless CPUs are pinned.
    may_overcommit = request.pages is PageKind.UNSPECIFIED and not request.is_pinned
    supply = node.pages if may_overcommit else node.free_pages
    sizes = sorted(node.pages)
    if request.pages in (PageKind.UNSPECIFIED, PageKind.SMALL):
        sizes = sizes[:1]
    elif request.pages is PageKind.LARGE:
        sizes = sizes[1:]
    elif isinstance(request.pages, int):
        sizes = [size for size in sizes if size == request.pages]
    for size in sizes:
        yield needed % size == 0 and needed <= supply[size] * size
