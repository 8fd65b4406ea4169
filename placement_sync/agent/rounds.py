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

A round never overlaps another one: they are made by one thread, which also tells systemd that the
agent is alive, so that an agent that hangs is started anew. A round that fails is no such case: a
placement that is down does not come back because the agent is restarted.
"""

from __future__ import annotations

import dataclasses
import random
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import tenacity
from keystoneauth1 import exceptions as ksa_exceptions
from oslo_log import log as logging

from placement_sync.agent.credentials import Adapters
from placement_sync.agent.members import Members
from placement_sync.agent.metrics import Health, Metrics
from placement_sync.agent.notify import Systemd
from placement_sync.agent.settings import Settings
from placement_sync.engine.round import FLAVORS, Engine, RoundResult
from vfio_lm.errors import VfioLmError

LOG = logging.getLogger(__name__)

_FIRST_RETRY = 1.0
"""Seconds after the first round that fails."""

_VOLATILE = re.compile(r"0x[0-9a-f]+|req-[0-9a-f-]{36}")
"""What makes the same error look like another one in each round."""


@dataclasses.dataclass(frozen=True, slots=True)
class Orders:
    """What one reading of the configuration results in: all of it, or it is not obeyed."""

    settings: Settings
    engine: Engine
    adapters: Adapters


class Agent:
    """Makes rounds until it is stopped.

    :param orders: what it is told at the beginning
    :param members: the group of agents it belongs to
    :param metrics: where it counts what it does
    :param systemd: whom it tells that it is alive
    """

    def __init__(
        self, orders: Orders, members: Members, metrics: Metrics, systemd: Systemd
    ) -> None:
        self._orders = orders
        self._members = members
        self._metrics = metrics
        self._systemd = systemd
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._known: dict[str, str] = {}
        self._writes = 0
        self._idle = threading.Condition()
        self._failures = 0

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

    def wait_for_writes(self) -> None:
        """Return when no write is in hand; behind :meth:`stop` no other one begins."""
        with self._idle:
            self._idle.wait_for(lambda: not self._writes)

    def health(self) -> Health:
        """Judge whether the agent does its work."""
        settings = self.settings
        return self._metrics.health(settings.unhealthy_after * settings.interval)

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
        orders.adapters.mark_round()
        began = time.monotonic()
        is_complete = False
        try:
            is_complete, errors = self._work(orders)
        except (VfioLmError, ksa_exceptions.ClientException) as exc:
            errors = (_one_line(exc),)
        except Exception as exc:
            # A mistake of ours in one round shall not keep the next one from being made.
            LOG.exception("A round ended with an error that should not be possible")
            errors = (f"{type(exc).__name__}: {_one_line(exc)}",)
        if self._stopping.is_set():
            return is_complete
        self._say_errors(errors)
        self._metrics.count_errors(len(errors))
        if is_complete:
            self._failures = 0
            self._metrics.count_success()
        else:
            self._failures += 1
            self._metrics.count_failure(errors[0])
        LOG.debug("The round took %.2f s", time.monotonic() - began)
        return is_complete

    def _work(self, orders: Orders) -> tuple[bool, tuple[str, ...]]:
        """Read, look, write.

        :returns: whether nothing is left undone, and what went wrong, one line each. A host whose
            files cannot be used is told, and left alone until they can; as long as there are
            others, nothing is left undone for it.
        """
        members = self._members.refresh()
        configs = orders.settings.source.read()
        mine = [host for host in configs.hosts if self._members.owns(host.name)]
        self._metrics.count_members(members, len(mine))
        self._metrics.count_unreadable(len(configs.errors))
        self._systemd.alive()
        began = time.monotonic()
        result = orders.engine.run_round(
            mine, with_flavors=self._members.owns(FLAVORS), writing=self._writing
        )
        self._metrics.count_round(result, time.monotonic() - began)
        self._say_news(result)
        errors = [_one_line(error) for error in (*result.errors, *configs.errors)]
        if not (result.errors or result.is_complete):
            errors.insert(0, "some hosts were left out, because another agent writes to them")
        has_hosts = bool(configs.hosts) or not configs.errors
        return result.is_complete and not result.errors and has_hosts, tuple(errors)

    @contextmanager
    def _writing(self, name: str) -> Iterator[bool]:
        """Ask the other agents, and let no write begin once the agent is to end."""
        self._systemd.alive()
        if self._stopping.is_set():
            yield False
            return
        with self._members.writing(name) as may_write, self._counted():
            yield may_write and not self._stopping.is_set()

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
            self._systemd.alive()
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

    def _say_errors(self, errors: Sequence[str]) -> None:
        """Say each error when it comes and when it goes, however many rounds it lasts."""
        now = {_VOLATILE.sub("", error): error for error in errors}
        for key in sorted(now.keys() - self._known.keys()):
            LOG.error("%s", now[key])
        for key in sorted(self._known.keys() - now.keys()):
            LOG.info("No longer: %s", self._known[key])
        self._known = now


def backoff(failures: int, longest: float) -> float:
    """Return the seconds to wait after a number of failures in a row.

    Twice as long each time, at random so that agents which failed together do not try together,
    and never longer than the usual wait: an agent is back within one interval.
    """
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = max(1, failures)
    wait = tenacity.wait_exponential_jitter(initial=_FIRST_RETRY, max=longest, jitter=_FIRST_RETRY)
    return wait(state)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
