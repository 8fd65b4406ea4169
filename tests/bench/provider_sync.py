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

"""What a round of the placement sync agent costs in a large cloud.

A real placement holds 1,000 hosts with 4 PCI providers each. A round that has nothing to do stands
beside a loop that asks each provider for its traits, of which a sample is measured and the rest is
extrapolated. The memory is that of a whole agent after some rounds.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
from collections.abc import Sequence

from openstack.connection import Connection

from placement_sync.engine.round import Engine, RoundResult
from tests.bench._meter import Cost, Meter, resident_mib
from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.administrator import wait_for
from tests.cloud.filler import NAME_PREFIX
from tests.functional.sync_agent import AgentProcess, credentials
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.placement.client import MICROVERSION
from vfio_lm.pci.hosts import Host, read_hosts

DEVICE_SPEC = (
    "[pci]\nreport_in_placement = true\n"
    'device_spec = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "%s"}\n'
)
ROUNDS = 3
REPEATED = 5


def write_hosts(folder: pathlib.Path, hosts: int, live_migratable: str) -> None:
    """Write a nova.conf for each host."""
    folder.mkdir(exist_ok=True)
    for number in range(hosts):
        file = folder / f"{NAME_PREFIX}{number:05}.conf"
        file.write_text(DEVICE_SPEC % live_migratable)


def traits_one_by_one(connection: Connection, uuids: Sequence[str]) -> None:
    """Ask each provider for its traits."""
    for uuid in uuids:
        path = f"/resource_providers/{uuid}/traits"
        connection.placement.get(path, microversion=MICROVERSION)


def one_round(meter: Meter, engine: Engine, hosts: Sequence[Host]) -> tuple[Cost, int]:
    """Make a round; return what it cost, and how many providers it wrote."""
    results: list[RoundResult] = []
    cost = meter.cost(lambda: results.append(engine.run_round(hosts)))
    (result,) = results
    assert result.is_complete, result.errors
    return cost, result.writes


def memory_of_an_agent(cloud: Cloud, folder: pathlib.Path) -> float:
    """Return the memory of an agent after some rounds over all hosts, in MiB."""
    agent = AgentProcess(folder)
    agent.configure(f"nova_conf_dir = {folder / 'hosts'}\ninterval = 1", credentials(cloud))
    agent.start()
    try:
        wait_for(
            "the agent has made its rounds",
            lambda: agent.metric('rounds_total{outcome="complete"}') >= ROUNDS,
            limit=300,
        )
        return resident_mib(agent.pid)
    finally:
        agent.kill()


def measure(cloud: Cloud, folder: pathlib.Path, hosts: int, sample: int) -> None:
    """Fill the cloud and print the numbers."""
    cloud.fill_placement(hosts=hosts)
    connection = cloud.connection()
    write_hosts(folder / "hosts", hosts, "yes")
    configs = read_hosts(folder / "hosts").hosts
    providers = sorted(PlacementClient(connection.placement).providers())
    meter = Meter(connection)
    engine = Engine(connection.placement)
    changed, written = one_round(meter, engine, configs)
    chosen = providers[:: max(1, len(providers) // sample)][:sample]
    unchanged = loop = Cost(0, 0)
    # In turn, so that other work of the machine falls upon both.
    for number in range(REPEATED):
        cost, nothing = one_round(meter, engine, configs)
        assert (written, nothing) == (hosts, 0), (written, nothing)
        unchanged += cost * (1 / REPEATED)
        part = chosen[number::REPEATED]
        loop += meter.cost(lambda part=part: traits_one_by_one(connection, part))
    loop *= len(providers) / len(chosen)
    print(f"{hosts:,} hosts, {len(providers):,} providers")
    print(f"  round with nothing to do         {unchanged}")
    print(f"  traits of each provider          {loop}  (extrapolated from {len(chosen)})")
    print(
        f"  ratio                            {loop.requests / unchanged.requests:8,.0f} requests "
        f"{loop.seconds / unchanged.seconds:10,.0f} ×"
    )
    print(f"  round that changes each root     {changed}")
    print(f"  memory of the agent              {memory_of_an_agent(cloud, folder):8,.0f} MiB")


def main(arguments: Sequence[str]) -> None:
    """Start a cloud, measure, and take it down."""
    parser = argparse.ArgumentParser(
        prog="provider_sync", description="Measure the rounds of the placement sync agent."
    )
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--sample", type=int, default=200, help="providers to ask one by one")
    options = parser.parse_args(arguments)
    spec = CloudSpec(hosts=(HostSpec("compute1"),))
    with Cloud(spec) as cloud, tempfile.TemporaryDirectory() as folder:
        measure(cloud, pathlib.Path(folder), options.hosts, options.sample)
