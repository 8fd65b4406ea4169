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

"""The agent as a service: signals, start and end; not what it does in between.

It is one process whose rounds run in a thread of their own, while the main thread waits for
signals. oslo.service would do no more for it, and the one of OpenStack 2025.1 only with eventlet.
Restarting the agent after a crash is systemd's business.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable
from types import FrameType

from oslo_log import log as logging

from placement_sync.agent import notify
from placement_sync.agent.rounds import Agent

LOG = logging.getLogger(__name__)

_CRASHED = 0
"""Stands for the end of the rounds among the numbers of signals."""

_GRACE = 3.0
"""Seconds that a round which only reads may take to its end when the agent is to end."""

_LONGEST_WRITE = 5.0
"""Seconds more for the writes in hand; one that takes longer is placement's to finish or not."""


class Rounds:
    """The rounds of an agent, in a thread.

    :param agent: whose
    :param on_end: called when no more rounds are made, for whatever reason
    """

    def __init__(self, agent: Agent, on_end: Callable[[], None]) -> None:
        self._agent = agent
        self._on_end = on_end
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin with the first round at once."""
        # A service that does not answer must not keep the process.
        threading.Thread(target=self._run, name="rounds", daemon=True).start()

    def stop(self) -> None:
        """End after the write in hand; a service that does not answer is not waited for."""
        self._agent.stop()
        if not self._ended.wait(_GRACE) and not self._agent.wait_for_writes(_LONGEST_WRITE):
            LOG.warning("The agent ends while a service has not answered a write")

    def _run(self) -> None:
        try:
            self._agent.run()
        except Exception:
            LOG.exception("The agent makes no more rounds")
        finally:
            self._ended.set()
            self._on_end()


def serve(agent: Agent, systemd: notify.Systemd, reload: Callable[[], None]) -> int:
    """Make rounds until SIGTERM or SIGINT.

    :param reload: called on SIGHUP
    :returns: the exit status
    """
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def take_note(number: int, _: FrameType | None) -> None:
        signals.put(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, take_note)
    rounds = Rounds(agent, lambda: signals.put(_CRASHED))
    rounds.start()
    systemd.tell(notify.READY)
    while (received := signals.get()) == signal.SIGHUP:
        systemd.tell(*notify.reloading())
        reload()
        systemd.tell(notify.READY)
    if received != _CRASHED:
        LOG.info("%s: the agent ends", signal.Signals(received).name)
    systemd.tell(notify.STOPPING)
    rounds.stop()
    return 1 if received == _CRASHED else 0
