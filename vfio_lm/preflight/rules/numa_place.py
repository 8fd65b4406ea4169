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

"""Whether a server with one NUMA node and its devices find a place at a destination; no I/O.

For what is not understood the answer is Fit.UNSURE, with the reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping

from vfio_lm.pci import Alias, PciAddress
from vfio_lm.pci.assignment import Fit, Wish, fit
from vfio_lm.pci.compute_options import ComputeOptions
from vfio_lm.pci.numa_node import NumaNode
from vfio_lm.preflight.facts import Destination, Facts, Neighbour, Neighbourhood
from vfio_lm.preflight.rules.free_devices import HostView, host_view
from vfio_lm.preflight.rules.node_fit import NodeState, node_fit, node_states
from vfio_lm.preflight.rules.node_request import NodeRequest, contradiction, node_request
from vfio_lm.preflight.rules.tracked_devices import relatives, wishes


@dataclasses.dataclass(frozen=True)
class NumaPlace:
    """Whether there is one."""

    fit: Fit
    reason: str
    nodes: tuple[int, ...] = ()
    """IDs of the host's nodes where the server fits without its devices, for all that is known."""


def find_place(facts: Facts, destination: Destination) -> NumaPlace:
    """Hold what a server needs against the nodes of a host, and against its free devices.

    Source: ``numa_fit_instance_to_host`` in ``nova/virt/hardware.py`` (nova 34.0.0).
    """
    request = node_request(facts.server.flavor, facts.image_properties)
    if request is None:
        return NumaPlace(Fit.YES, "the server has no NUMA topology")
    if isinstance(request, str):
        return NumaPlace(Fit.UNSURE, request)
    site = _site(destination)
    if isinstance(site, str):
        return NumaPlace(Fit.UNSURE, site)
    for reason in _not_known(facts, destination, request, site):
        return NumaPlace(Fit.UNSURE, reason)
    states = node_states(
        site.nodes,
        site.options,
        [each.topology for each in site.around.servers if each.topology is not None],
    )
    if taken := [state.id for state in states if _is_taken_twice(state)]:
        return NumaPlace(Fit.UNSURE, f"servers have more of node {taken[0]} than there is")
    fits = {each.id: node_fit(each, request, site.options.lowest_ratio) for each in states}
    certain = {number for number, found in fits.items() if found is Fit.YES}
    possible = {number for number, found in fits.items() if found is not Fit.NO}
    if not possible:
        return NumaPlace(Fit.NO, f"no NUMA node there has room for {_described(request)}")
    found, reason = _with_devices(facts, destination, request, certain, possible)
    return NumaPlace(found, reason, tuple(sorted(possible)))


def _described(request: NodeRequest) -> str:
    kind = "CPUs of its own" if request.is_pinned else "CPUs"
    return f"{request.vcpus} {kind} with {request.memory_mib} MiB of its pages"


@dataclasses.dataclass(frozen=True)
class _Site:
    """A host of which all is given that the nodes take."""

    options: ComputeOptions
    nodes: tuple[NumaNode, ...]
    around: Neighbourhood


def _site(destination: Destination) -> _Site | str:
    """Return what is given of a host, or what is missing."""
    own, around = destination.knowledge, destination.neighbourhood
    if own.conf is None:
        return "the nova.conf of its nova-compute is not given"
    if own.facts is None:
        return "the facts of the host are not given"
    if own.facts.numa_nodes is None:
        why = own.facts.unknown.get("numa_nodes", "another release of vfio-lm-host took them")
        return f"the facts of the host do not show its NUMA nodes: {why}"
    if around is None:
        return "nova was not asked which part of them its servers have"
    return _Site(own.conf.compute, own.facts.numa_nodes, around)


def _not_known(
    facts: Facts, destination: Destination, request: NodeRequest, site: _Site
) -> Iterator[str]:
    """Yield what is missing, or is not understood."""
    if facts.network.ports is None or facts.ports:
        yield "near which node a port's device has to be is known to neutron"
    elif options := site.options.not_followed:
        yield f"{', '.join(options)} is set there"
    elif reason := contradiction(request, facts.topology):
        yield reason
    else:
        yield from (gap.reason for gap in host_view(facts, destination).gaps)
        yield from (
            f"server {each} is deleted there, and may still be restored"
            for each in site.around.unlisted
        )
        yield from (
            f"the {move.kind} of server {move.server_id} is not over ({move.status})"
            for move in site.around.moves
        )
        known = {node.id for node in site.nodes}
        for each in site.around.servers:
            if reason := _not_counted(each, known):
                yield f"server {each.server.id} there {reason}"


def _not_counted(neighbour: Neighbour, known: Collection[int]) -> str | None:
    """Say why it is not known what a server has; None: it is."""
    server, topology = neighbour.server, neighbour.topology
    if topology is None:
        return "was gone when nova was asked for it"
    if any(node.host_node not in known for node in topology.nodes):
        return "is on a NUMA node that nova does not show, or that the facts do not have"
    asked = {**server.flavor.extra_specs, **(server.image_properties or {})}
    # Such a server has more CPUs than nova shows.
    if any(value == "isolate" for value in asked.values()) or any(
        "HW_CPU_HYPERTHREADING" in name for name in asked
    ):
        return "keeps CPUs free beside its own"
    is_pinned = any(node.pinning for node in topology.nodes)
    if is_pinned and server.image_properties is None:
        return "boots from a volume, whose image may keep CPUs free beside its own"
    return None


def _is_taken_twice(state: NodeState) -> bool:
    """Whether files and nova contradict each other; the usual pages may be promised twice."""
    return (
        any(free < 0 for size, free in state.free_pages.items() if size != min(state.free_pages))
        or not state.pinned_cpus <= state.dedicated_cpus
    )


def _with_devices(
    facts: Facts,
    destination: Destination,
    request: NodeRequest,
    certain: Collection[int],
    possible: Collection[int],
) -> tuple[Fit, str]:
    """Say whether the devices are near a node with room.

    :param certain: IDs of nodes with room
    :param possible: those, and nodes that may have room
    """
    aliases, own = facts.aliases or {}, destination.knowledge.facts
    known = own.devices if own is not None else ()
    if missing := [each.alias for each in facts.alias_requests if each.alias not in aliases]:
        return Fit.UNSURE, f"what alias {', '.join(missing)} means is not known"
    if reason := _fault_of_claim(facts, destination):
        return Fit.UNSURE, reason
    view = host_view(facts, destination)
    asked = tuple(wishes(facts.alias_requests, aliases, (), view.devices, known))
    if facts.devices_in_placement:
        asked = tuple(_widened(wish, aliases[wish.name], view) for wish in asked)
    policies = {
        wish.name: request.device_policy or aliases[wish.name].numa_policy for wish in asked
    }
    nodes = {each.facts.address: each.facts.numa_node for each in view.devices}
    if missing := [wish.name for wish in asked if not wish.knows_all]:
        return Fit.UNSURE, f"the facts do not show every device of alias {', '.join(missing)}"
    if "socket" in policies.values():
        return Fit.UNSURE, "which nodes are on one socket is not known"
    if any("numa_node" in each.facts.unknown for each in view.devices):
        return Fit.UNSURE, "the facts do not show near which node each device is"

    def at(node: int) -> Fit:
        near = [_near(wish, policies[wish.name], node, nodes) for wish in asked]
        return fit(near, relatives(known))

    if all(at(node) is Fit.NO for node in possible):
        return Fit.NO, f"no free device is near a NUMA node with room for {_described(request)}"
    if facts.devices_in_placement:
        strict = [wish for wish in asked if policies[wish.name] != "preferred"]
        where = {nodes[address] for wish in strict for address in wish.possible}
        # The claim of nova-compute fits the node without regard to what placement chose.
        if len(where) > 1:
            return Fit.UNSURE, "nova may choose a node, and placement a device near another one"
        has_room = certain if where <= {None} else set(certain) & where
        if has_room and all(at(node) is not Fit.NO for node in has_room):
            return Fit.YES, "node and device can only be chosen together"
    elif any(at(node) is Fit.YES for node in certain):
        return Fit.YES, "a node with room has enough free devices near"
    return Fit.UNSURE, "whether node and devices go together depends on what nova takes first"


def _fault_of_claim(facts: Facts, destination: Destination) -> str | None:
    """Say why the claim may make other requests than are stored; None: it makes the same.

    Source: ``ResourceTracker._move_claim`` in ``nova/compute/resource_tracker.py`` (nova 34.0.0),
    which asks the flavor and the aliases of its own nova.conf, and gives the requests new IDs.
    """
    conf = destination.knowledge.conf
    own = conf.aliases if conf is not None else {}
    for request in facts.alias_requests:
        if own.get(request.alias) != (facts.aliases or {})[request.alias]:
            return f"alias {request.alias} is not the same in the nova.conf of its nova-compute"
    if facts.alias_requests and facts.history.has_live_migrated:
        return (
            "it was live migrated before, and nova may have lost which of its devices is which "
            "(a fault of nova: claim-requests)"
        )
    return None


def _widened(wish: Wish, alias: Alias, view: HostView) -> Wish:
    """Count each device that the claim may take for an alias, which placement knows better.

    It goes by the IDs alone: what the alias says of class and traits is for placement.
    """
    wide = frozenset(
        each.facts.address
        for each in view.devices
        if any(
            (spec.vendor_id or each.facts.vendor_id).lower() == each.facts.vendor_id
            and (spec.product_id or each.facts.product_id).lower() == each.facts.product_id
            for spec in alias.specs
        )
    )
    return dataclasses.replace(wish, possible=wish.possible | wide)


def _near(wish: Wish, policy: str, node: int, nodes: Mapping[PciAddress, int | None]) -> Wish:
    """Leave the devices that may serve a server on a node.

    Source: ``_filter_pools_for_numa_cells`` in ``nova/pci/stats.py`` (nova 34.0.0).
    """
    if policy == "preferred":
        return wish
    allowed = {node, None} if policy == "legacy" else {node}
    return dataclasses.replace(
        wish,
        certain=frozenset(each for each in wish.certain if nodes[each] in allowed),
        possible=frozenset(each for each in wish.possible if nodes[each] in allowed),
    )
