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

"""What the preflight of all servers of a large cloud costs, beside that of one after the other.

A real placement and a real nova hold 1,000 hosts with 4 PCI providers each, and 5,000 servers of
20 flavors, as rows of their databases: nothing runs behind them. Of the preflights one by one a
sample is measured and the rest is extrapolated; their verdicts must be the same. The memory is that
of this process, with what fills the cloud.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import os
import sys
from collections.abc import Sequence

from openstack.connection import Connection

from tests.bench._meter import Meter, resident_mib
from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.administrator import MICROVERSION, wait_for
from tests.functional.base import ALIAS_ANY, ALIAS_YES, YES
from vfio_lm.pci import read_nova_conf
from vfio_lm.preflight import (
    Inputs,
    Report,
    Selection,
    Stage,
    Survey,
    Verdict,
    check_servers,
    check_with,
)

SPEC = CloudSpec(
    hosts=(HostSpec("compute1", vfs=63, vcpus=256, memory_mb=262144, device_specs=(YES,)),),
    aliases=(ALIAS_YES, ALIAS_ANY),
    # Nothing reports that the hosts are up while this runs.
    nova_options={"DEFAULT": {"service_down_time": "86400"}},
)


def boot_examples(connection: Connection, flavors: int, with_devices: int) -> list[str]:
    """Create a server of each flavor: some ask for devices, a few of an alias that blocks."""
    image = next(iter(connection.image.images()))
    servers = []
    for number in range(flavors):
        flavor = connection.compute.create_flavor(
            name=f"flavor-{number}", vcpus=1 + number % 4, ram=512 * (1 + number), disk=1
        )
        if number < with_devices:
            alias = "vf-any" if number % 8 == 1 else "vf-yes"
            extra_specs = {"pci_passthrough:alias": f"{alias}:{1 + number % 2}"}
            connection.compute.create_flavor_extra_specs(flavor, extra_specs)
        wanted = {
            "name": f"example-{number}",
            "flavorRef": flavor.id,
            "imageRef": image.id,
            "networks": "none",
        }
        response = connection.compute.post(
            "/servers", json={"server": wanted}, microversion=MICROVERSION
        )
        servers.append(str(response.json()["server"]["id"]))

    def are_active() -> bool:
        states = [server.status for server in connection.compute.servers()]
        assert "ERROR" not in states, states
        return states == ["ACTIVE"] * flavors

    wait_for("all examples are built", are_active, limit=600)
    return servers


def inputs(cloud: Cloud) -> Inputs:
    """Return what the nova.conf of the API says."""
    conf = read_nova_conf([cloud.nova_conf()])
    return Inputs(
        now=datetime.datetime.now(datetime.UTC),
        aliases=conf.aliases,
        pci_in_placement=conf.pci_in_placement,
    )


def show(stage: Stage, done: int, total: int) -> None:
    """Tell somebody who waits."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{stage.value}: {done:,} of {total:,}\x1b[K")


def measure(cloud: Cloud, options: argparse.Namespace) -> None:
    """Fill the cloud and print the numbers."""
    connection = cloud.connection()
    examples = boot_examples(connection, options.flavors, options.with_devices)
    cloud.fill_placement(hosts=options.hosts)
    cloud.fill_nova("compute1", examples, options.servers)
    known = inputs(cloud)
    meter = Meter(connection)
    verdicts: dict[str, Verdict] = {}
    surveys: list[Survey] = []

    def check_all() -> None:
        survey = check_servers(connection, Selection(), known, progress=show)
        surveys.append(survey)
        for report in survey.reports:
            verdicts[report.server_id] = report.verdict

    whole = meter.cost(check_all)
    memory = resident_mib(os.getpid())
    (survey,) = surveys
    assert len(verdicts) == survey.count, (len(verdicts), survey.count)
    counted = collections.Counter(verdict.value for verdict in verdicts.values())
    step = max(1, len(verdicts) // options.sample)
    chosen = sorted(verdicts)[::step][: options.sample]
    reports: list[Report] = []
    loop = meter.cost(
        lambda: reports.extend(check_with(connection, each, known) for each in chosen)
    )
    for report in reports:
        assert report.verdict is verdicts[report.server_id], report.to_dict()
    loop *= len(verdicts) / len(chosen)
    print(
        f"{options.hosts + 1:,} hosts, {survey.count + survey.others:,} servers of "
        f"{options.flavors} flavors, "
        f"{survey.count:,} of them with PCI devices"
    )
    print(f"  verdicts                         {dict(sorted(counted.items()))}")
    print(f"  check --all                      {whole}")
    print(f"  check SERVER, one by one         {loop}  (extrapolated from {len(chosen)})")
    print(
        f"  ratio                            {loop.requests / whole.requests:8,.0f} requests "
        f"{loop.seconds / whole.seconds:10,.0f} ×"
    )
    print(f"  memory of the process            {memory:8,.0f} MiB")


def main(arguments: Sequence[str]) -> None:
    """Start a cloud, measure, and take it down."""
    parser = argparse.ArgumentParser(
        prog="check_all", description="Measure the preflight of all servers."
    )
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=5000)
    parser.add_argument("--flavors", type=int, default=20)
    parser.add_argument("--with-devices", type=int, default=16, help="flavors that have devices")
    parser.add_argument("--sample", type=int, default=10, help="servers to check one by one")
    options = parser.parse_args(arguments)
    with Cloud(SPEC) as cloud:
        measure(cloud, options)
