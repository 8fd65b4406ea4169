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

"""Which agent cares for which host; what the agents do with their hosts is not said here.

Two guarantees, both kept by tooz:

- Each host belongs to exactly one member of the group, by a hash ring over the members. A member
  that dies is no member any more after the backend's time-out, and its hosts, only its, move.
- A host is never written by two agents at once, also not while their views of the group differ:
  whoever writes holds the host's lock. Placement's generations guard what a lock cannot, an agent
  that stood still for longer than its lock lasts.
"""

from __future__ import annotations

import dataclasses
import queue
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

import tooz
from oslo_log import log as logging
from oslo_utils import encodeutils
from tooz import coordination
from tooz.hashring import HashRing

from placement_sync.agent.settings import Coordination
from vfio_lm.errors import VfioLmError

LOG = logging.getLogger(__name__)

_NO_ANSWER = "the agents' coordination backend ([coordination]backend_url) does not answer"

_LONGEST_FAREWELL = 3.0
"""Seconds that leaving the group may take; a backend that is away is not waited for."""

_POINTS = 128
"""Of each member on the ring; with tooz's 32 the shares of members differ by half."""


class CoordinationError(VfioLmError):
    """The backend through which agents find one another does not do what it shall."""


class Members(Protocol):
    """What the agent asks of the group it belongs to."""

    def refresh(self) -> int:
        """Look who is there; return how many.

        :raises CoordinationError: if that cannot be found out
        """

    def owns(self, name: str) -> bool:
        """Say whether a host belongs to this agent, as of the last look."""

    def writing(self, name: str) -> AbstractContextManager[bool]:
        """Be the only one who writes to a host while the context lasts; False: do not write."""

    def leave(self) -> None:
        """Give up all hosts."""


class Alone:
    """An agent that shares nothing with others."""

    def refresh(self) -> int:
        """Return one."""
        return 1

    def owns(self, name: str) -> bool:
        """Say yes."""
        return True

    @contextmanager
    def writing(self, name: str) -> Iterator[bool]:
        """Allow it."""
        yield True

    def leave(self) -> None:
        """Do nothing."""


@dataclasses.dataclass(slots=True)
class _Look:
    """A question who is there, and its answer."""

    is_done: threading.Event = dataclasses.field(default_factory=threading.Event)
    members: set[bytes] = dataclasses.field(default_factory=set)
    error: tooz.ToozError | None = None


class Group:
    """A member of the group of agents that share a backend.

    One thread of its own talks to the backend about members: it keeps membership and locks alive,
    and looks who is there when it is asked to. So a backend that does not answer holds up that
    thread (for a minute, with tooz's driver for redis) and not the agent. tooz has such a thread
    too, but that one cannot be ended while the backend is away.

    :param settings: where the others are
    :param takes_part: whether hosts are given to this agent; else it owns all of them, as for one
        round by hand, and only locks what it writes
    :raises CoordinationError: if the backend's URL is not one of tooz
    """

    def __init__(self, settings: Coordination, *, takes_part: bool = True) -> None:
        self.name = f"{socket.gethostname()}/{uuid.uuid4()}"
        self._group = settings.group.encode()
        self._timeout = settings.timeout
        self._takes_part = takes_part
        # The drivers know members as bytes.
        self._member = self.name.encode()
        self._ring = HashRing([])
        self._has_backend = False
        self._is_stopping = False
        self._keeper: threading.Thread | None = None
        self._orders = queue.SimpleQueue[_Look | None]()
        try:
            self._coordinator = coordination.get_coordinator(settings.backend_url, self._member)
        except (tooz.ToozError, RuntimeError, ValueError) as exc:
            # RuntimeError: stevedore finds no driver, or cannot import what the driver needs.
            raise CoordinationError(
                "[coordination]backend_url: tooz has no such backend, or a package that it needs "
                f"is missing: {exc}"
            ) from None

    def refresh(self) -> int:
        """Look who is there, and be among them; return how many there are.

        The backend is asked anew each time, so a member that died is forgotten with the answer,
        and a backend that lost its memory is told again.

        :raises CoordinationError: if the backend does not answer within the group's time-out
        """
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="members", daemon=True)
            self._keeper.start()
        look = _Look()
        self._orders.put(look)
        self._has_backend = False
        if not look.is_done.wait(self._timeout):
            raise CoordinationError(f"{_NO_ANSWER}: nothing is heard for {self._timeout} s")
        if look.error is not None:
            raise CoordinationError(f"{_NO_ANSWER}: {look.error}")
        self._has_backend = True
        self._ring = HashRing(sorted(look.members), partitions=_POINTS)
        return len(look.members)

    def owns(self, name: str) -> bool:
        """Say whether a host belongs to this agent, as of the last look."""
        if not self._takes_part:
            return True
        return self._member in self._ring.get_nodes(name.encode())

    @contextmanager
    def writing(self, name: str) -> Iterator[bool]:
        """Hold the lock of a host.

        The lock of an agent that died in the middle of a write lasts as long as its membership
        did, so that waiting for as long is always enough.
        """
        if not self._has_backend:
            yield False
            return
        lock = self._coordinator.get_lock(self._group + b"-host-" + name.encode())
        try:
            # A number is a time-out for every driver; the annotation has forgotten it.
            is_ours = lock.acquire(blocking=self._timeout)  # type: ignore[arg-type]
        except tooz.ToozError as exc:
            # Each attempt may take a minute: there is none for the other hosts of this round.
            self._has_backend = False
            LOG.warning("%s is not written: its lock cannot be taken: %s", name, exc)
            yield False
            return
        if not is_ours:
            LOG.info("%s is not written: another agent is writing to it", name)
            yield False
            return
        try:
            yield True
        finally:
            # A lock that cannot be given back ends by itself.
            with suppress(tooz.ToozError):
                lock.release()

    def leave(self) -> None:
        """Leave the group, so that the others need not wait for the time-out."""
        self._is_stopping = True
        self._orders.put(None)
        if self._keeper is not None:
            self._keeper.join(_LONGEST_FAREWELL)

    def _keep(self) -> None:
        """Talk to the backend until the agent leaves."""
        is_connected = False
        while not self._is_stopping:
            look = self._next_order()
            if self._is_stopping:
                break
            try:
                if not is_connected:
                    self._coordinator.start()
                    is_connected = True
                self._coordinator.heartbeat()
                if look is not None:
                    look.members = self._look()
            except tooz.ToozError as exc:
                if look is not None:
                    look.error = exc
            finally:
                if look is not None:
                    look.is_done.set()
        if is_connected:
            with suppress(tooz.ToozError):
                self._coordinator.stop()

    def _next_order(self) -> _Look | None:
        """Wait for an order, but not for longer than the members may be silent."""
        try:
            return self._orders.get(timeout=self._timeout / 3)
        except queue.Empty:
            return None

    def _look(self) -> set[bytes]:
        members = self._ask()
        if self._takes_part and self._member not in members:
            self._join()
            members = self._ask() | {self._member}
        return members

    def _ask(self) -> set[bytes]:
        try:
            found = self._coordinator.get_members(self._group).get()
        except coordination.GroupNotCreated:
            return set()
        return {encodeutils.to_utf8(member) for member in found}

    def _join(self) -> None:
        with suppress(coordination.GroupAlreadyExist):
            self._coordinator.create_group(self._group).get()
        with suppress(coordination.MemberAlreadyExist):
            self._coordinator.join_group(self._group).get()
