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

"""Run scenarios: ``python -m tests.fidelity --seed S --count N``, or ``--replay FILE``."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cloud import CloudSpec, environments, ini
from tests.cloud.shared import SharedCloud
from tests.fidelity.generate import generate
from tests.fidelity.generate_ports import generate_ports
from tests.fidelity.generate_servers import generate_servers
from tests.fidelity.matrix import Matrix
from tests.fidelity.run import Run
from tests.fidelity.scenario import Scenario
from vfio_lm.inside_nova.corrections import NAMES
from vfio_lm.pci.release import NovaRelease

#: how long the hypervisors take to move a guest
MIGRATION_SECONDS = 0.05

#: What hosts look at of their own accord is nothing that a scenario waits for.
NO_PERIODIC_TASKS = dict.fromkeys(
    (
        "heal_instance_info_cache_interval",
        "sync_power_state_interval",
        "update_resources_interval",
    ),
    "-1",
)

#: How long nova waits for neutron's agents, in seconds; a dead one is waited for in vain.
SHORT_WAITS = {"vif_plugging_timeout": "30"}

POPULATIONS = {"aliases": generate, "ports": generate_ports, "servers": generate_servers}

PROGRAM = "python -m tests.fidelity"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; give 1 if the preflight was wrong, or a scenario did not end."""
    options = _parser().parse_args(arguments)
    try:
        scenarios = list(_scenarios(options))
        if options.show:
            for scenario in scenarios:
                print(scenario.to_json(), end="")
            return 0
        return _run(options, scenarios)
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace, scenarios: Sequence[Scenario]) -> int:
    nova_options = NO_PERIODIC_TASKS | SHORT_WAITS | ({"debug": "true"} if options.debug else {})

    def new_cloud(own: Mapping[str, Mapping[str, Any]]) -> SharedCloud:
        spec = CloudSpec(
            migration_seconds=MIGRATION_SECONDS,
            neutron=True,
            nova_options=ini.merged({"DEFAULT": nova_options}, own),
            corrections=NAMES if options.corrected else (),
        )
        return SharedCloud(spec, is_touched=False, release=NovaRelease(options.nova_release))

    run = Run(
        scenarios,
        results=options.results,
        failures=options.failures,
        say=functools.partial(print, flush=True),
        new_cloud=new_cloud,
    )
    run.work(options.jobs)
    matrix = Matrix.of(run.judgements)
    print(f"\n{matrix.text()}")
    if options.rst is not None:
        options.rst.write_text(matrix.rst())
    return 1 if run.broken or any(each.disagreements for each in run.judgements) else 0


def _scenarios(options: argparse.Namespace) -> Iterator[Scenario]:
    if options.replay:
        yield from map(Scenario.load, options.replay)
        return
    for seed in options.seed:
        for number in range(options.first, options.first + options.count):
            yield POPULATIONS[options.population](seed, number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, nargs="+", default=[1], metavar="S", help="seeds (default: 1)")
    add(
        "--population",
        choices=sorted(POPULATIONS),
        default="aliases",
        help="what is varied most: devices of aliases, ports and neutron's agents, or servers, "
        "as people run them "
        "(default: %(default)s)",
    )
    add("--count", type=int, default=50, metavar="N", help="scenarios of each (default: 50)")
    add("--first", type=int, default=0, metavar="N", help="number of the first (default: 0)")
    add("--replay", type=Path, nargs="+", metavar="FILE", help="run the scenarios of these files")
    add(
        "--nova-release",
        choices=[each.value for each in NovaRelease],
        default=environments.CURRENT.value,
        help="release of nova; another than that of the tests is installed into an environment "
        "of its own first (default: %(default)s)",
    )
    add("--corrected", action="store_true", help="start nova-compute by vfio-lm-nova-compute")
    add("--jobs", type=int, default=1, metavar="N", help="clouds side by side (default: 1)")
    add(
        "--failures",
        type=Path,
        default=Path("fidelity-failures"),
        metavar="FOLDER",
        help="where scenarios are written in which the preflight is wrong "
        "(default: fidelity-failures)",
    )
    add(
        "--results",
        type=Path,
        metavar="FILE",
        help="note each result in this file; what it holds already is not run again",
    )
    add("--rst", type=Path, metavar="FILE", help="write the tables for the documentation")
    add("--debug", action="store_true", help="let nova log why it refuses a host")
    add("--show", action="store_true", help="print the scenarios instead of running them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
