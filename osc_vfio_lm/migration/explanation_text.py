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

"""An explanation as a page for a terminal: what happened, why and how sure, what to do."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from osc_vfio_lm import screen
from vfio_lm.migration import Cause, Explanation, Result
from vfio_lm.migration.causes import plain
from vfio_lm.preflight.wording.way_back import way_back
from vfio_lm.text import server_named

if TYPE_CHECKING:
    from vfio_lm.cloud.model import ActionEvent, Migration, Server

_OUTCOMES = {
    Result.COMPLETED: "completed",
    Result.IN_PROGRESS: "is still in progress",
    Result.FAILED: "failed",
}


def page(server: Server, explanation: Explanation) -> Iterator[str]:
    """Yield the lines of the whole page."""
    migration = explanation.attempt.migration
    yield from screen.prose(_headline(server, migration, explanation.result))
    yield from screen.prose(_record(migration), 2)
    if explanation.failed_events:
        yield from _titled("What nova recorded:")
        for event in explanation.failed_events:
            yield from screen.prose(event_line(event), 2, hanging=2)
    if explanation.result is Result.FAILED:
        yield from _why(explanation)
        yield from _what_to_do(explanation)
    if server.vm_state == "error":
        yield from _titled("The server is in ERROR:")
        yield from screen.steps(way_back(server, migration), 2)


def event_line(event: ActionEvent) -> str:
    """Return a failed step with nova's own words, on one line."""
    where = f" on {event.host}" if event.host else ""
    return f"{event.name}{where}: {plain(event.details) or 'no details'}"


def cause_line(cause: Cause) -> str:
    """Return a cause with how sure it is."""
    check = f" (check {cause.check})" if cause.check else ""
    return f"{cause.certainty.value}: {cause.sentence}{check}"


def _headline(server: Server, migration: Migration, result: Result) -> str:
    where = f" to {migration.destination}" if migration.destination else ""
    return (
        f"The live migration of {server_named(server.name, server.id)} from {migration.source}"
        f"{where} {_OUTCOMES[result]}."
    )


def _record(migration: Migration) -> str:
    began = migration.created_at.astimezone(datetime.timezone.utc)
    return f"migration {migration.id}, status {migration.status}, of {began:%Y-%m-%d %H:%M:%S} UTC"


def _why(explanation: Explanation) -> Iterator[str]:
    yield from _titled("Why:")
    if not explanation.causes:
        yield "  The cause is not known."
        yield from _evidence(explanation.errors)
    for number, cause in enumerate(explanation.causes):
        yield from screen.prose(cause_line(cause), 2)
        yield from _evidence(cause.evidence if not number else cause.evidence[:1])


def _evidence(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from screen.prose(line, 4)


def _what_to_do(explanation: Explanation) -> Iterator[str]:
    remedies = dict.fromkeys(cause.remedy for cause in explanation.causes if cause.remedy)
    if remedies:
        yield from _titled("What to do:")
    for number, remedy in enumerate(remedies):
        yield from screen.steps(f"or {remedy}" if number else remedy, 2)
    if explanation.next_step:
        yield from _titled("Where to find more:")
        yield from screen.prose(explanation.next_step, 2, hanging=0)


def _titled(title: str) -> Iterator[str]:
    yield ""
    yield title
