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

"""All agents of a cloud's neutron: which run, and what they know of the guests.

Those for SR-IOV are neutron's; those for Open vSwitch speak with neutron as the real ones do, by
neutron's RPC classes, and have no bridge. neutron 29.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import threading
import traceback
import urllib.request
from collections.abc import Mapping
from typing import Any

import oslo_messaging
from neutron.agent import rpc as agent_rpc
from neutron.conf.agent import common as agent_conf
from neutron.objects import agent as agent_object
from neutron_lib import constants, context
from neutron_lib.agent import topics
from oslo_config import cfg
from oslo_utils import timeutils

from tests.cloud.neutron_configs import REPORT_INTERVAL
from tests.cloud.services import sriov_agents
from tests.cloud.settings import Settings
from tests.cloud.spec import HostSpec

#: a report of long ago, as of a host that somebody pulled the plug of
LONG_AGO = datetime.timedelta(days=1)

POLL_SECONDS = 0.5


@dataclasses.dataclass(slots=True)
class BridgeAgent:
    """What an Open vSwitch agent says of itself, and what of it neutron knows already.

    :ivar plugged: the MAC addresses that neutron knows to be on the bridge.
    """

    state: dict[str, Any]
    plugged: frozenset[str] = frozenset()


class _Bindings:
    """What the server announces to bridge agents: a binding became the active one."""

    target = oslo_messaging.Target(version="1.5")

    def __init__(self, agents: Agents) -> None:
        self._agents = agents

    def binding_activate(self, _: Any, host: str, **__: Any) -> None:
        """Take the port for one that has just been plugged."""
        self._agents.forget_what_is_known(host)

    def binding_deactivate(self, *_: Any, **__: Any) -> None:
        """Leave the port alone: nova unplugs it."""


class Agents:
    """The agents of all hosts."""

    def __init__(self, settings: Settings) -> None:
        agent_conf.register_agent_state_opts_helper(cfg.CONF)
        sriov_agents.install()
        self._settings = settings
        self._context = context.get_admin_context_without_session()
        self._reports = agent_rpc.PluginReportStateAPI(topics.REPORTS)
        self._plugin = agent_rpc.PluginApi(topics.PLUGIN)
        self._for_sriov: dict[str, sriov_agents.SriovAgent] = {}
        self._for_bridge: dict[str, BridgeAgent] = {}
        self._guests: Mapping[str, Any] = {}
        self._lock = threading.Lock()
        agent_rpc.create_consumers(
            [_Bindings(self)],
            topics.AGENT,
            [[topics.PORT_BINDING, topics.ACTIVATE], [topics.PORT_BINDING, topics.DEACTIVATE]],
        )

    def start_all(self) -> None:
        """Start the agents of every host, and what keeps them up to date."""
        for host in self._settings.spec.hosts:
            self._start(host, None)
        for work, seconds in ((self._report, REPORT_INTERVAL), (self._look, POLL_SECONDS)):
            threading.Thread(target=_repeat, args=(work, seconds), daemon=True).start()

    def start(self, host: Mapping[str, Any], agent_type: str | None = None) -> None:
        """Start the agents of a host again, or the one of a type."""
        spec = HostSpec.from_json(host)
        self._end(spec.name, agent_type)
        self._start(spec, agent_type)

    def stop(self, name: str, agent_type: str | None = None) -> None:
        """Silence the agents of a host, or the one of a type; they count as dead at once.

        Their last report is moved into the past, instead of waiting for ``agent_down_time``.
        """
        self._end(name, agent_type)
        for row in agent_object.Agent.get_objects(context.get_admin_context(), host=name):
            if agent_type in (None, row.agent_type):
                row.heartbeat_timestamp = timeutils.utcnow() - LONG_AGO
                row.update()

    def forget(self, name: str) -> None:
        """Take the agents of a host away, as if there had never been any."""
        self._end(name, None)
        for row in agent_object.Agent.get_objects(context.get_admin_context(), host=name):
            row.delete()

    def forget_what_is_known(self, host: str) -> None:
        """Let the bridge agent of a host say again which ports are up."""
        with self._lock:
            agent = self._for_bridge.get(host)
        if agent is not None:
            agent.plugged = frozenset()

    def _start(self, spec: HostSpec, agent_type: str | None) -> None:
        if agent_type in (None, constants.AGENT_TYPE_NIC_SWITCH):
            self._for_sriov[spec.name] = sriov_agents.SriovAgent(spec, self._vfs)
        if agent_type in (None, constants.AGENT_TYPE_OVS):
            agent = BridgeAgent(_bridge_state(spec))
            # a call, so that neutron knows the agent when this returns
            first = agent.state | {"start_flag": True}
            self._reports.report_state(self._context, first, use_call=True)
            with self._lock:
                self._for_bridge[spec.name] = agent

    def _end(self, name: str, agent_type: str | None) -> None:
        if agent_type in (None, constants.AGENT_TYPE_NIC_SWITCH):
            agent = self._for_sriov.pop(name, None)
            if agent is not None:
                agent.stop()
        if agent_type in (None, constants.AGENT_TYPE_OVS):
            with self._lock:
                self._for_bridge.pop(name, None)

    def _vfs(self, host: str) -> list[tuple[str, str]]:
        return [(vf["mac"], vf["address"]) for vf in self._guests.get(host, {}).get("vfs", ())]

    def _report(self) -> None:
        with self._lock:
            agents = list(self._for_bridge.values())
        for agent in agents:
            self._reports.report_state(self._context, agent.state, use_call=True)

    def _look(self) -> None:
        self._guests = self._plugged()
        with self._lock:
            agents = list(self._for_bridge.items())
        for host, agent in agents:
            present = frozenset(self._guests.get(host, {}).get("bridge", ()))
            if present != agent.plugged:
                self._wire(host, agent, present)

    def _wire(self, host: str, agent: BridgeAgent, present: frozenset[str]) -> None:
        """Say what has come and gone.

        Also of a port that migrates to the host: ``treat_devices_added_or_updated`` in
        ``ovs_neutron_agent.py``. What is gone may be a port that is up elsewhere; neutron knows.
        """
        added, removed = present - agent.plugged, agent.plugged - present
        name = f"ovs-agent-{host}"
        self._plugin.get_devices_details_list(self._context, list(added), name, host)
        self._plugin.update_device_list(self._context, list(added), list(removed), name, host)
        agent.plugged = present

    def _plugged(self) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._settings.url('control')}/plugged",
            data=b"{}",
            headers={"X-Control-Key": self._settings.control_key},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            result: dict[str, Any] = json.load(response)["result"]
            return result


def _repeat(work: Any, seconds: float) -> None:
    pause = threading.Event()
    while not pause.wait(seconds):
        try:
            work()
        except Exception:  # noqa: BLE001 - an agent goes on
            traceback.print_exc()


def _bridge_state(spec: HostSpec) -> dict[str, Any]:
    return {
        "binary": constants.AGENT_PROCESS_OVS,
        "host": spec.name,
        "topic": constants.L2_AGENT_TOPIC,
        "agent_type": constants.AGENT_TYPE_OVS,
        "configurations": {
            "bridge_mappings": {name: f"br-{name}" for name in spec.physical_networks},
            "datapath_type": "system",
            "integration_bridge": "br-int",
            "ovs_hybrid_plug": False,
        },
    }
