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

"""A nova and a placement for drains, where the embedded cloud does not come to do it; no tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.migration.records import migration
from tests.unit.preflight import scenario
from vfio_lm.cloud.model import ComputeNode, Migration, Progress, Provider, Server
from vfio_lm.drain import Line, State
from vfio_lm.errors import NotFoundError
from vfio_lm.migration import Pace

SOURCE = "compute1"
RUNS = 3
"""How many times nova is asked about a live migration until it is over."""


class Nova:
    """A nova whose live migrations take some looks; a test changes what it is about."""

    def __init__(self, *names: str) -> None:
        self.found = {name: server(name) for name in names}
        self.records: dict[str, Migration] = {}
        self.left: dict[str, int] = {}
        self.begun: list[str] = []
        self.most_at_once = 0
        self.on_live_migrate: Callable[[str], None] = lambda server_id: None

    def begin(self, server_id: str, host: str) -> None:
        number = len(self.records) + 1
        self.records[server_id] = migration(
            id=number,
            uuid=f"m-{server_id}",
            server_id=server_id,
            status="running",
            destination=host,
        )
        self.found[server_id] = dataclasses.replace(self.found[server_id], task_state="migrating")
        self.left[server_id] = RUNS
        going = [r for r in self.records.values() if r.is_in_progress]
        self.most_at_once = max(self.most_at_once, len(going))

    def live_migrate(self, server_id: str, host: str) -> str:
        self.on_live_migrate(server_id)
        self.begun.append(server_id)
        self.begin(server_id, host)
        return f"req-{server_id}"

    def server(self, server_id: str) -> Server:
        if server_id not in self.found:
            raise NotFoundError(f"no server {server_id}")
        return self.found[server_id]

    def servers(self, host: str) -> tuple[Server, ...]:
        return tuple(each for each in self.found.values() if each.host == host)

    def migrations_in_progress(self, host: str) -> tuple[Migration, ...]:
        return tuple(r for r in self.records.values() if r.is_in_progress)

    def newest_migration(self, server_id: str) -> Migration | None:
        return self.records.get(server_id)

    def in_progress(self, server_id: str) -> Progress | None:
        self.left[server_id] -= 1
        record = self.records[server_id]
        if self.left[server_id] == 0:
            self.records[server_id] = dataclasses.replace(record, status="completed")
            self.found[server_id] = dataclasses.replace(
                self.found[server_id], task_state=None, host=record.destination
            )
        return Progress(record, None, None)

    def nodes(self) -> dict[str, ComputeNode]:
        return {host: scenario.node(host) for host in ("compute2", "compute3")}


class Placement:
    """A placement where each server is on the root provider of its host, without devices."""

    def __init__(self, nova: Nova) -> None:
        self._nova = nova

    def allocations(self, consumer: str) -> Mapping[str, Mapping[str, int]]:
        found = self._nova.found.get(consumer)
        return {found.host: {"VCPU": 1}} if found else {}

    def find_provider(self, *, uuid: str) -> Provider:
        return Provider(uuid=uuid, name=uuid, root_uuid=uuid, parent_uuid=None)

    def with_details(self, provider: Provider) -> Provider:
        return provider


class Observer:
    def __init__(self) -> None:
        self.wants_stop = False
        self.said: list[str] = []
        self.failures: list[str] = []
        self.on_show: Callable[[Mapping[str, Pace]], None] = lambda paces: None

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def show(self, paces: Mapping[str, Pace]) -> None:
        self.on_show(paces)

    def failed(self, server: Server, migration: Migration | None, request_id: str) -> None:
        self.failures.append(server.name)


def server(name: str, **changes: Any) -> Server:
    return scenario.facts(server={"id": name, "name": name, "host": SOURCE} | changes).server


def line(name: str, destination: str = "compute2", **changes: Any) -> Line:
    return Line(name, name, State.CAN_LEAVE, destination=destination, **changes)
