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

"""Run it: ``python -m tests.soak``; what it prints at its end is what was found.

Agents on etcd and agents on redis, each group with hosts of its own, share a real placement and a
real keystone. The exit status is 1 if a host was wrong for longer than two periods after the end of
a fault, two agents wrote one host at once, or an agent came to hold more and more of anything.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import contextlib
import pathlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.functional.backends import Backend, Etcd, Redis
from tests.functional.sync_agent import CONCISE
from tests.functional.sync_fleet import fill_placement
from tests.functional.sync_stage import Stage
from tests.soak.held import Held, largest
from tests.soak.lane import Lane, Recovery

_BACKENDS: tuple[type[Backend], ...] = (Etcd, Redis)
_HOSTS = 6
"""Of the agents of one backend."""

_PLACEMENT_WORKERS = 6

_INTERVAL = 2

_TIMEOUT = 9
"""Seconds that an agent may be silent; longer than an interval, for a machine that is busy."""

_REQUEST_TIMEOUT = 4
"""Seconds."""

_PAUSE = 10.0
"""Seconds until the rounds are counted again."""

_STEP = 1000
"""Rounds after which it is looked again at what agents hold."""

_MOST_GROWTH = 5.0
"""MiB that an agent may hold more than after the first thousand rounds."""

_MOST_MORE = 20
"""Threads, or open files, that it may have more: some wait for a backend that does not answer."""

_NO_PERIODIC_TASKS = dict.fromkeys(
    ("sync_power_state_interval", "update_resources_interval", "heal_instance_info_cache_interval"),
    "-1",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the rounds; return the exit status."""
    options = _parser().parse_args(arguments)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="soak-"))
    with contextlib.ExitStack() as end:
        lanes = _start(folder, end, options)
        faults = _run(lanes, options.rounds, options.minutes * 60)
    for fault in faults:
        print(f"wrong: {fault}")
    if faults:
        print(f"the agents' logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _start(
    folder: pathlib.Path, end: contextlib.ExitStack, options: argparse.Namespace
) -> list[Lane]:
    cloud = Cloud(
        CloudSpec(
            hosts=(HostSpec("compute1"),),
            placement_workers=_PLACEMENT_WORKERS,
            nova_options={"DEFAULT": _NO_PERIODIC_TASKS},
        ),
        start_timeout=600,
    )
    cloud.start()
    end.callback(cloud.stop)
    names = fill_placement(cloud, _HOSTS * len(_BACKENDS))
    lanes = []
    for number, backend in enumerate(_BACKENDS):
        own = folder / backend.__name__
        own.mkdir()
        hosts = names[number * _HOSTS : (number + 1) * _HOSTS]
        stage = Stage(
            cloud,
            own,
            backend,
            hosts,
            interval=_INTERVAL,
            timeout=_TIMEOUT,
            request_timeout=_REQUEST_TIMEOUT,
            log=CONCISE,
        )
        end.callback(stage.close)
        stage.start(options.agents)
        lanes.append(Lane(backend.__name__.lower(), stage, options.seed))
    return lanes


def _run(lanes: Sequence[Lane], rounds: int, longest: float) -> list[str]:
    """Let faults happen until enough rounds are made, or the time is up; return what is wrong."""
    began = time.monotonic()
    stopping = threading.Event()
    censuses: list[dict[str, Held]] = []
    print("  rounds  minutes  faults  most of an agent: MiB  threads  files", flush=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [pool.submit(lane.run, stopping) for lane in lanes]
        try:
            for made in _steps(lanes, runs, rounds, began + longest):
                censuses.append(_census(lanes))
                most, faults = largest(censuses[-1].values()), sum(len(x.recoveries) for x in lanes)
                print(
                    f"{made:8,} {(time.monotonic() - began) / 60:8.1f} {faults:7,}"
                    f" {most.mib:22.1f} {most.threads:8} {most.files:6}",
                    flush=True,
                )
        finally:
            stopping.set()
    broken = [
        f"{lane.name}: {run.exception()}"
        for lane, run in zip(lanes, runs, strict=True)
        if run.exception()
    ]
    _print_summary(lanes, censuses)
    return [
        *broken,
        *(fault for lane in lanes for fault in lane.faults()),
        *_growth(censuses[0], censuses[-1]),
    ]


def _steps(
    lanes: Sequence[Lane],
    runs: Sequence[concurrent.futures.Future[None]],
    rounds: int,
    end: float,
) -> Iterator[int]:
    """Yield how many rounds are made, each time that there are a thousand more, and at the end."""
    for wanted in range(min(_STEP, rounds), rounds + 1, _STEP):
        while (made := sum(lane.rounds() for lane in lanes)) < wanted:
            if any(run.done() for run in runs) or time.monotonic() > end:
                yield made
                return
            time.sleep(_PAUSE)
        yield made


def _census(lanes: Sequence[Lane]) -> dict[str, Held]:
    return {
        f"{lane.name} {agent.log.stem}": Held.by(agent.pid)
        for lane in lanes
        for agent in lane.stage.agents
    }


def _growth(first: dict[str, Held], last: dict[str, Held]) -> Iterator[str]:
    for name, before in first.items():
        after = last[name]
        if (
            after.mib > before.mib + _MOST_GROWTH
            or after.threads > before.threads + _MOST_MORE
            or after.files > before.files + _MOST_MORE
        ):
            yield f"{name} had {before} after the first thousand rounds, at the end {after}"


def _print_summary(lanes: Sequence[Lane], censuses: Sequence[dict[str, Held]]) -> None:
    kinds: dict[str, list[Recovery]] = collections.defaultdict(list)
    for lane in lanes:
        for each in lane.recoveries:
            kinds[f"{lane.name}: {each.fault}"].append(each)
    print("\n times  longest wrong afterwards  fault")
    for kind, recoveries in sorted(kinds.items()):
        longest = max(recoveries, key=lambda each: each.taken / each.allowed)
        print(
            f"{len(recoveries):6} {longest.taken:8.1f} s of {longest.allowed:5.1f} s       {kind}"
        )
    if censuses:
        growth = [censuses[-1][name].mib - before.mib for name, before in censuses[0].items()]
        print(
            f"\nmemory of an agent since the first thousand rounds: at most {max(growth):+.1f} MiB"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=10_000, metavar="N", help="of all agents (%(default)s)")
    add("--agents", type=int, default=9, metavar="N", help="on each backend (%(default)s)")
    add("--minutes", type=float, default=60, metavar="N", help="at most (%(default)s)")
    add("--seed", type=int, default=1, metavar="S", help="of the faults (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
