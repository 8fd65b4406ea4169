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

"""What the engine remembers between rounds: what it wrote, and whether others changed it back.

It is kept in memory only. A new process knows nothing, tries again, and learns the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from placement_sync.engine.decision import Decision

#: Times that our writes may be undone before we leave a provider alone.
PATIENCE = 2


@dataclasses.dataclass
class _Record:
    """What we did to one provider, under one configuration."""

    basis: object
    written: frozenset[str]
    """Traits that we added or removed."""
    reverts: int = 0
    is_contested: bool = False


class Memory:
    """Which providers are contested. A changed configuration of the host ends that."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def is_contested(self, decision: Decision) -> bool:
        """Whether others undid our writes too often; nothing is remembered by asking."""
        record = self._record(decision)
        if record is None:
            return False
        return record.is_contested or self._reverts(record, decision) >= PATIENCE

    def note_written(self, decision: Decision) -> None:
        """Remember that a provider was changed."""
        record = self._record(decision)
        if record is None:
            self._records[decision.uuid] = _Record(decision.basis, decision.changed)
            return
        record.reverts = self._reverts(record, decision)
        record.written |= decision.changed

    def end_round(self, decisions: Iterable[Decision], contested: Collection[str]) -> None:
        """Remember which providers have become contested, and forget those that are gone.

        :param contested: the UUIDs of which :meth:`is_contested` was true before any write
        """
        decided = {decision.uuid: decision for decision in decisions}
        for uuid in self._records.keys() - decided.keys():
            del self._records[uuid]
        for uuid in contested:
            record = self._record(decided[uuid])
            if record is not None:
                record.is_contested = True

    def _record(self, decision: Decision) -> _Record | None:
        record = self._records.get(decision.uuid)
        return record if record is not None and record.basis == decision.basis else None

    @staticmethod
    def _reverts(record: _Record, decision: Decision) -> int:
        """Return how often our writes were undone, with what is seen now."""
        return record.reverts + bool(record.written & decision.changed)
