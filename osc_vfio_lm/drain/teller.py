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

"""What a drain says while it is carried out, and how it is stopped; it is done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from osc_vfio_lm.command import say
from osc_vfio_lm.interrupts import Interrupts
from osc_vfio_lm.migration import words
from osc_vfio_lm.pace_line import PaceLine

if TYPE_CHECKING:
    from vfio_lm.cloud.model import Migration, Server
    from vfio_lm.cloud.nova import MigrationClient
    from vfio_lm.migration import Pace


class DrainTeller:
    """Writes to standard error, and takes Ctrl-C as long as it is entered.

    The first Ctrl-C lets nothing new begin, the second ends the waiting.
    """

    def __init__(self, app: Any, nova: MigrationClient) -> None:
        self._app = app
        self._nova = nova
        self._line = PaceLine(app.stderr)
        self._interrupts = Interrupts()
        self._has_said_so = False

    def __enter__(self) -> DrainTeller:
        """Take Ctrl-C."""
        self._interrupts.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give Ctrl-C back."""
        self._interrupts.__exit__(kind, error, trace)
        self._line.end()

    @property
    def wants_stop(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._interrupts.came

    def say(self, sentence: str) -> None:
        """Write a line."""
        self._line.end()
        say(self._app, [sentence])

    def show(self, paces: Mapping[str, Pace]) -> None:
        """Write how far the live migrations have come."""
        if self.wants_stop and not self._has_said_so:
            self._has_said_so = True
            self.say(
                "Beginning no other live migration, and waiting for those in progress; "
                "Ctrl-C again leaves them to nova"
            )
        if paces:
            self._line.show(paces)

    def failed(self, server: Server, migration: Migration | None, request_id: str) -> None:
        """Write why a live migration failed, as far as is known."""
        from vfio_lm.errors import VfioLmError

        try:
            for line in words.failure(self._nova, server, migration, request_id):
                self.say(line)
        except VfioLmError as exc:
            self.say(f"Why is not known: {exc}")
