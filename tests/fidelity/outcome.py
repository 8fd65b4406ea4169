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

"""What the preflight says of a staged scenario, and what nova then does; counting is elsewhere."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Iterable, Iterator, Mapping

from tests.cloud.administrator import Moved
from tests.fidelity.judgement import Answer, Judgement, Subject
from tests.fidelity.scenario import Scenario
from tests.fidelity.stage import CannotStageError, Staged, Stager
from tests.functional.host_knowledge import ABLE, knowledge
from vfio_lm.pci import read_nova_conf
from vfio_lm.preflight import Host, Inputs, Report, Status, Verdict, check_with


def judge(stager: Stager, scenario: Scenario) -> Judgement:
    """Stage a scenario, ask the preflight, then nova, and hold one against the other."""
    seconds: dict[str, float] = {}
    began = time.monotonic()

    def lap(phase: str) -> None:
        seconds[phase] = round(time.monotonic() - began - sum(seconds.values()), 2)

    def judged(answers: Iterable[Answer] = (), void: str = "") -> Judgement:
        is_complete = scenario.withheld.is_nothing
        return Judgement(scenario.seed, scenario.number, is_complete, tuple(answers), void, seconds)

    try:
        staged = stager.stage(scenario)
        lap("stage")
        report, named = ask_preflight(staged)
        lap("preflight")
        moves = ask_nova(staged, [destination.host for destination in report.destinations])
        lap("nova")
    except CannotStageError as error:
        return judged(void=str(error))
    return judged(compare(report, named, moves))


def ask_preflight(staged: Staged) -> tuple[Report, Report | None]:
    """Return the report about the server, and about the host that is named, if one is."""
    inputs, named = _inputs(staged), staged.scenario.named_host
    connection, server = staged.admin.connection, staged.server_id
    report = check_with(connection, server, inputs)
    return report, check_with(connection, server, inputs, host=named) if named else None


def _inputs(staged: Staged) -> Inputs:
    scenario, cloud, withheld = staged.scenario, staged.cloud, staged.scenario.withheld
    conf = None if withheld.api_conf else read_nova_conf([cloud.nova_conf()])
    servers = [staged.server_id, *staged.other_ids]
    known = knowledge(cloud, [host.spec for host in scenario.hosts], servers, pf=ABLE)
    return Inputs(
        now=datetime.datetime.now(datetime.UTC),
        aliases=conf.aliases if conf else None,
        pci_in_placement=conf.pci_in_placement if conf else None,
        hosts={
            name: Host(
                conf=None if name in withheld.confs else each.conf,
                facts=None if name in withheld.facts else each.facts,
            )
            for name, each in known.items()
        },
    )


def ask_nova(staged: Staged, hosts: Iterable[str]) -> dict[str | None, Moved]:
    """Let nova move the server wherever it likes (None), then to each host in turn.

    Where the server went of nova's own accord is not asked for again.

    :raises CannotStageError: if the server cannot be had back where it was
    """
    last = staged.move()
    found: dict[str | None, Moved] = {None: last}
    if last.is_done:
        found[last.host] = last
    for host in hosts:
        if host not in found:
            staged.bring_home(last)
            found[host] = last = staged.move(host)
    return found


def compare(
    report: Report, named: Report | None, moves: Mapping[str | None, Moved]
) -> Iterator[Answer]:
    """Hold every verdict against what nova did."""
    possible = tuple(d for d in report.destinations if d.verdict is not Verdict.BLOCKED)
    of_server = dataclasses.replace(report, destinations=possible or report.destinations)
    yield _held(Subject.SERVER, None, of_server, moves[None])
    for destination in report.destinations:
        alone = dataclasses.replace(report, destinations=(destination,))
        yield _held(Subject.DESTINATION, destination.host, alone, moves[destination.host])
    if named is not None:
        host = named.requested_host
        yield _held(Subject.NAMED_HOST, host, named, moves[host])


def _held(subject: Subject, host: str | None, report: Report, move: Moved) -> Answer:
    """Hold a report about one or some destinations against a move to one of them."""
    verdict = report.verdict
    return Answer(
        subject=subject,
        host=host,
        verdict=verdict,
        is_moved=move.is_done and move.host in {d.host for d in report.destinations},
        nova=_said(move),
        unknown=_checks(report, Status.UNKNOWN) if verdict is Verdict.UNKNOWN else (),
        failed=_checks(report, Status.FAIL) if verdict is Verdict.BLOCKED else (),
    )


def _said(move: Moved) -> str:
    if move.status is None:
        return f"refused: {move.refusal}"
    return f"{move.status}, the server is on {move.host}"


def _checks(report: Report, status: Status) -> tuple[str, ...]:
    found = {r.id for r in report.all_checks if r.status is status and r.is_decisive}
    if status is Status.FAIL:
        found |= {r.id for r in report.all_checks if r.status is status}
    return tuple(sorted(found))
