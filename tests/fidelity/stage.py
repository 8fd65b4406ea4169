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

"""Bringing the shared cloud into the shape of a scenario; what is asked there is elsewhere."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.cloud import Cloud, CloudError
from tests.cloud.administrator import MICROVERSION, Administrator, Moved
from tests.cloud.shared import SharedCloud
from tests.fidelity import ports
from tests.fidelity.history import Past
from tests.fidelity.scenario import HostState, Scenario, ServerPlan, ServerState

_ACTIONS = {
    ServerState.PAUSED: "pause",
    ServerState.LOCKED: "lock",
    ServerState.STOPPED: "os-stop",
}


class CannotStageError(Exception):
    """The scenario makes no sense: nova does not even let its servers be made."""


@dataclasses.dataclass(slots=True)
class Staged:
    """A cloud in the shape of a scenario.

    :ivar server_id: of the server to be live migrated; it changes when it is made again.
    :ivar other_ids: of the servers that were there before.
    """

    scenario: Scenario
    cloud: Cloud
    admin: Administrator
    group_id: str | None = None
    other_ids: tuple[str, ...] = ()
    server_id: str = ""
    port_ids: list[str] = dataclasses.field(default_factory=list)
    past: Past | None = None

    def make_server(self) -> None:
        """Make the server to be live migrated.

        :raises CannotStageError: if nova does not
        """
        plan, past = self.scenario.server, self.past
        if past is not None:
            plan = dataclasses.replace(plan, host=past.first_host)
        try:
            self.port_ids = ports.make_ports(self.admin, plan.ports)
            self.server_id = self._request(plan, "server", self.port_ids)
            self.admin.wait_until_built([self.server_id])
            if past is not None:
                past.happen(self.server_id, self.port_ids)
        except CloudError as error:
            self.undo_history()
            raise CannotStageError(str(error)) from error
        self._bring_into_state(plan.state)

    def bring_home(self, moved: Moved) -> None:
        """Bring the server back to where it was, or make a new one there.

        :param moved: how the server was last moved
        :raises CannotStageError: if neither works
        """
        home = self.scenario.server.host
        if moved.status is not None and not moved.is_done:
            # What a claim leaves behind that failed is taken back by the next periodic task.
            self.cloud.update_resources()
        if moved.host == home and not moved.is_broken:
            return
        is_disabled = any(
            host.spec.name == home and host.state is HostState.DISABLED
            for host in self.scenario.hosts
        )
        if is_disabled:
            self.cloud.enable_host(home)
        self._bring_agents_into_state(everywhere_alive=True)
        has_to_be_new = moved.is_broken or self.scenario.asks_each_mode
        if has_to_be_new or not self.move(home).is_done:
            self.delete_server()
            self.cloud.forget_moves()
            self.make_server()
        if is_disabled:
            self.cloud.disable_host(home)
        self._bring_agents_into_state()

    def move(self, host: str | None = None) -> Moved:
        """Let nova live migrate the server, then do what the preflight advises.

        Nova loses the devices of aliases where a server arrives that has a port with a device as
        well, until nova-compute is restarted there.
        """
        moved = self.admin.live_migrate(self.server_id, host)
        plan = self.scenario.server
        if moved.is_done and plan.aliases and plan.ports:
            self.cloud.restart_host(moved.host)
        return moved

    def make_others(self) -> None:
        """Make the servers that are there before.

        :raises CannotStageError: if nova does not
        """
        plans = enumerate(self.scenario.others)
        try:
            self.other_ids = tuple(
                self._request(plan, f"other{place}", ports.make_ports(self.admin, plan.ports))
                for place, plan in plans
            )
            self.admin.wait_until_built(self.other_ids)
        except CloudError as error:
            raise CannotStageError(str(error)) from error

    def bring_hosts_into_state(self) -> None:
        """Disable and stop the hosts that should be so."""
        for host in self.scenario.hosts:
            if host.state is HostState.DISABLED:
                self.cloud.disable_host(host.spec.name)
            elif host.state is HostState.DOWN:
                self.cloud.stop_host(host.spec.name)
        self._bring_agents_into_state()

    def delete_server(self) -> None:
        """Delete the server and its ports, and undo what happened to it."""
        self.admin.delete(self.server_id)
        self.undo_history()
        ports.delete_ports(self.admin, self.port_ids)
        self.port_ids = []

    def undo_history(self) -> None:
        """Bring back what the server's history changed of the cloud."""
        if self.past is not None:
            self.past.undo()

    def resize_flavor(self) -> str:
        """Make a flavor that the server is resized to, with a device more."""
        plan = self.scenario.server
        name, _, count = (plan.aliases or "").rpartition(":")
        aliases = f"{name}:{int(count) + 1}" if name else None
        return self.admin.flavor(
            aliases, vcpus=plan.vcpus, ram=plan.ram + 128, **dict(plan.extra_specs)
        )

    def _bring_agents_into_state(self, *, everywhere_alive: bool = False) -> None:
        """Let those agents change that are not simply alive in the scenario."""
        for host in self.scenario.hosts:
            if host.agents is not ports.AgentsState.ALIVE:
                state = ports.AgentsState.ALIVE if everywhere_alive else host.agents
                ports.bring_agents_into_state(self.cloud, host.spec, state)

    def _request(self, plan: ServerPlan, name: str, port_ids: list[str]) -> str:
        flavor = self.admin.flavor(
            plan.aliases, vcpus=plan.vcpus, ram=plan.ram, **dict(plan.extra_specs)
        )
        fields: dict[str, Any] = {}
        if plan.image_properties:
            fields["imageRef"] = self.admin.image_with(plan.image_properties)
        if plan.zone is not None:
            fields["availability_zone"] = plan.zone
        if port_ids:
            fields["networks"] = [{"port": port_id} for port_id in port_ids]
        hints = dict(plan.hints)
        if plan.in_group and self.group_id:
            hints["group"] = self.group_id
        return self.admin.request_server(flavor, plan.host, name, hints, **fields)

    def _bring_into_state(self, state: ServerState) -> None:
        if state is ServerState.ACTIVE:
            return
        self.admin.act(self.server_id, {_ACTIONS[state]: None})
        self.admin.settled(self.server_id)


class Stager:
    """Brings one cloud into the shape of one scenario after the other."""

    def __init__(self, shared: SharedCloud) -> None:
        self._shared = shared
        self._staged: Staged | None = None
        self._shape = 0

    def stage(self, scenario: Scenario) -> Staged:
        """Bring the cloud into the shape of a scenario, its servers included.

        Where the last scenario had the same ground, only what differs is made again.

        :raises CannotStageError: if nova does not make its servers
        """
        last, self._staged = self._staged, None
        is_untouched = self._shape == self._shared.shape
        if last and is_untouched and last.scenario.ground == scenario.ground:
            staged = _cleared(last, scenario)
        else:
            if last:
                last.undo_history()
            staged = self._from_the_ground(scenario)
        staged.past = _past(staged)
        staged.make_server()
        staged.bring_hosts_into_state()
        self._staged = staged
        return staged

    def _from_the_ground(self, scenario: Scenario) -> Staged:
        cloud = self._shared.shaped(
            [host.spec for host in scenario.hosts], scenario.aliases, scenario.pci_in_placement
        )
        self._shape = self._shared.shape
        staged = Staged(scenario, cloud, self._shared.admin)
        _make_aggregates(staged)
        if scenario.group_policy is not None:
            staged.group_id = _make_group(staged.admin, scenario.group_policy)
        ports.wait_for_bandwidth(staged.admin, [host.spec for host in scenario.hosts])
        staged.make_others()
        return staged


def _cleared(staged: Staged, scenario: Scenario) -> Staged:
    """Take away what is of the last scenario alone."""
    cloud = staged.cloud
    for host in staged.scenario.hosts:
        if host.state is HostState.DISABLED:
            cloud.enable_host(host.spec.name)
        elif host.state is HostState.DOWN:
            cloud.start_host(host.spec.name)
        if host.agents is not ports.AgentsState.ALIVE:
            cloud.start_network_agents(host.spec)
    staged.delete_server()
    cloud.forget_moves()
    cloud.set_aliases(list(scenario.aliases))
    return dataclasses.replace(staged, scenario=scenario, past=None)


def _past(staged: Staged) -> Past | None:
    scenario = staged.scenario
    if scenario.server.history is None:
        return None
    specs = [host.spec for host in scenario.hosts]
    specs.sort(key=lambda spec: spec.name != scenario.server.host)
    return Past(
        scenario.server.history,
        staged.cloud,
        staged.admin,
        tuple(specs),
        staged.resize_flavor,
        staged.group_id,
    )


def _make_aggregates(staged: Staged) -> None:
    compute = staged.admin.connection.compute
    for zone, hosts in staged.scenario.zones.items():
        aggregate = compute.create_aggregate(name=f"zone-{zone}", availability_zone=zone)
        for host in hosts:
            compute.add_host_to_aggregate(aggregate, host)
    for number, (metadata, hosts) in enumerate(staged.scenario.aggregates):
        aggregate = compute.create_aggregate(name=f"aggregate{number}")
        compute.set_aggregate_metadata(aggregate, dict(metadata))
        for host in hosts:
            compute.add_host_to_aggregate(aggregate, host)


def _make_group(admin: Administrator, policy: str) -> str:
    response = admin.connection.compute.post(
        "/os-server-groups",
        json={"server_group": {"name": policy, "policy": policy}},
        microversion=MICROVERSION,
    )
    return str(response.json()["server_group"]["id"])
