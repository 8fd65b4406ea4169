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

"""The rounds of the agent: when they are made and what is said of them; not what a round does.

A round never overlaps another one: they are made by one thread, which also feeds systemd's
watchdog, so that an agent that hangs is restarted. A round that fails is no such case: a placement
that is down does not come back because the agent is restarted.
"""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from keystoneauth1 import exceptions as ksa_exceptions
from oslo_log import log as logging

from placement_sync.agent.ability import Ability
from placement_sync.agent.backend_connection import CoordinationError
from placement_sync.agent.credentials import Adapters
from placement_sync.agent.error_log import ErrorLog, one_line
from placement_sync.agent.host_names import HostNames, told_apart
from placement_sync.agent.members import Members
from placement_sync.agent.metrics import Health, Metrics
from placement_sync.agent.notify import Systemd
from placement_sync.agent.settings import Settings
from placement_sync.engine.finding import AuditFinding, Kind
from placement_sync.engine.round import FLAVORS, Engine, RoundResult
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.hosts import KnownHosts
from vfio_lm.text import counted

LOG = logging.getLogger(__name__)

_FIRST_RETRY = 1.0
"""Seconds after the first round that fails."""

_LATE = 30.0
"""Seconds by which a round may end later than it should before the agent counts as stuck."""


@dataclasses.dataclass(frozen=True)
class Orders:
    """What one reading of the configuration results in: all of it, or it is not obeyed."""

    settings: Settings
    engine: Engine
    adapters: Adapters
    names: HostNames | None = None
    """None where the root providers of hosts are named."""

    def read_hosts(self) -> KnownHosts:
        """Return the hosts with the names of their root providers, as far as these can be found.

        :raises CloudError: if placement does not answer
        """
        known = self.settings.source.read()
        if self.names is None:
            return known
        resolved = self.names.resolve(known.hosts)
        found = told_apart(resolved)
        clear = {host.hypervisor_hostname for host in found.hosts}
        self.names.forget({host.hypervisor_hostname for host in resolved} - clear)
        return KnownHosts(found.hosts, (*known.errors, *found.errors))

    def note_findings(self, findings: Iterable[AuditFinding]) -> None:
        """Look again for providers that are gone."""
        if self.names is not None:
            kind = Kind.HOST_WITHOUT_PROVIDER
            self.names.forget({each.subject for each in findings if each.kind is kind})


@dataclasses.dataclass(frozen=True)
class _Round:
    """How one round ended."""

    is_complete: bool
    errors: tuple[BaseException | str, ...] = ()
    has_worked: bool | None = None
    """Whether the agent could do its work; None where something else kept it from it."""
    is_member: bool = True
    """Whether the hosts were its own."""


class Agent:
    """Makes rounds until it is stopped.

    :param orders: what it is to do at the beginning
    :param members: the group of agents it belongs to
    :param metrics: where it counts what it does
    :param systemd: is notified that it is alive
    :param dead_thread: returns the name of a thread that should run and does not, or nothing
    """

    def __init__(
        self,
        orders: Orders,
        members: Members,
        metrics: Metrics,
        systemd: Systemd,
        dead_thread: Callable[[], str] = lambda: "",
    ) -> None:
        self._orders = orders
        self._members = members
        self._metrics = metrics
        self._systemd = systemd
        self._dead_thread = dead_thread
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._errors = ErrorLog()
        self._ability = Ability()
        self._writes = 0
        self._idle = threading.Condition()
        self._failures = 0
        self._end_of_round = float("inf")

    @property
    def settings(self) -> Settings:
        """What the agent was last told."""
        return self._orders.settings

    def obey(self, orders: Orders) -> None:
        """Take new orders for the next round, and begin it without delay."""
        self._orders = orders
        self._wanted.set()

    def stop(self) -> None:
        """End after the write in hand."""
        self._stopping.set()
        self._wanted.set()

    def wait_for_writes(self, seconds: float) -> bool:
        """Wait until no write is in hand; after :meth:`stop` no other one begins.

        :returns: whether there is none any more
        """
        with self._idle:
            return self._idle.wait_for(lambda: not self._writes, seconds)

    def health(self) -> Health:
        """Judge whether the agent does its work."""
        settings = self.settings
        health = self._metrics.health(settings.unhealthy_after * settings.interval)
        if dead := self._dead_thread():
            return dataclasses.replace(health, is_ok=False, reason=f"the thread {dead} has ended")
        return health

    def run(self) -> None:
        """Make rounds until :meth:`stop`; the first one at once."""
        while not self._stopping.is_set():
            # What is ordered during a round needs another one.
            self._wanted.clear()
            is_complete = self.make_round()
            if not self._stopping.is_set():
                self._wait(self._delay(is_complete))

    def make_round(self) -> bool:
        """Make one round.

        :returns: whether nothing is left undone
        """
        orders = self._orders
        began = time.monotonic()
        self._end_of_round = began + orders.settings.round_timeout
        orders.adapters.begin_round(self._end_of_round)
        try:
            result = self._work(orders)
        except CoordinationError as exc:
            result = _Round(is_complete=False, errors=(exc,))
        except (VfioLmError, ksa_exceptions.ClientException) as exc:
            result = _Round(is_complete=False, errors=(exc,), has_worked=False)
        except Exception as exc:
            # A mistake of ours in one round must not keep the next one from being made.
            if not self._errors.knows(exc):
                LOG.exception("A round ended with an error that should not be possible")
            result = _Round(is_complete=False, errors=(exc,), has_worked=False)
        if not self._stopping.is_set():
            self._note(result)
        LOG.debug("The round took %.2f s", time.monotonic() - began)
        return result.is_complete

    def _work(self, orders: Orders) -> _Round:
        """Read, look, write.

        A host whose files cannot be used is reported, and left alone until they can; while there
        are others, nothing is left undone for it.
        """
        settings = orders.settings
        longest_wait = settings.interval * (1 + settings.jitter)
        view = self._members.refresh(
            is_able=self._ability.is_able,
            valid_for=settings.round_timeout + longest_wait + _LATE,
        )
        if view.has_joined or not view.is_member:
            orders.engine.forget_writes()
        configs = orders.read_hosts()
        hosts = configs.hosts
        mine = [host for host in hosts if self._members.owns(host.name)]
        self._metrics.count_members(view.members, len(mine) if view.is_member else 0)
        self._metrics.count_unreadable(len(configs.errors))
        self._feed_watchdog()
        began = time.monotonic()
        result = orders.engine.run_round(
            mine,
            all_hosts=hosts,
            with_flavors=self._members.owns(FLAVORS),
            writing=self._writing,
            dry_run=not view.is_member,
        )
        self._say_news(result)
        orders.note_findings(result.findings)
        errors: list[BaseException | str] = [*result.errors, *configs.errors]
        has_worked = bool(configs.hosts) and not result.errors
        if not view.is_member:
            errors.append(
                f"this agent failed in several rounds: {counted(view.members, 'other agent')} "
                f"took its hosts"
            )
            return _Round(False, tuple(errors), has_worked, is_member=False)
        self._metrics.count_round(result, time.monotonic() - began)
        if not (result.errors or result.is_complete):
            errors.insert(0, f"hosts are left to the next round: {self._reason_left()}")
        is_complete = has_worked and result.is_complete
        may_judge = is_complete or bool(result.errors) or not configs.hosts
        return _Round(is_complete, tuple(errors), has_worked if may_judge else None)

    def _reason_left(self) -> str:
        if time.monotonic() >= self._end_of_round:
            return f"this one took longer than round_timeout, {self.settings.round_timeout} s"
        return self._members.trouble or "another agent is writing to them"

    def _note(self, result: _Round) -> None:
        """Let log, metrics and the agent itself know how a round ended."""
        self._errors.say(result.errors)
        self._metrics.count_errors(len(result.errors))
        if result.is_complete:
            self._failures = 0
            self._metrics.count_success()
        else:
            self._failures += 1
            self._metrics.count_failure(one_line(result.errors[0]))
        settings, now = self.settings, time.monotonic()
        if result.has_worked is False:
            self._ability.note_failure(now, settings.unhealthy_after)
        elif result.has_worked:
            pause = 0 if result.is_member else settings.interval * (1 + settings.jitter)
            if self._ability.note_success(now, pause) and not result.is_member:
                self._wanted.set()

    @contextmanager
    def _writing(self, name: str) -> Iterator[bool]:
        """Ask the other agents, and let no write begin once the agent or the round is to end."""
        self._feed_watchdog()
        if self._is_over:
            yield False
            return
        with self._members.writing(name) as may_write, self._counted():
            end_of_lock = time.monotonic() + self._members.lock_seconds
            with self._orders.adapters.ending_by(end_of_lock):
                yield may_write and not self._is_over

    @property
    def _is_over(self) -> bool:
        return self._stopping.is_set() or time.monotonic() >= self._end_of_round

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._idle:
            self._writes += 1
        try:
            yield
        finally:
            with self._idle:
                self._writes -= 1
                self._idle.notify_all()

    def _feed_watchdog(self) -> None:
        """Tell systemd that the agent makes progress, unless one of its threads does not."""
        if not self._dead_thread():
            self._systemd.alive()

    def _delay(self, is_complete: bool) -> float:
        """Return the seconds until the next round."""
        settings = self.settings
        usual = settings.interval * random.uniform(1 - settings.jitter, 1 + settings.jitter)  # noqa: S311
        if is_complete:
            return usual
        return min(usual, backoff(self._failures, settings.interval))

    def _wait(self, seconds: float) -> None:
        """Wait, with a sign of life to systemd from time to time, until a round is due."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._feed_watchdog()
            nap = min(self._systemd.seconds or left, left)
            if self._wanted.wait(nap):
                return

    def _say_news(self, result: RoundResult) -> None:
        for finding in result.news:
            LOG.warning("%s", finding)
        if result.writes:
            LOG.info(
                "%d written, %d of %d providers right, %d conflicts with other writers",
                result.writes,
                result.right,
                result.providers,
                result.conflicts,
            )


def backoff(failures: int, longest: float) -> float:
    """Return the seconds to wait after a number of failures in a row.

    Twice as long each time, at random so that agents which failed together do not try together,
    and never longer than the usual wait: an agent is back within one interval.
    """
    doublings = min(max(failures, 1) - 1, 16)
    wait: float = _FIRST_RETRY * 2**doublings + random.uniform(0, _FIRST_RETRY)  # noqa: S311
    return min(wait, longest)
