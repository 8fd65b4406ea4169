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

"""The agent as a service of oslo.service: signals, start and end; not what it does in between.

The service runs in threads of one process. oslo.service's launchers that fork would run it in a
child, and answer SIGHUP with the end of that child, so that a broken configuration would end the
agent instead of being refused. Restarting it after a crash is systemd's business.

Importing this module settles on oslo.service's threading backend for the whole process.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable
from types import FrameType

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import backend

from placement_sync.agent import notify
from placement_sync.agent.rounds import Agent

backend.init_backend(backend.BackendType.THREADING)
from oslo_service import service  # noqa: E402 (it takes the backend as it is imported)

LOG = logging.getLogger(__name__)

_CRASHED = 0
"""Stands for the end of the rounds among the numbers of signals."""

_GRACE = 3.0
"""Seconds that a round which only reads may take to its end when the agent is to end."""

_LONGEST_WRITE = 5.0
"""Seconds more for the writes in hand; one that takes longer is placement's to finish or not."""


class Rounds(service.Service):  # type: ignore[misc]
    """The rounds of an agent.

    :param agent: whose
    :param on_end: called when no more rounds are made, for whatever reason
    """

    def __init__(self, agent: Agent, on_end: Callable[[], None]) -> None:
        super().__init__(threads=1)
        self._agent = agent
        self._on_end = on_end
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin with the first round at once."""
        self.tg.add_thread(self._run)

    def stop(self, graceful: bool = True) -> None:
        """End after the write in hand; a service that does not answer is not waited for."""
        self._agent.stop()
        if not self._ended.wait(_GRACE) and not self._agent.wait_for_writes(_LONGEST_WRITE):
            LOG.warning("The agent ends while a service has not answered a write")
        super().stop(graceful=False)

    def _run(self) -> None:
        try:
            self._agent.run()
        finally:
            self._ended.set()
            self._on_end()


def serve(
    agent: Agent, conf: cfg.ConfigOpts, systemd: notify.Systemd, reload: Callable[[], None]
) -> int:
    """Make rounds until SIGTERM or SIGINT.

    :param reload: called on SIGHUP
    :returns: the exit status
    """
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def take_note(number: int, _: FrameType | None) -> None:
        signals.put(number)

    service.SignalHandler().add_handlers(("SIGTERM", "SIGINT", "SIGHUP"), take_note)
    launcher = service.Launcher(conf)
    launcher.launch_service(Rounds(agent, lambda: signals.put(_CRASHED)))
    systemd.tell(notify.READY)
    while (number := signals.get()) == signal.SIGHUP:
        systemd.tell(*notify.reloading())
        reload()
        systemd.tell(notify.READY)
    if number != _CRASHED:
        LOG.info("%s: the agent ends", signal.Signals(number).name)
    systemd.tell(notify.STOPPING)
    launcher.stop()
    return 1 if number == _CRASHED else 0
