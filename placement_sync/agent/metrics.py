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

"""What is counted of an agent's work, and how its health is judged; serving it is elsewhere."""

from __future__ import annotations

import dataclasses
import datetime
import json
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from placement_sync.engine.round import RoundResult

_NAMESPACE = "vfio_placement_sync"
_DURATIONS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


@dataclasses.dataclass(frozen=True)
class Health:
    """Whether the agent does its work."""

    is_ok: bool
    reason: str
    """What is wrong; empty if nothing is."""
    last_success: datetime.datetime | None

    def to_json(self) -> str:
        """Return the body of ``/health``."""
        last = self.last_success and self.last_success.isoformat(timespec="seconds")
        status = "ok" if self.is_ok else "failing"
        return json.dumps({"status": status, "reason": self.reason, "last_success": last}) + "\n"


class Metrics:
    """Everything that is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        common: dict[str, Any] = {"namespace": _NAMESPACE, "registry": self.registry}
        self._rounds = Counter("rounds", "Rounds by how they ended", ["outcome"], **common)
        for outcome in ("complete", "failed"):
            self._rounds.labels(outcome)
        self._last_success = Gauge(
            "last_success_timestamp_seconds", "When a round was last complete", **common
        )
        self._duration = Histogram(
            "round_duration_seconds", "How long rounds take", buckets=_DURATIONS, **common
        )
        self._providers = Gauge(
            "providers", "Providers of this agent's hosts in the last round", ["state"], **common
        )
        self._writes = Counter("writes", "Providers and flavors that were changed", **common)
        self._conflicts = Counter(
            "conflicts", "Writes that were repeated because somebody else wrote too", **common
        )
        self._errors = Counter("errors", "Errors of rounds and of hosts' files", **common)
        self._members = Gauge("members", "Agents that share the hosts", **common)
        self._hosts = Gauge("hosts_owned", "Hosts that this agent cares for", **common)
        self._unreadable = Gauge("hosts_unreadable", "Hosts whose files cannot be used", **common)
        self._success: tuple[float, datetime.datetime] | None = None
        self._error = ""

    def count_members(self, members: int, hosts: int) -> None:
        """Note how many agents there are, and how many hosts are this one's."""
        self._members.set(members)
        self._hosts.set(hosts)

    def count_unreadable(self, hosts: int) -> None:
        """Note how many hosts are left alone because of their files."""
        self._unreadable.set(hosts)

    def count_round(self, result: RoundResult, seconds: float) -> None:
        """Note what a round found and did."""
        self._duration.observe(seconds)
        for state, number in (
            ("seen", result.providers),
            ("right", result.right),
            ("wrong", result.wrong),
            ("contested", result.contested),
        ):
            self._providers.labels(state).set(number)
        self._writes.inc(result.writes)
        self._conflicts.inc(result.conflicts)

    def count_success(self) -> None:
        """Note that a round was complete."""
        now = datetime.datetime.now(datetime.timezone.utc)
        self._rounds.labels("complete").inc()
        self._last_success.set(now.timestamp())
        self._success = (time.monotonic(), now)
        self._error = ""

    def count_failure(self, error: str) -> None:
        """Note that a round was not complete.

        :param error: the reason that ``/health`` gives
        """
        self._rounds.labels("failed").inc()
        self._error = error

    def count_errors(self, number: int) -> None:
        """Note how much went wrong in a round."""
        self._errors.inc(number)

    def health(self, allowed_seconds: float) -> Health:
        """Judge by the age of the last complete round; before the first one nothing is known."""
        if self._success is None:
            at, what = None, "no round is complete yet"
        else:
            since, at = self._success
            age = time.monotonic() - since
            if age <= allowed_seconds:
                return Health(True, "", at)
            what = f"no round was complete for {age:.0f} s, and {allowed_seconds:.0f} s are allowed"
        return Health(False, f"{what}; {self._error}" if self._error else what, at)
