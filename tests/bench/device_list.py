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

"""How long the list of all devices takes beside one provider after the other; asserts nothing.

A real placement holds 1,000 hosts with 4 PCI providers each. The list is measured as a whole. Of
what ``openstack resource provider inventory list`` asks for each provider, its inventories and
its usages, a sample is measured and the rest is extrapolated. Both run in this process, so that
the loop is spared the start of a command for each provider, which is measured apart.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Collection, Sequence

from openstack.connection import Connection

from tests.bench._meter import Meter
from tests.cloud import Cloud, CloudSpec, HostSpec
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.inventory import PciDevice, collect_devices

OPENSTACK = pathlib.Path(sys.executable).with_name("openstack")
MICROVERSION = "1.39"


def ask_one_by_one(connection: Connection, devices: Collection[PciDevice]) -> None:
    """Do what ``openstack resource provider inventory list`` does, for each provider."""
    for device in devices:
        path = f"/resource_providers/{device.provider.uuid}"
        for what in ("inventories", "usages"):
            connection.placement.get(f"{path}/{what}", microversion=MICROVERSION)


def command_seconds(cloud: Cloud, *arguments: str) -> float:
    """Time a whole command, as a user waits for it."""
    start = time.perf_counter()
    subprocess.run(
        [OPENSTACK, *arguments],
        env=os.environ | cloud.environ(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


def measure(cloud: Cloud, hosts: int, pfs: int, sample: int) -> None:
    """Fill the cloud and print the numbers."""
    cloud.fill_placement(hosts=hosts, pfs=pfs, vfs=8)
    connection = cloud.connection()
    devices = collect_devices(
        WholeCloud(connection)
    )  # also warms up token, catalogue and placement
    meter = Meter(connection)
    whole = meter.cost(lambda: collect_devices(WholeCloud(connection)))
    chosen = devices[:: max(1, len(devices) // sample)][:sample]
    loop = meter.cost(lambda: ask_one_by_one(connection, chosen)) * (len(devices) / len(chosen))
    print(f"{len(devices):,} PCI providers on {hosts + 1:,} hosts")
    print(f"  openstack vfio device list       {whole}")
    print(f"  inventory and usage of each      {loop}  (extrapolated from {len(chosen)})")
    print(
        f"  ratio                            {loop.requests / whole.requests:8,.0f} requests "
        f"{loop.seconds / whole.seconds:10,.0f} ×"
    )
    listed = command_seconds(cloud, "vfio", "device", "list")
    provider = chosen[0].provider.uuid
    single = command_seconds(cloud, "resource", "provider", "inventory", "list", provider)
    print("as commands, each with its start")
    print(f"  openstack vfio device list       {listed:10,.1f} s")
    print(
        f"  openstack resource provider inventory list, {len(devices):,} times"
        f" {single * len(devices):,.0f} s  (extrapolated from 1)"
    )


def main(arguments: Sequence[str]) -> None:
    """Start a cloud, measure, and take it down."""
    parser = argparse.ArgumentParser(prog="device_list", description="Measure the list of devices.")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--pfs", type=int, default=4, help="PCI providers of each host")
    parser.add_argument("--sample", type=int, default=100, help="providers to ask one by one")
    options = parser.parse_args(arguments)
    with Cloud(CloudSpec(hosts=(HostSpec("compute1"),))) as cloud:
        measure(cloud, options.hosts, options.pfs, options.sample)
