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

"""Whether nova's scheduler finds the few right hosts of a large cloud, with and without traits.

A real placement holds 1,000 hosts with 4 PCI providers each, of which 5 can live migrate. It is
asked exactly what nova's scheduler asks, which looks at 1,000 candidates and no more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import os_resource_classes as orc
import os_traits
from openstack.connection import Connection

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.filler import PCI_TRAITS, RESOURCE_CLASS
from vfio_lm.cloud.model import CandidateQuery
from vfio_lm.cloud.model.candidate_query import NOVA_LIMIT, nova_query, pci_group
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.placement.write import TraitWriter
from vfio_lm.text import counted

TRAIT = os_traits.HW_PCI_LIVE_MIGRATABLE
PLAIN_TRAITS = tuple(trait for trait in PCI_TRAITS if trait != TRAIT)
RESOURCES = {orc.VCPU: 2, orc.MEMORY_MB: 4096, orc.DISK_GB: 20}


def fill(cloud: Cloud, connection: Connection, hosts: int, right: int) -> frozenset[str]:
    """Add hosts of which some, in the middle, can live migrate; return the roots of these."""
    before = (hosts - right) // 2
    cloud.fill_placement(hosts=before, pci_traits=PLAIN_TRAITS)
    cloud.fill_placement(hosts=right, pci_traits=PCI_TRAITS)
    cloud.fill_placement(hosts=hosts - right - before, pci_traits=PLAIN_TRAITS)
    client = PlacementClient(connection.placement)
    trees = client.trees_with_room(client.pci_providers())
    writer = TraitWriter(connection.placement)
    found = frozenset(
        root
        for root, tree in trees.items()
        if any(provider.is_marked_live_migratable for provider in tree.pci_providers)
    )
    for root in found:
        writer.change(root, lambda traits: traits | {TRAIT})
    return found


def query(devices: int, *, of_host: bool = False, of_device: bool = False) -> CandidateQuery:
    """Return nova's query for a server with some devices of one alias."""
    traits = frozenset({TRAIT} if of_device else ())
    return nova_query(
        {f"trait:{TRAIT}": "required"} if of_host else {},
        RESOURCES,
        [pci_group(number, RESOURCE_CLASS, traits) for number in range(devices)],
        requires_owner=True,
    )


def measure(connection: Connection, right: frozenset[str], devices: int) -> None:
    """Ask in each of the ways, and print what comes of it."""
    client = PlacementClient(connection.placement)
    print(f"servers with {counted(devices, 'device')}, {len(right)} hosts can live migrate them")
    for name, asked in (
        ("no trait is asked for", query(devices)),
        ("trait in the alias", query(devices, of_device=True)),
        ("trait in the flavor", query(devices, of_host=True)),
        ("trait in both", query(devices, of_host=True, of_device=True)),
    ):
        start = time.perf_counter()
        answer = client.candidates(asked)
        seconds = time.perf_counter() - start
        hosts = {root for candidate in answer.candidates for root in candidate.root_uuids}
        print(
            f"  {name:24} {len(answer.candidates):6,} candidates on {len(hosts):5,} hosts "
            f"{seconds:8,.2f} s, {len(hosts & right)} of {len(right)} right hosts seen"
        )


def main(arguments: Sequence[str]) -> None:
    """Start a cloud, measure, and take it down."""
    parser = argparse.ArgumentParser(
        prog="scheduling", description="Measure whether the scheduler finds the right hosts."
    )
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--right", type=int, default=5, help="hosts that can live migrate")
    options = parser.parse_args(arguments)
    with Cloud(CloudSpec(hosts=(HostSpec("compute1", device_specs=()),))) as cloud:
        connection = cloud.connection()
        right = fill(cloud, connection, options.hosts, options.right)
        print(f"{options.hosts:,} hosts; nova looks at {NOVA_LIMIT:,} candidates")
        for devices in (1, 2, 4):
            measure(connection, right, devices)
