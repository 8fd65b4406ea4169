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

"""The checks of neutron on both hosts: whether it can bind the server's ports, and says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import Port
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    destination_check,
    failed,
    not_applicable,
    passed,
    unknown,
)
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules.port_binding import (
    SRIOV_AGENT,
    Bindable,
    BindingAnswer,
    binding_answer,
    needs_event_of_source,
    sriov_agent,
)
from vfio_lm.preflight.wording.remedy import on_host, paste, steps


@dataclasses.dataclass(frozen=True)
class _AgentOnHost:
    """How an agent is run, as Debian, Ubuntu and RDO package it."""

    unit: str
    mappings: str
    """Where physical networks are configured."""


_AGENTS = {
    SRIOV_AGENT: _AgentOnHost(
        "neutron-sriov-nic-agent", "physical_device_mappings in [sriov_nic] of sriov_agent.ini"
    ),
    "Open vSwitch agent": _AgentOnHost(
        "neutron-openvswitch-agent", "bridge_mappings in [ovs] of openvswitch_agent.ini"
    ),
    "Linux bridge agent": _AgentOnHost(
        "neutron-linuxbridge-agent",
        "physical_interface_mappings in [linux_bridge] of linuxbridge_agent.ini",
    ),
    "Macvtap agent": _AgentOnHost(
        "neutron-macvtap-agent", "physical_interface_mappings in [macvtap] of macvtap_agent.ini"
    ),
    "OVN Controller agent": _AgentOnHost(
        "ovn-controller", "external_ids:ovn-bridge-mappings in Open vSwitch"
    ),
    "OVN Controller Gateway agent": _AgentOnHost(
        "ovn-controller", "external_ids:ovn-bridge-mappings in Open vSwitch"
    ),
}

_SETTLED_BY = "ask with a user whom neutron shows its agents and what carries networks: an admin"


@destination_check(
    "destination-network",
    "Can neutron bind the server's ports there?",
    refused_by=Refuser.CONDUCTOR,
)
def destination_network(facts: Facts, destination: Destination) -> Outcome:
    """Look for what the mechanism that has bound each port needs on the destination.

    Nova binds every port to the destination before it moves the server, and looks for another
    host if neutron cannot.

    Source: ``_bind_ports_on_destination`` in ``nova/conductor/tasks/live_migrate.py`` (nova
    34.0.0).
    """
    if facts.network.ports is None:
        return unknown("neutron does not answer", settled_by=_SETTLED_BY)
    if not _ports(facts):
        return not_applicable("the server has no port")
    if facts.network_agents is None or facts.segments is None:
        return unknown(
            "neutron does not show its agents, or what carries the networks", settled_by=_SETTLED_BY
        )
    agents = facts.network_agents.get(destination.host, ())
    answers = {
        port: binding_answer(port, facts.segments.get(port.network_id, ()), agents)
        for port in _ports(facts)
    }
    evidence = {port.id: answer.reason for port, answer in answers.items()}
    if refused := _those(answers, Bindable.NO):
        return failed(
            f"neutron will not bind {_named(refused)}: {_reasons(answers, refused)}",
            remedy=_remedy(destination.host, {answers[port] for port in refused}),
            ports=evidence,
        )
    if open_ones := _those(answers, Bindable.UNKNOWN):
        return unknown(
            f"cannot tell whether neutron will bind {_named(open_ones)}: "
            f"{_reasons(answers, open_ones)}",
            settled_by=paste("look at the agents there", _list_agents(destination.host)),
            ports=evidence,
        )
    return passed(f"neutron can bind {_named(answers)}", ports=evidence)


@check(
    "source-network",
    Scope.SOURCE,
    "Will neutron tell nova that the server's ports are plugged?",
    refused_by=Refuser.COMPUTE,
)
def source_network(facts: Facts) -> Outcome:
    """Look whether the SR-IOV agent is alive that has the ports with a VF.

    Before the guest moves, nova waits for an event of every port. That of a VF comes from the
    agent of the host that the server leaves, which looks at the port again when nova writes into
    its binding that it is migrating. Without the event nova gives up after
    ``vif_plugging_timeout``, unless ``vif_plugging_is_fatal`` or
    ``live_migration_wait_for_vif_plug`` say otherwise, and neutron calls the port DOWN.

    Source: ``_do_pre_live_migration_from_source`` in ``nova/compute/manager.py`` (nova 34.0.0),
    ``port_update`` in ``mech_sriov/agent/sriov_nic_agent.py`` (neutron 29).
    """
    ports = [port for port in _ports(facts) if needs_event_of_source(port)]
    if not ports:
        return not_applicable("the server has no port with a VF that neutron's agent looks after")
    if facts.network_agents is None:
        return unknown("neutron does not show its agents", settled_by=_SETTLED_BY)
    host = facts.server.host
    state = sriov_agent(facts.network_agents.get(host, ()))
    evidence = [port.id for port in ports]
    if state is not None and state.is_alive:
        return passed("the SR-IOV agent is alive", ports=evidence)
    return failed(
        f"the SR-IOV agent is {'dead' if state else 'missing'}: nova would wait for its word about "
        f"{_named(ports)} for vif_plugging_timeout, 300 s by default, and give up",
        remedy=_started(host, SRIOV_AGENT),
        ports=evidence,
    )


def _ports(facts: Facts) -> tuple[Port, ...]:
    return (*facts.ports, *facts.network.plain_ports)


def _those(answers: Mapping[Port, BindingAnswer], wanted: Bindable) -> list[Port]:
    return [port for port, answer in answers.items() if answer.bindable is wanted]


def _named(ports: Iterable[Port]) -> str:
    return ", ".join(f"port {port.label}" for port in ports)


def _reasons(answers: Mapping[Port, BindingAnswer], ports: Iterable[Port]) -> str:
    return "; ".join(sorted({answers[port].reason for port in ports}))


def _remedy(host: str, obstacles: Iterable[BindingAnswer]) -> str:
    """Say how to mend each agent that is in the way."""
    parts = {
        _mapped(host, each.agent_type, each.lacks_networks)
        if each.lacks_networks
        else _started(host, each.agent_type)
        for each in obstacles
        if each.agent_type is not None
    }
    return steps(*sorted(parts)) or "move the port to a network that the host can serve"


def _started(host: str, agent_type: str) -> str:
    """Say how to start an agent; neutron may need a while to notice."""
    return on_host(host, f"systemctl restart {_AGENTS[agent_type].unit}")


def _mapped(host: str, agent_type: str, networks: Iterable[str]) -> str:
    """Say how to let an agent serve a physical network."""
    agent = _AGENTS[agent_type]
    return steps(
        f"let the agent on {host} serve {' or '.join(networks)}: {agent.mappings}",
        _started(host, agent_type),
    )


def _list_agents(host: str) -> str:
    return f"openstack network agent list --host {host}"
