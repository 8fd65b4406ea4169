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

"""How long nova's own word takes: ``vfio-lm-nova`` in a small cloud and in a large one.

Seconds are those of the clock, which depend on what else the machine does, and those that
vfio-lm-nova used a processor; for the rest it waits for placement. In the small cloud, of three
hosts, one server is asked about. The large one has 1,000 hosts with 4 PCI providers each, as rows
of its databases with nothing behind them, and 20 servers on one more host, each of a flavor of its
own: no two ask for the same. The memory is that of vfio-lm-nova.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import time
from collections.abc import Sequence

from tests.bench._meter import processor_seconds, resident_mib
from tests.bench.check_all import SPEC, boot_examples
from tests.cloud import Cloud
from tests.cloud.administrator import Administrator
from tests.functional.dry_running import NovaProcess

_LIMIT = 1.0
_TIMES = 5


def command(cloud: Cloud) -> list[str]:
    """Return the command with the nova.conf of the controller."""
    conf = str(cloud.nova_conf())
    return [sys.executable, "-m", "vfio_lm.inside_nova.main", "--config-file", conf]


def environ() -> dict[str, str]:
    """Return an environment without a cloud."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OS_")}


def measure_small() -> None:
    """Ask about one server, in a process that has just started and in one that runs."""
    with Cloud() as cloud:
        admin = Administrator(cloud.connection())
        server = admin.request_server(admin.flavor("vf-lm:1"), "compute1")
        admin.wait_until_built([server])
        began = time.perf_counter()
        process = NovaProcess([*command(cloud), "--serve"], environ())
        start = time.perf_counter() - began
        started = processor_seconds(process.pid)
        seconds = []
        used = [started]
        for _ in range(_TIMES):
            began = time.perf_counter()
            (answer,) = process.ask(servers=[server]).answers
            seconds.append(time.perf_counter() - began)
            used.append(processor_seconds(process.pid))
        process.close()
    print(f"{len(answer.destinations) + 1} hosts, one server: {answer.ending.value}")
    later = (used[-1] - used[1]) / (_TIMES - 1)
    print("                                   seconds  of a processor")
    print(f"  start of the process          {start:8,.2f} {started:15,.2f}")
    print(f"  first question                {seconds[0]:8,.2f} {used[1] - started:15,.2f}")
    print(f"  later questions               {min(seconds[1:]):8,.2f} {later:15,.2f}")
    print(f"  limit                         {_LIMIT:8,.2f}")


def measure_large(options: argparse.Namespace) -> None:
    """Ask about all servers of a host."""
    with Cloud(SPEC) as cloud:
        examples = boot_examples(cloud.connection(), options.flavors, options.flavors)
        cloud.fill_placement(hosts=options.hosts)
        cloud.fill_nova("compute1", examples, 0)
        process = NovaProcess([*command(cloud), "--serve"], environ())
        began = time.perf_counter()
        word = process.ask(source="compute1")
        seconds = time.perf_counter() - began
        memory = resident_mib(process.pid)
        used = processor_seconds(process.pid)
        process.close()
    endings = collections.Counter(each.ending.value for each in word.answers)
    hosts = max(len(each.destinations) for each in word.answers)
    print(f"{options.hosts + 1:,} hosts, {len(word.answers)} different requests: {dict(endings)}")
    print(f"  destinations in an answer     {hosts:8,}")
    print(f"  all answers                   {seconds:8,.1f} s, {used:,.1f} s of a processor")
    print(f"  one answer                    {seconds / len(word.answers):8,.1f} s")
    print(f"  memory of vfio-lm-nova        {memory:8,.0f} MiB")


def main(arguments: Sequence[str]) -> None:
    """Start clouds, measure, and take them down."""
    parser = argparse.ArgumentParser(prog="dry_run", description="Measure nova's own word.")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--flavors", type=int, default=20)
    options = parser.parse_args(arguments)
    measure_small()
    measure_large(options)
