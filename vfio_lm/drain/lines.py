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

"""A drain as it is shown: what becomes of each server of a host, and why; nothing is asked."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Iterable, Iterator, Mapping

from vfio_lm.drain.from_facts import Checked, movers_and_rooms
from vfio_lm.drain.model import PlannedMove
from vfio_lm.drain.plan import plan_drain
from vfio_lm.preflight import CheckResult, Report, Status, Verdict
from vfio_lm.preflight.wording.summary import in_the_way


class State(enum.Enum):
    """How far a server is from having left its host."""

    CAN_LEAVE = "can leave"
    """It is ready to live migrate, and fits together with all others that can leave."""
    LEAVING = "leaving"
    """Its live migration is in progress."""
    LEFT = "left"
    """It is not on the host any more."""
    FAILED = "failed"
    """Its live migration failed, or was not begun because of what changed since the plan."""
    STAYS = "stays"
    """It cannot live migrate, or does not fit anywhere beside the others."""
    UNKNOWN = "unknown"
    """It is unknown whether it can live migrate, or has."""


@dataclasses.dataclass(frozen=True)
class Line:
    """What becomes of one server."""

    server_id: str
    name: str
    state: State
    order: int | None = None
    """Its place among those that can leave, from 1 on."""
    destination: str = ""
    devices: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Devices at the destination that the plan counts on; nova chooses for itself."""
    reason: str = ""
    """Why it is not on its way."""
    remedy: str = ""
    """What to do about that, ready to be pasted."""
    group: str | None = None
    """The server group that limits where it may be, as the plan has it."""

    def became(self, state: State, reason: str = "") -> Line:
        """Return the same server in another state."""
        return dataclasses.replace(self, state=state, reason=reason, remedy="")


def lines(checked: Iterable[Checked]) -> tuple[Line, ...]:
    """Plan for all servers together; those that can leave come first, in their order.

    :param checked: every server of one host that is not moving
    :raises vfio_lm.drain.solver.SolverError: if the solver is not installed, or gives up
    """
    known = tuple(checked)
    plan = plan_drain(*movers_and_rooms(known))
    return (
        *(_leaves(order, move) for order, move in enumerate(plan.moves, start=1)),
        *(
            Line(stay.server.server_id, stay.server.name, State.STAYS, reason=stay.reason)
            for stay in plan.stays
        ),
        *_not_ready(report for _, report in known),
    )


def _leaves(order: int, move: PlannedMove) -> Line:
    return Line(
        server_id=move.server.server_id,
        name=move.server.name,
        state=State.CAN_LEAVE,
        order=order,
        destination=move.host,
        devices=dict(move.devices),
        group=move.server.group,
    )


def _not_ready(reports: Iterable[Report]) -> Iterator[Line]:
    states = {Verdict.BLOCKED: State.STAYS, Verdict.UNKNOWN: State.UNKNOWN}
    for report in sorted(reports, key=lambda report: (report.verdict.value, report.server_name)):
        if report.verdict in states:
            reason, remedy = obstacle(report)
            yield Line(
                report.server_id,
                report.server_name,
                states[report.verdict],
                reason=reason,
                remedy=remedy,
            )


def obstacle(report: Report) -> tuple[str, str]:
    """Return what keeps a server from being ready, and what to do about it.

    What is in the way of the server itself comes first; else it is what is in the way at the
    destination that comes nearest.
    """
    is_blocked = report.verdict is Verdict.BLOCKED
    own = [r for r in in_the_way(report) if r.status is Status.FAIL or not is_blocked]
    if own:
        return _sentences(own)
    if not report.destinations:
        return "there is no other host with a nova-compute", ""
    nearest = min(
        report.destinations,
        key=lambda d: (d.verdict is Verdict.BLOCKED, len(in_the_way(d)), d.host),
    )
    reason, remedy = _sentences(in_the_way(nearest))
    return f"no destination is ready; {nearest.host} comes nearest: {reason}", remedy


def _sentences(results: Collection[CheckResult]) -> tuple[str, str]:
    return (
        "; ".join(f"{result.id}: {result.message}" for result in results),
        "\n".join(dict.fromkeys(result.remedy for result in results)),
    )
