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

"""One connection to the agents' coordination backend, from its start to its first error.

tooz's drivers raise whatever their libraries raise, also what is no error of tooz's, and some try
for minutes before they do. Here each question has an answer in time, and the first that has none
ends the connection: what its driver still holds is never refreshed again, so that the backend
forgets it with its lease. Who needs the backend connects again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TypeVar

from tooz import coordination
from tooz.coordination import CoordinationDriver

from placement_sync.agent.backend_url import Coordination
from vfio_lm.errors import VfioLmError

_T = TypeVar("_T")

_NO_ANSWER = "the agents' coordination backend ([coordination]backend_url) does not answer"


class CoordinationError(VfioLmError):
    """The backend through which agents find one another does not answer."""


class BackendConnection:
    """A connection of one member, which begins at once; it may be used from several threads.

    :param settings: where the backend is
    :param member: by which the backend knows this connection, and no other
    :raises CoordinationError: if tooz has no driver that takes the URL
    """

    def __init__(self, settings: Coordination, member: str) -> None:
        self.member = member.encode()
        self._settings = settings
        self._ended = threading.Event()
        self._mutex = threading.Lock()
        self._locks = 0
        try:
            self._coordinator = coordination.get_coordinator(settings.backend_url, self.member)
        except Exception as exc:  # noqa: BLE001 - of whichever library the driver uses
            # RuntimeError, for one: stevedore finds no driver, or cannot import what it needs.
            raise CoordinationError(
                "[coordination]backend_url: tooz cannot use it, or a package that its driver needs "
                f"is missing: {self._text_of(exc)}"
            ) from None
        self._start = _in_background(self._coordinator.start)

    @property
    def is_over(self) -> bool:
        """Whether there was an error, or the end."""
        return self._ended.is_set()

    def wait_until_ready(self) -> None:
        """Wait until the connection is there.

        :raises CoordinationError: if it cannot be made, which is its end; or not in time, but then
            it may still come
        """
        try:
            self._wait(self._start)
        except CoordinationError:
            if self._start.done():
                self._ended.set()
            raise

    def ask(self, question: Callable[[CoordinationDriver], _T]) -> _T:
        """Return what a question to the driver results in.

        :raises CoordinationError: if there is no answer in time, or an error; that is the end of
            the connection
        """
        if self.is_over or not self._start.done():
            raise CoordinationError(f"{_NO_ANSWER}: the connection was lost")
        try:
            return self._wait(_in_background(lambda: question(self._coordinator)))
        except CoordinationError:
            self._ended.set()
            raise

    @contextmanager
    def holding_lock(self) -> Iterator[None]:
        """Let what a lock protects come to its end, whatever becomes of the connection."""
        with self._mutex:
            self._locks += 1
        try:
            yield
        finally:
            with self._mutex:
                self._locks -= 1

    @property
    def has_locks(self) -> bool:
        """Whether anything is protected by a lock."""
        return self._locks > 0

    def abandon(self) -> None:
        """Refresh nothing any more, and leave the rest to the backend."""
        self._ended.set()

    def close(self) -> Future[None]:
        """Let the backend forget this member, in the background; what fails ends with its lease.

        The driver gives back all locks then. One that is held is left for as long as it lasts.
        """
        self._ended.set()
        return _in_background(self._stop)

    def _stop(self) -> None:
        if self.has_locks:
            time.sleep(self._settings.timeout)
        with suppress(Exception):
            self._coordinator.stop()
        # The driver of etcd leaves its sockets to the garbage collector, which may take hours.
        session = getattr(getattr(self._coordinator, "client", None), "session", None)
        if session is not None:
            session.close()

    def _wait(self, answer: Future[_T]) -> _T:
        seconds = self._settings.answer_time
        try:
            return answer.result(seconds)
        except CoordinationError:
            raise
        except Exception as exc:  # noqa: BLE001 - of whichever library the driver uses
            if not answer.done():
                raise CoordinationError(f"{_NO_ANSWER} within {seconds:g} s") from None
            raise CoordinationError(f"{_NO_ANSWER}: {self._text_of(exc)}") from None

    def _text_of(self, exc: Exception) -> str:
        """Return an error without secrets; not every error of a driver has a text."""
        text = self._settings.without_secrets(str(exc)) or type(exc).__name__
        return " ".join(text.split())


def _in_background(function: Callable[[], _T]) -> Future[_T]:
    """Call a function in a thread that nothing waits for when the process ends."""
    answer: Future[_T] = Future()

    def call() -> None:
        try:
            answer.set_result(function())
        except BaseException as exc:  # noqa: BLE001 - it is raised where it is waited for
            answer.set_exception(exc if isinstance(exc, Exception) else RuntimeError(repr(exc)))

    threading.Thread(target=call, name="backend", daemon=True).start()
    return answer
