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

"""The process that runs nova's code for the API filter, seen from nova-api: one for each worker.

It is started with the first question, ends by itself when it was not asked for some minutes, and
is ended when it does not answer in time. A socket carries questions and answers: eventlet's and
native threads alike wait for one without stopping others.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PROGRAM = "vfio-lm-nova"

#: Seconds until it is ready, which imports of nova take.
_START_LIMIT = 60.0
#: Seconds beyond the time limit of an answer, in which the child says what it could not do.
_GRACE = 5.0
#: Seconds in which a child that could not start is not started again.
_REST = 30.0
_CHUNK = 1 << 16
_FAILED = b'{"error":'


class ChildError(Exception):
    """No answer; the text says why."""


class BusyError(ChildError):
    """Other questions take all the time."""


def default_command() -> list[str]:
    """Return the command that is installed beside the Python that runs nova-api.

    ``sys.executable`` may be the web server.
    """
    beside = os.path.join(sys.prefix, "bin", PROGRAM)
    return [beside if os.path.exists(beside) else shutil.which(PROGRAM) or PROGRAM]


class Child:
    """At most one process at a time, which answers one question after the other."""

    def __init__(self, command: Callable[[], Sequence[str]]) -> None:
        """Name the command; it is called with each start."""
        self._command = command
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._rest: tuple[float, str] | None = None

    def warm_up(self) -> None:
        """Let a process start in the background: a question will come soon."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._started()
        except ChildError:
            return
        finally:
            self._lock.release()

    def ask(self, question: Mapping[str, Any], seconds: float) -> bytes:
        """Return the answer to a question, as JSON.

        :param seconds: how long it may take, waiting for others included
        :raises ChildError: if there is none
        """
        end = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            raise BusyError("other dry runs take all the time; try again later")
        try:
            process = self._started()
            process.wait_until_ready()
            left = max(0.0, end - time.monotonic())
            line = json.dumps({**question, "seconds": left}).encode() + b"\n"
            answer = process.exchange(line, left + _GRACE)
        except _StartError as exc:
            self._rest = (time.monotonic() + _REST, str(exc))
            self._end()
            raise
        except BaseException:
            # What it still has to say would be taken for the answer to the next question.
            self._end()
            raise
        finally:
            self._lock.release()
        if answer.startswith(_FAILED):
            raise ChildError(f"nova cannot be asked: {json.loads(answer)['error']}")
        return answer

    def _started(self) -> _Process:
        if self._process is not None and self._process.is_running():
            return self._process
        if self._rest is not None and time.monotonic() < self._rest[0]:
            raise ChildError(self._rest[1])
        self._end()
        self._process = _Process(self._command())
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _StartError(ChildError):
    """The process cannot become ready; the next attempt would end as this one."""


class _Process:
    """One process, and the socket to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._owner = os.getpid()
        self._is_ready = False
        self._socket, its = socket.socketpair()
        try:
            self._child = subprocess.Popen(  # noqa: S603 - the operator's
                command, stdin=its.fileno(), stdout=its.fileno(), close_fds=True, cwd="/"
            )
        except OSError as exc:
            self._socket.close()
            raise ChildError(f"{command[0]} cannot be started: {exc.strerror}") from None
        finally:
            its.close()

    def is_running(self) -> bool:
        """Whether it can be asked; not by a process that was forked from the one it belongs to."""
        return self._owner == os.getpid() and self._child.poll() is None

    def wait_until_ready(self) -> None:
        """Wait for its first line.

        :raises ChildError: if that says that nova cannot be asked, or does not come
        """
        if self._is_ready:
            return
        try:
            line = self.exchange(b"", _START_LIMIT)
        except ChildError as exc:
            raise _StartError(str(exc)) from None
        if line.startswith(_FAILED):
            raise _StartError(f"nova cannot be asked: {json.loads(line)['error']}")
        self._is_ready = True

    def exchange(self, line: bytes, seconds: float) -> bytes:
        """Send a line, and return the line that comes back.

        :raises ChildError: if none comes
        """
        end = time.monotonic() + seconds
        chunks: list[bytes] = []
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(line)
            while not (chunks and chunks[-1].endswith(b"\n")):
                self._socket.settimeout(max(0.01, end - time.monotonic()))
                chunk = self._socket.recv(_CHUNK)
                if not chunk:
                    raise ChildError(f"{PROGRAM} ended unexpectedly; see the log of nova-api")
                chunks.append(chunk)
        except socket.timeout:
            raise ChildError(f"{PROGRAM} did not answer in time") from None
        except OSError as exc:
            raise ChildError(f"{PROGRAM} ended unexpectedly: {exc.strerror}") from None
        return b"".join(chunks).rstrip(b"\n")

    def end(self) -> None:
        """End it; one of the process that this one was forked from goes on."""
        self._socket.close()
        if self._owner == os.getpid():
            self._child.kill()
            self._child.wait()
