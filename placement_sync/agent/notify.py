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

"""What the service says to systemd (sd_notify(3)); outside of systemd it says nothing."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, MutableMapping

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"
_ALIVE = "WATCHDOG=1"


class Systemd:
    """The service manager that started this process, or none.

    :param environ: ``NOTIFY_SOCKET`` says where it listens, ``WATCHDOG_USEC`` how often it wants
        to hear that the service is alive
    """

    def __init__(self, environ: Mapping[str, str] | MutableMapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        usec = environ.get("WATCHDOG_USEC", "")
        # Twice as often as asked for, as sd_watchdog_enabled(3) advises.
        self.seconds = int(usec) / 2e6 if usec.isdecimal() and int(usec) else None
        self._last = float("-inf")

    def tell(self, *states: str) -> None:
        """Send states, for example :data:`READY` or ``STATUS=…``; without systemd nothing."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.connect(address)
                channel.send("\n".join(states).encode())
            except OSError as exc:
                LOG.debug("cannot notify systemd of %s: %s", ", ".join(states), exc)

    def alive(self) -> None:
        """Say that the service makes progress; to be called as often as it does."""
        now = time.monotonic()
        if self.seconds is not None and now - self._last >= self.seconds / 2:
            self._last = now
            self.tell(_ALIVE)


def reloading() -> tuple[str, str]:
    """Return what says that the configuration is being read again."""
    return ("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
