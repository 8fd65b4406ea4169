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

"""The check of a server with a NUMA topology: whether it and its devices find one place."""

from __future__ import annotations

import collections
from collections.abc import Collection, Mapping

from vfio_lm.pci.assignment import Fit
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    destination_check,
    failed,
    not_applicable,
    passed,
    unknown,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.free_devices import HostView, host_view
from vfio_lm.preflight.rules.numa import topology_keys
from vfio_lm.preflight.rules.numa_place import find_place
from vfio_lm.preflight.wording.nova_says import ask_again
from vfio_lm.preflight.wording.remedy import resize, steps


def _has_none(facts: Facts) -> bool | None:
    return None if _asked(facts)[1] else True


def _asked(facts: Facts) -> tuple[dict[str, str], list[str]]:
    """Return what flavor and image ask for, and which of it is about a NUMA topology."""
    asked = {**facts.server.flavor.extra_specs, **(facts.image_properties or {})}
    return asked, topology_keys(asked)


@destination_check(
    "numa",
    "If the server has a NUMA topology, do it and its devices find one place there?",
    refused_by=Refuser.SCHEDULER,
    # The claim of nova-compute may choose other devices than placement did.
    may_end_in_error=True,
    depends_on=_has_none,
)
def numa(facts: Facts, destination: Destination) -> Outcome:
    """Hold what the server needs of one node against what the host and its servers show.

    Source: ``_filter_pools_for_numa_cells`` in ``nova/pci/stats.py`` and
    ``nova/scheduler/filters/numa_topology_filter.py`` (nova 34.0.0).
    """
    asked, keys = _asked(facts)
    if not keys:
        return not_applicable("the server has no NUMA topology")
    without = resize(facts.server.id, "without a NUMA topology")
    place = find_place(facts, destination)
    if place.fit is Fit.YES:
        return passed(
            f"{place.reason}: {_named(place.nodes)}", properties=keys, nodes=list(place.nodes)
        )
    remedy = f"free CPUs, pages or devices of one NUMA node of {destination.host}\nor {without}"
    if place.fit is Fit.NO:
        return failed(place.reason, remedy=remedy, properties=keys)
    if too_few := _too_far(facts, host_view(facts, destination), asked):
        return failed(
            f"no NUMA node there has enough free devices: {', '.join(too_few)}",
            remedy=remedy,
            properties=keys,
        )
    return unknown(
        f"the server has a NUMA topology ({', '.join(keys)}), and whether it finds a place there "
        f"is not known: {place.reason}",
        settled_by=steps(ask_again(facts), f"or {without}"),
        properties=keys,
    )


def _named(nodes: Collection[int]) -> str:
    return f"NUMA node {' or '.join(map(str, nodes))}"


def _too_far(facts: Facts, view: HostView, asked: Mapping[str, str]) -> list[str]:
    """Return the aliases for which no NUMA node has enough devices that may be free."""
    if asked.get("hw:numa_nodes", asked.get("hw_numa_nodes", "1")) != "1":
        return []
    nodes = {device.facts.address: device.facts.numa_node for device in view.devices}
    found = []
    # What flavor or image say goes before the alias: _get_instance_pci_requests and
    # _translate_alias_to_requests in nova/pci/request.py (nova 34.0.0).
    key = "hw:pci_numa_affinity_policy"
    of_server = asked.get(key) or asked.get(key.replace(":", "_"))
    for wish in view.wishes:
        alias = (facts.aliases or {}).get(wish.name)
        if alias is None or not wish.knows_all:
            continue
        policy = of_server or alias.numa_policy
        if policy not in ("required", "legacy"):
            continue
        near = collections.Counter(nodes[address] for address in wish.possible)
        anywhere = near.pop(None, 0) if policy == "legacy" else 0
        if max(near.values(), default=0) + anywhere < wish.count:
            found.append(wish.name)
    return found
