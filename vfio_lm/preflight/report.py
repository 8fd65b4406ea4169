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

"""The report of a preflight: results, verdicts, and their JSON form; no face's layout."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
from collections.abc import Collection, Iterable
from typing import Any

from vfio_lm.cloud.model import Marking
from vfio_lm.preflight.check import Evidence, Refuser, Scope, Status

#: Raised when a key of :meth:`Report.to_dict` is renamed or removed; new keys may come any time.
SCHEMA_VERSION = 1


class Verdict(enum.Enum):
    """The answer of a preflight, for one destination or for the server."""

    READY = "ready"
    """No check fails, and none that decides is unknown."""
    BLOCKED = "blocked"
    """A check fails; for the server: one of its own or its source's, or one at every host."""
    UNKNOWN = "unknown"
    """Nothing fails, but a check that decides lacks its input."""


class NovaStance(enum.Enum):
    """What nova's own word did to the answer of a check."""

    SETTLES = "settles"
    """It is not known to the check, and nova has answered it."""
    CONTRADICTS = "contradicts"
    """The check objected, and nova accepts."""


@dataclasses.dataclass(frozen=True)
class NovaSource:
    """Where nova's own word about a server is from."""

    origin: str
    """The path of a file, or ``nova-api``."""
    taken_at: datetime.datetime
    nova_version: str
    counts: bool
    """Whether it was taken into account, see the check ``nova-dry-run``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "from": self.origin,
            "taken_at": self.taken_at.isoformat(),
            "nova_version": self.nova_version,
            "counts": self.counts,
        }


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """One check's answer, with what the check is."""

    id: str
    scope: Scope
    host: str | None
    """The host it is about; None for the server and the cloud."""
    status: Status
    message: str
    remedy: str
    evidence: Evidence
    refused_by: Refuser
    is_decisive: bool
    may_end_in_error: bool = False
    """Whether nova, where it refuses for this, may put the server into ERROR."""
    nova: NovaStance | None = None
    """What nova's own word did to the answer; None if nothing."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "scope": self.scope.value,
            "host": self.host,
            "status": self.status.value,
            "message": self.message,
            "remedy": self.remedy or None,
            "refused_by": self.refused_by.value,
            "is_decisive": self.is_decisive,
            "may_end_in_error": self.may_end_in_error,
            "nova": self.nova.value if self.nova else None,
            "evidence": dict(self.evidence),
        }


@dataclasses.dataclass(frozen=True)
class DeviceReport:
    """The PCI devices of one kind on one PF, or one device that has no PF."""

    provider: str | None
    """UUID of its resource provider; None where the devices are not in placement."""
    address: str | None
    """Of the PF, or of the device itself."""
    resource_class: str
    free: int
    total: int
    live_migratable: Marking

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        fields = dict(vars(self))
        return fields | {"live_migratable": self.live_migratable.value}


@dataclasses.dataclass(frozen=True)
class DestinationReport:
    """What the preflight found out about one destination."""

    host: str
    checks: tuple[CheckResult, ...]
    devices: tuple[DeviceReport, ...]
    """PCI devices there of the kinds that the server needs."""
    may_be_chosen: bool = True
    """Whether nova may choose it by itself, where the request names no host."""
    weight: float | None = None
    """The scheduler's, of nova's own word; None if not known."""

    @functools.cached_property
    def verdict(self) -> Verdict:
        """Whether nova could move the server there, as far as the destination is concerned."""
        return _verdict(self.checks)

    @property
    def free_devices(self) -> int | None:
        """Free devices of the kinds that the server needs, but for those not declared.

        None where it is not known: no device was seen, and that does not block the destination.
        """
        if not self.devices and self.verdict is Verdict.UNKNOWN:
            return None
        return sum(d.free for d in self.devices if d.live_migratable is not Marking.NOT_MARKED)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "host": self.host,
            "verdict": self.verdict.value,
            "may_be_chosen": self.may_be_chosen,
            "devices": [device.to_dict() for device in self.devices],
            "checks": [result.to_dict() for result in self.checks],
        }


@dataclasses.dataclass(frozen=True)
class Report:
    """The whole answer for one server."""

    server_id: str
    server_name: str
    source_host: str
    requested_host: str | None
    nova_microversion: str
    checks: tuple[CheckResult, ...]
    """Answers about the server, its source and the cloud."""
    destinations: tuple[DestinationReport, ...]
    """Ready ones first, then unknown ones, then blocked ones."""
    files: tuple[str, ...] = ()
    """The nova.conf and host facts files that were looked at."""
    nova_says: NovaSource | None = None
    """None where nova itself was not asked."""

    @property
    def verdict(self) -> Verdict:
        """Whether the server can live migrate."""
        own = _verdict(self.checks)
        there = {destination.verdict for destination in self.destinations}
        if own is Verdict.BLOCKED or there <= {Verdict.BLOCKED}:
            return Verdict.BLOCKED
        if own is Verdict.READY and Verdict.READY in there:
            return Verdict.READY
        return Verdict.UNKNOWN

    @property
    def host_to_name(self) -> str | None:
        """The host that the request has to name, so that what is said will happen.

        A server is ready for the hosts that are ready. Nova, which looks at less, may choose
        another one by itself. None where it cannot, or where a host was asked for anyway.
        """
        if self.requested_host is not None or self.verdict is not Verdict.READY:
            return None
        if not self.hosts_not_to_choose:
            return None
        ready = [each for each in self.destinations if each.verdict is Verdict.READY]
        best = max(ready, key=lambda d: (d.weight or 0.0, d.free_devices or 0))
        return best.host

    @property
    def hosts_not_to_choose(self) -> tuple[str, ...]:
        """Destinations that are not ready, and that nova may choose by itself."""
        return tuple(
            each.host
            for each in self.destinations
            if each.verdict is not Verdict.READY and each.may_be_chosen
        )

    @property
    def may_end_in_error(self) -> bool:
        """Whether what is not known may make nova put a running server into ERROR."""
        open_to_nova = (
            each.checks
            for each in self.destinations
            if each.may_be_chosen or self.requested_host is not None
        )
        return any(
            result.status is Status.UNKNOWN and result.is_decisive and result.may_end_in_error
            for results in (self.checks, *open_to_nova)
            for result in results
        )

    @property
    def all_checks(self) -> tuple[CheckResult, ...]:
        """Every answer: of the server, source and cloud, then of each destination."""
        return self.checks + tuple(
            result for destination in self.destinations for result in destination.checks
        )

    def hosts(self, verdict: Verdict) -> tuple[str, ...]:
        """Return the destinations of one verdict."""
        return tuple(d.host for d in self.destinations if d.verdict is verdict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; its keys are stable within one ``schema_version``."""
        return {
            "schema_version": SCHEMA_VERSION,
            "server": {"id": self.server_id, "name": self.server_name, "host": self.source_host},
            "requested_host": self.requested_host,
            "verdict": self.verdict.value,
            "host_to_name": self.host_to_name,
            "may_end_in_error": self.may_end_in_error,
            "nova_microversion": self.nova_microversion,
            "files": list(self.files),
            "nova_says": self.nova_says.to_dict() if self.nova_says else None,
            "checks": [result.to_dict() for result in self.checks],
            "destinations": [destination.to_dict() for destination in self.destinations],
        }


def _verdict(results: Iterable[CheckResult]) -> Verdict:
    seen: Collection[CheckResult] = tuple(results)
    if any(result.status is Status.FAIL for result in seen):
        return Verdict.BLOCKED
    if any(result.status is Status.UNKNOWN and result.is_decisive for result in seen):
        return Verdict.UNKNOWN
    return Verdict.READY
