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

"""Draining a host from the question to the end: what is asked, and in which order."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from vfio_lm.cloud.nova import MigrationClient, SchedulingClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.drain.execute import DrainExecutor, Observer
from vfio_lm.drain.lines import Line, State, lines
from vfio_lm.drain.occupancy import Occupancy, occupancy
from vfio_lm.drain.solver import require_solver
from vfio_lm.preflight import Inputs, Report, check_with
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.gather.collection import collect
from vfio_lm.preflight.gather.selection import Selection, select
from vfio_lm.preflight.registry import installed_checks

if TYPE_CHECKING:
    from openstack.connection import Connection


@dataclasses.dataclass(frozen=True)
class Drain:
    """What becomes of the servers with PCI devices of a host."""

    host: str
    lines: tuple[Line, ...]
    others: int
    """How many servers are on the host that hold no PCI device, as far as is known."""
    others_are_known: bool
    """False where neutron does not show which of the others have ports with a device."""
    arriving: tuple[str, ...]
    """Names of servers that live migrate to the host."""
    is_enabled: bool
    """Whether nova may still put servers on the host."""

    @property
    def is_under_way(self) -> bool:
        """Whether a live migration to the host or from it is in progress."""
        return bool(self.arriving) or any(line.state is State.LEAVING for line in self.lines)


class HostDrain:
    """The drain of one host.

    :param connection: a connection with the admin role
    :param read_inputs: what is known beyond the APIs; read again before each server's turn, as
        files of hosts may have changed
    """

    def __init__(
        self, connection: Connection, host: str, read_inputs: Callable[[], Inputs]
    ) -> None:
        self._connection = connection
        self._host = host
        self._read_inputs = read_inputs
        self._used: set[str] = set()

    @functools.cached_property
    def _nova(self) -> MigrationClient:
        return MigrationClient.of(self._connection)

    def plan(self) -> Drain:
        """Say which servers can leave together; nothing is changed.

        :raises CloudError: if nova or placement does not answer, the host does not exist, or the
            user's roles do not suffice
        :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
        :raises vfio_lm.drain.solver.SolverError: if the solver is not installed, or gives up
        """
        inputs = self._read_inputs()
        cloud = WholeCloud(self._connection)
        service = cloud.service(self._host)
        now = occupancy(self._nova, self._host)
        moving = {each.server.id for each in (*now.leaving, *now.arriving)}
        found = select(cloud, Selection(source_host=self._host))
        subjects = [each for each in found.subjects if each.server.id not in moving]
        checks = installed_checks()
        checked = [(facts, examine(facts, checks)) for facts in collect(cloud, subjects, inputs)]
        return Drain(
            host=self._host,
            lines=(*_leaving(now), *lines(checked)),
            others=found.others,
            others_are_known=found.others_are_known,
            arriving=tuple(each.server.name for each in now.arriving),
            is_enabled=service.is_enabled,
        )

    def execute(
        self,
        observer: Observer,
        *,
        parallel: int = 1,
        keep_going: bool = False,
        disabled_reason: str | None = None,
    ) -> Drain:
        """Follow what is under way, then plan, then move the servers that can leave.

        :param parallel: how many live migrations may be in progress
        :param keep_going: whether others begin after one has failed
        :param disabled_reason: why the host is disabled first, so that no server comes any more;
            None leaves it as it is
        :returns: the plan with what has become of it; what was not begun can still leave
        :raises CloudError: and others as :meth:`plan` does, before any server is moved
        """
        # What can go wrong without the cloud is to do so before anything is changed.
        require_solver()
        self._read_inputs()
        if disabled_reason is not None:
            self._disable(disabled_reason, observer)
        executor = DrainExecutor(
            self._host,
            self._nova,
            PlacementClient.of(self._connection),
            self._check_again,
            observer,
            parallel=parallel,
            keep_going=keep_going,
        )
        settled: dict[str, Line] = {}
        while True:
            now = occupancy(self._nova, self._host)
            if not observer.wants_stop and (now.leaving or now.arriving):
                found = executor.settle(now.leaving, now.arriving)
                settled |= {line.server_id: line for line in found}
                continue
            plan = self.plan()
            # Another drain may have begun the next one meanwhile.
            if observer.wants_stop or not plan.is_under_way:
                break
        done = executor.run(plan.lines)
        return dataclasses.replace(plan, lines=_together(settled, done))

    def _check_again(self, server_id: str, host: str) -> Report:
        """Run the preflight of a server before its turn.

        What a file has of nova's word about a host is no longer true once a server went there.
        """
        inputs = self._read_inputs()
        if host in self._used:
            inputs = dataclasses.replace(inputs, nova_words=())
        self._used.add(host)
        return check_with(self._connection, server_id, inputs, host=host)

    def _disable(self, reason: str, observer: Observer) -> None:
        """Disable the host; one that is disabled already keeps its reason."""
        service = WholeCloud(self._connection).service(self._host)
        if service.is_enabled:
            SchedulingClient.of(self._connection).disable(self._host, reason)
            observer.say(f"Disabled nova-compute on {self._host}: {reason}")
        else:
            why = f": {service.disabled_reason}" if service.disabled_reason else ""
            observer.say(f"nova-compute on {self._host} is disabled already{why}")
        observer.say(
            f"To enable it again: openstack compute service set --enable {self._host} nova-compute"
        )


def _leaving(now: Occupancy) -> tuple[Line, ...]:
    return tuple(
        Line(each.server.id, each.server.name, State.LEAVING, destination=each.destination)
        for each in now.leaving
    )


def _together(settled: Mapping[str, Line], done: Iterable[Line]) -> tuple[Line, ...]:
    """Return what was under way, then the plan; a server that failed to leave is in both."""
    lines = dict(settled)
    for line in done:
        if line.server_id not in settled or line.state is not State.CAN_LEAVE:
            lines[line.server_id] = line
    return tuple(lines.values())
