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

"""A group of agents that share a coordination backend; what they do with their hosts is elsewhere.

Which agent a host belongs to follows from a hash ring over the members. A lock of each host keeps
two agents from writing to it at once, and placement's generations guard what a lock cannot: an
agent that stood still for longer than its lock lasts.
"""

from __future__ import annotations

import itertools
import random
import socket
import threading
import time
import urllib.parse
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager, suppress

from oslo_log import log as logging
from oslo_utils import encodeutils
from tooz import coordination
from tooz.coordination import CoordinationDriver
from tooz.hashring import HashRing
from tooz.locking import Lock

from placement_sync.agent.backend_connection import BackendConnection, CoordinationError
from placement_sync.agent.backend_url import Coordination
from placement_sync.agent.members import GroupView

LOG = logging.getLogger(__name__)

_LONGEST_FAREWELL = 3.0
"""Seconds that leaving the group may take; a backend that is away is not waited for."""

_POINTS = 128
"""Of each member on the ring; with tooz's 32 the shares of members differ by half."""

_MOST_LOST = 4
"""Connections that were lost and not closed yet."""

_BETWEEN_ATTEMPTS = (0.05, 0.3)
"""Seconds before the next attempt to take the lock of a host that another agent writes to."""


class Group:
    """A member of a group; see :class:`placement_sync.agent.members.Members`.

    An agent is known by a name that no other has, and the backend knows it by that name and the
    number of the connection. So the backend may hold on to a connection that was lost, until its
    lease ends, without another agent noticing.

    :param settings: where the others are
    :param takes_part: whether hosts are given to this agent; else it owns all of them, as for one
        round by hand, and only locks what it writes
    :raises CoordinationError: if tooz has no driver that takes the backend's URL
    """

    def __init__(self, settings: Coordination, *, takes_part: bool = True) -> None:
        self.name = f"{socket.gethostname()}-{uuid.uuid4().hex}"
        self._settings = settings
        self._group = settings.group.encode()
        self._takes_part = takes_part
        self._ring = HashRing([])
        self._trouble = ""
        self._is_able = True
        self._has_joined = False
        self._valid_until = float("inf")
        self._numbers = itertools.count(1)
        self._mutex = threading.Lock()
        self._connection = self._make_connection()
        self._lost: deque[BackendConnection] = deque()
        self._wake = threading.Event()
        self._is_leaving = False
        self._keeper = threading.Thread(target=self._keep, name="members", daemon=True)

    @property
    def lock_seconds(self) -> float:
        """How long a host is kept for one writer, whatever happens to it."""
        return float(self._settings.timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the thread that keeps membership and locks alive runs."""
        return self._keeper.ident is None or self._keeper.is_alive()

    @property
    def trouble(self) -> str:
        """Why a host could not be locked since the last look; empty if there was no reason."""
        return self._trouble

    def refresh(self, *, is_able: bool = True, valid_for: float = float("inf")) -> GroupView:
        """Look who is there, and be among them or not; see :class:`Members`."""
        self._trouble = ""
        self._is_able = is_able
        self._valid_until = time.monotonic() + valid_for
        if self._keeper.ident is None:
            self._keeper.start()
        try:
            names, is_member = self._look()
        except CoordinationError:
            self._ring = HashRing([])
            raise
        has_joined, self._has_joined = self._has_joined, False
        # An agent that is no member asks for hosts that would be its own.
        mine = {self.name} if self._takes_part else set()
        self._ring = HashRing(sorted(names | mine), partitions=_POINTS)
        return GroupView(len(names), is_member, has_joined)

    def owns(self, name: str) -> bool:
        """Say whether a host belongs to this agent, as of the last look."""
        if not self._takes_part:
            return True
        return self.name in self._ring.get_nodes(name.encode())

    @contextmanager
    def writing(self, name: str) -> Iterator[bool]:
        """Hold the lock of a host; a lock that cannot be given back ends with its lease."""
        connection = self._connection
        key = self._group + b"-host-" + urllib.parse.quote(name, safe="").encode()
        try:
            lock = connection.ask(lambda driver: driver.get_lock(key))
            is_ours = self._take(connection, lock)
        except CoordinationError as exc:
            LOG.debug("%s is not written: its lock cannot be taken: %s", name, exc)
            self._trouble = str(exc)
            self._wake.set()
            yield False
            return
        if not is_ours:
            self._trouble = "another agent is writing to them"
            LOG.info("%s is not written: another agent is writing to it", name)
            yield False
            return
        with connection.holding_lock():
            try:
                yield True
            finally:
                self._give_back(connection, lock)

    def leave(self) -> None:
        """Leave the group, so that the others need not wait for the time-out."""
        self._is_leaving = True
        self._wake.set()
        connection = self._connection
        if connection.is_over or connection.has_locks:
            # What is being written is not waited for any more, and its lock outlasts it.
            connection.abandon()
            return
        with suppress(futures.TimeoutError):
            connection.close().result(_LONGEST_FAREWELL)

    def _take(self, connection: BackendConnection, lock: Lock) -> bool:
        """Take a lock, or find that another agent has it for as long as a lock may last."""
        end = time.monotonic() + self._settings.timeout
        while not connection.ask(lambda _: lock.acquire(blocking=False)):
            if time.monotonic() > end:
                return False
            time.sleep(random.uniform(*_BETWEEN_ATTEMPTS))  # noqa: S311
        return True

    def _give_back(self, connection: BackendConnection, lock: Lock) -> None:
        with suppress(CoordinationError):
            if not connection.ask(lambda _: lock.release()):
                # It ended while it was held. The driver would refresh for ever what is not there.
                connection.abandon()
        if connection.is_over:
            self._wake.set()

    def _keep(self) -> None:
        """Keep membership and locks alive, and the connection, until the agent leaves."""
        while not self._is_leaving:
            self._wake.wait(self._settings.timeout / 3)
            self._wake.clear()
            if self._is_leaving:
                return
            try:
                if time.monotonic() > self._valid_until:
                    self._lapse()
                else:
                    self._look()
            except CoordinationError as exc:
                # The next round says it, if it lasts.
                LOG.debug("%s", exc)
            except Exception:
                LOG.exception("Membership cannot be kept alive")

    def _lapse(self) -> None:
        """Let the others have the hosts of an agent whose rounds have come to a stop."""
        if not self._connection.is_over:
            LOG.error("The rounds of this agent have come to a stop: others take its hosts")
            self._connection.close()

    def _make_connection(self) -> BackendConnection:
        return BackendConnection(self._settings, f"{self.name}-{next(self._numbers)}")

    def _connected(self) -> BackendConnection:
        """Return the connection, which is made again where it was lost.

        :raises CoordinationError: if it cannot be made in time
        """
        with self._mutex:
            if self._connection.is_over:
                self._lost.append(self._connection)
                self._connection = self._make_connection()
            connection = self._connection
        connection.wait_until_ready()
        return connection

    def _look(self) -> tuple[set[str], bool]:
        """Return the names of the members, and whether this agent is one.

        It becomes one, or leaves, as it should; so a new connection joins.
        """
        connection = self._connected()
        try:
            return connection.ask(lambda driver: self._look_by(driver, connection.member))
        finally:
            # Only now, so that the others see this agent in the group all the time.
            while len(self._lost) > (_MOST_LOST if connection.is_over else 0):
                with suppress(IndexError):
                    self._lost.popleft().close()

    def _look_by(self, driver: CoordinationDriver, member: bytes) -> tuple[set[str], bool]:
        driver.heartbeat()
        found = self._members(driver)
        is_alone = {_agent(each) for each in found} <= {self.name}
        belongs = self._takes_part and (self._is_able or is_alone)
        if belongs and member not in found:
            with suppress(coordination.MemberAlreadyExist):
                driver.join_group(self._group).get()
            found = self._members(driver)
            if member not in found:
                raise CoordinationError("the agents' coordination backend forgets its members")
            self._has_joined = True
        elif not belongs and member in found:
            with suppress(coordination.MemberNotJoined):
                driver.leave_group(self._group).get()
            found = self._members(driver)
        names = {_agent(each) for each in found}
        return (names if belongs else names - {self.name}), belongs

    def _members(self, driver: CoordinationDriver) -> set[bytes]:
        """Return all members by the names that the backend knows; the first look makes a group."""
        try:
            found = driver.get_members(self._group).get()
        except coordination.GroupNotCreated:
            with suppress(coordination.GroupAlreadyExist):
                driver.create_group(self._group).get()
            found = driver.get_members(self._group).get()
        return {encodeutils.to_utf8(each) for each in found}


def _agent(member: bytes) -> str:
    """Return the agent behind a connection."""
    return member.decode(errors="replace").rpartition("-")[0]
