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

"""Carrying out a plan: live migrations begun, followed and judged; the plan is made elsewhere.

Nothing is kept but what nova and placement keep: whoever runs it again after it was killed finds
the live migrations that are in progress, and plans again for the servers that are still there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from vfio_lm.cloud.model import Migration, Server
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.drain.lines import Line, State, obstacle
from vfio_lm.drain.occupancy import MIGRATING, Underway, just_begun
from vfio_lm.errors import CloudError, NotFoundError, VfioLmError
from vfio_lm.migration import (
    Arrival,
    End,
    GateDecision,
    Mode,
    Pace,
    Pacer,
    collect_arrival,
    decide,
    look,
    verify,
    worst,
)
from vfio_lm.polling import SYSTEM_CLOCK, Clock, poll
from vfio_lm.preflight import Report, Status
from vfio_lm.text import server_named

_POLL_SECONDS = 1.0


class Observer(Protocol):
    """Takes what the execution reports."""

    def say(self, sentence: str) -> None:
        """Take a sentence about a server, before that is done which it says."""

    def show(self, paces: Mapping[str, Pace]) -> None:
        """Take the pace of each live migration in progress, by the name of the server."""

    def failed(self, server: Server, migration: Migration | None, request_id: str) -> None:
        """Take a live migration that failed; without a record if nova gave up before."""

    @property
    def wants_stop(self) -> bool:
        """Whether no other live migration may begin."""


@dataclasses.dataclass(frozen=True)
class _Running:
    """A live migration that is followed."""

    server: Server
    line: Line
    after: int
    request_id: str
    began: float
    pacer: Pacer
    is_arriving: bool = False
    """Whether it comes to the host: then its end matters, and not whether that is good."""


class DrainExecutor:
    """Moves servers from one host, at most some at a time.

    Nova itself runs as many live migrations of a host at once as
    ``[DEFAULT]max_concurrent_live_migrations`` says, and queues the others. Two that go to the
    same destination are never in progress together, nor two of one server group: the scheduler
    chooses devices and looks at groups before nova-compute claims anything, so that the second
    could be given what the first takes.

    :param check: runs the preflight of a server, by its ID, for one destination
    :param parallel: how many live migrations may be in progress
    :param keep_going: whether others begin after one has failed
    """

    def __init__(
        self,
        host: str,
        nova: MigrationClient,
        placement: PlacementClient,
        check: Callable[[str, str], Report],
        observer: Observer,
        *,
        parallel: int = 1,
        keep_going: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._host = host
        self._nova = nova
        self._placement = placement
        self._check = check
        self._observer = observer
        self._parallel = parallel
        self._keep_going = keep_going
        self._clock = clock
        self._was_surprised = False

    @property
    def may_begin(self) -> bool:
        """Whether another live migration may begin: no surprise so far, and it was not stopped."""
        return not self._observer.wants_stop and (self._keep_going or not self._was_surprised)

    def settle(self, leaving: Iterable[Underway], arriving: Iterable[Underway]) -> tuple[Line, ...]:
        """Follow what somebody else, or an earlier run, began.

        :returns: the servers that were leaving, as they are now
        """
        running = [self._follow(each, is_arriving=False) for each in leaving]
        coming = [self._follow(each, is_arriving=True) for each in arriving]
        ours = {each.line.server_id for each in running}
        return tuple(line for line in self._work([], [*running, *coming]) if line.server_id in ours)

    def run(self, lines: Sequence[Line]) -> tuple[Line, ...]:
        """Move the servers that can leave, in their order.

        :returns: all lines in the order given, as they are now
        """
        waiting = [line for line in lines if line.state is State.CAN_LEAVE]
        now = {line.server_id: line for line in self._work(waiting, [])}
        return tuple(now.get(line.server_id, line) for line in lines)

    def _work(self, waiting: list[Line], running: list[_Running]) -> list[Line]:
        """Begin and follow until nothing may begin and nothing runs; return what became of it."""
        done: list[Line] = []
        beginning: Line | None = None

        def all_done(_: float) -> list[Line] | None:
            nonlocal beginning
            while True:
                while self.may_begin and (beginning := self._next(waiting, running)) is not None:
                    waiting.remove(beginning)
                    begun = self._begin_guarded(beginning)
                    if isinstance(begun, _Running):
                        running.append(begun)
                    else:
                        self._end(begun, done)
                beginning = None
                if not running:
                    return done
                self._look_at_all(running, done)
                if running:
                    return None

        try:
            return poll(all_done, every=_POLL_SECONDS, clock=self._clock)
        except KeyboardInterrupt:
            left = [each.line for each in running]
            if beginning is not None:
                left.append(beginning.became(State.UNKNOWN, "interrupted while nova was asked"))
            return [*done, *left]

    def _look_at_all(self, running: list[_Running], done: list[Line]) -> None:
        paces: dict[str, Pace] = {}
        for each in tuple(running):
            line = each.line
            try:
                now = self._look(each, paces)
            except NotFoundError:
                now = line.became(State.LEFT, "it was deleted")
            except VfioLmError as exc:
                now = line.became(State.UNKNOWN, f"the end was not seen: {exc}")
            if now is not None:
                running.remove(each)
                self._end(now, done)
        self._observer.show(paces)

    def _end(self, line: Line, done: list[Line]) -> None:
        done.append(line)
        if line.state in (State.FAILED, State.UNKNOWN):
            self._was_surprised = True
        if line.state is not State.CAN_LEAVE:
            why = f": {line.reason}" if line.reason else ""
            self._observer.say(f"{_named(line)}: {line.state.value}{why}")

    def _next(self, waiting: Iterable[Line], running: Collection[_Running]) -> Line | None:
        """Return the first server that cannot come into conflict with one that moves now."""
        if len(running) >= self._parallel:
            return None
        hosts = {each.line.destination for each in running}
        groups = {each.line.group for each in running} - {None}
        for line in waiting:
            if line.destination not in hosts and line.group not in groups:
                return line
        return None

    def _begin_guarded(self, line: Line) -> _Running | Line:
        try:
            return self._begin(line)
        except NotFoundError:
            return line.became(State.LEFT, "it was deleted")
        except VfioLmError as exc:
            return line.became(State.UNKNOWN, str(exc))

    def _begin(self, line: Line) -> _Running | Line:
        """Look again whether a server can leave, and let nova begin."""
        last = self._nova.newest_migration(line.server_id)
        after = last.id if last is not None else 0
        report = self._check(line.server_id, line.destination)
        # Only now: while it is looked at, another drain may begin with it.
        server = self._nova.server(line.server_id)
        if server.host != self._host:
            return line.became(State.LEFT, f"it is on {server.host} already")
        if server.task_state == MIGRATING and (begun := just_begun(self._nova, server)):
            return self._follow_instead(line, begun)
        decision = decide(Mode.ENFORCE, report)
        if decision is not GateDecision.GO:
            reason, remedy = obstacle(report)
            if decision is GateDecision.STOP:
                now = line.became(State.FAILED, f"it was ready, and is not any more: {reason}")
                return dataclasses.replace(now, remedy=remedy)
            self._observer.say(f"{_named(line)} was ready; now {reason}. Nova decides.")
        if not self.may_begin:
            return line
        self._observer.say(
            f"Asking nova to live migrate {_named(line)} from {self._host} to {line.destination}"
        )
        try:
            request_id = self._nova.live_migrate(server.id, line.destination)
        except CloudError as exc:
            # Somebody else may have been faster, or only nova's answer is lost.
            if self._nova.server(server.id).task_state != MIGRATING:
                return line.became(State.FAILED, str(exc))
            request_id = ""
        return self._running(server, line, after, request_id)

    def _follow(self, underway: Underway, *, is_arriving: bool) -> _Running:
        server = underway.server
        line = Line(server.id, server.name, State.LEAVING, destination=underway.destination)
        where = f" to {underway.destination}" if underway.destination else ""
        self._observer.say(f"Following the live migration of {_named(line)}{where}")
        running = self._running(server, line, underway.after)
        return dataclasses.replace(running, is_arriving=is_arriving)

    def _follow_instead(self, line: Line, underway: Underway) -> _Running:
        """Follow what somebody else, such as another drain, was faster to begin."""
        running = self._follow(underway, is_arriving=False)
        known = dataclasses.replace(line.became(State.LEAVING), destination=underway.destination)
        return dataclasses.replace(running, line=known)

    def _running(self, server: Server, line: Line, after: int, request_id: str = "") -> _Running:
        return _Running(
            server=server,
            line=line.became(State.LEAVING),
            after=after,
            request_id=request_id,
            began=self._clock.now(),
            pacer=Pacer(),
        )

    def _look(self, running: _Running, paces: dict[str, Pace]) -> Line | None:
        """Return what became of a server, or None and its pace while it is under way."""
        server = running.server
        end = look(self._nova, server.id, running.after)
        if end.is_over:
            return self._judge(running, end)
        if (progress := self._nova.in_progress(server.id)) is not None:
            seconds = self._clock.now() - running.began
            paces[server.name] = running.pacer.pace(progress, seconds)
        return None

    def _judge(self, running: _Running, end: End) -> Line:
        line, migration = running.line, end.migration
        if running.is_arriving:
            return line
        if migration is None or not migration.is_completed:
            self._observer.failed(running.server, migration, running.request_id)
            ended = f"ended as '{migration.status}'" if migration else "left no record with nova"
            now = line.became(State.FAILED, f"its live migration {ended}")
            remedy = f"openstack vfio migration explain {line.server_id}"
            return dataclasses.replace(now, remedy=remedy)
        arrival = collect_arrival(
            self._nova, self._placement, migration, line.destination or None, self._clock
        )
        findings = verify(arrival)
        states = {Status.FAIL: State.FAILED, Status.UNKNOWN: State.UNKNOWN}
        status = worst(findings)
        reason = "; ".join(
            f"verification of {finding.id}: {finding.message}"
            for finding in findings
            if finding.status is status and status in states
        )
        now = line.became(states.get(status, State.LEFT), reason)
        return dataclasses.replace(now, destination=arrival.server.host, devices=_devices(arrival))


def _devices(arrival: Arrival) -> Mapping[str, int]:
    """Return the devices that a server holds after its live migration, as placement has it."""
    holdings = arrival.holdings
    if holdings is None:
        return {}
    return {
        provider.pci_address or provider.name: sum(holdings.allocations[uuid].values())
        for uuid, provider in sorted(holdings.providers.items())
        if provider.is_pci
    }


def _named(line: Line) -> str:
    return server_named(line.name, line.server_id)
