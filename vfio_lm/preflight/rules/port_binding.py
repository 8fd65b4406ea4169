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

"""Whether neutron could bind a port to another host, by its agents there; no I/O."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Iterable

from vfio_lm.cloud.model import NetworkAgent, Port, Segment

_WITH_PHYSICAL_NETWORK = frozenset({"flat", "vlan"})


class Bindable(enum.Enum):
    """Whether neutron would bind a port."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class BindingAnswer:
    """What is known of a port on a host."""

    bindable: Bindable
    reason: str
    agent_type: str | None = None
    """Of the agent that is in the way."""
    lacks_networks: tuple[str, ...] = ()
    """Physical networks, one of which the agent would have to serve; none if it does not run."""


class _Tunnels(enum.Enum):
    """Which networks that are neither flat nor a VLAN a mechanism serves."""

    NONE = "none"
    OF_AGENT = "those that the agent names, and local ones"
    ALL = "all"


@dataclasses.dataclass(frozen=True)
class _Mechanism:
    """A driver of neutron's that needs an agent on the host."""

    agent_types: frozenset[str]
    tunnels: _Tunnels


# neutron 29, neutron/plugins/ml2/drivers: get_allowed_network_types of each driver, bind_port of
# ovn/mech_driver/mech_driver.py.
_SRIOV = "sriovnicswitch"
SRIOV_AGENT = "NIC Switch agent"
_MECHANISMS = {
    _SRIOV: _Mechanism(frozenset({SRIOV_AGENT}), _Tunnels.NONE),
    "openvswitch": _Mechanism(frozenset({"Open vSwitch agent"}), _Tunnels.OF_AGENT),
    "linuxbridge": _Mechanism(frozenset({"Linux bridge agent"}), _Tunnels.OF_AGENT),
    "macvtap": _Mechanism(frozenset({"Macvtap agent"}), _Tunnels.NONE),
    "ovn": _Mechanism(
        frozenset({"OVN Controller agent", "OVN Controller Gateway agent"}), _Tunnels.ALL
    ),
}
_BRIDGES = frozenset().union(
    *(each.agent_types for name, each in _MECHANISMS.items() if name != _SRIOV)
)


def binding_answer(
    port: Port, segments: Collection[Segment], agents: Iterable[NetworkAgent]
) -> BindingAnswer:
    """Say whether neutron would bind a port to a host.

    A port that the mechanism of its host would not bind on the destination may find another one
    there: which mechanisms neutron has, no API shows, so an agent of another kind that is alive
    makes the answer unknown.

    Source: ``bind_port`` in ``neutron/plugins/ml2/drivers/mech_agent.py``,
    ``mech_sriov/mech_driver/mech_driver.py`` and ``ovn/mech_driver/mech_driver.py`` (neutron 29).

    :param segments: what carries the port's network
    :param agents: of the host
    """
    mechanism = _MECHANISMS.get(port.mechanism or "")
    if mechanism is None:
        what = f"by {port.mechanism}" if port.mechanism else "to no host"
        return BindingAnswer(Bindable.UNKNOWN, f"it is bound {what}, whose rules are not known")
    if port.mechanism == _SRIOV and port.vnic_type == "direct-physical":
        return _whole_function(segments)
    agents = list(agents)
    own = [agent for agent in agents if agent.agent_type in mechanism.agent_types]
    alive = [agent for agent in own if agent.is_alive]
    if any(_connects(mechanism, agent, segment) for agent in alive for segment in segments):
        return BindingAnswer(
            Bindable.YES, f"its {alive[0].agent_type} is alive and serves the network"
        )
    obstacle = _obstacle(mechanism, own, alive, segments)
    others = _BRIDGES - mechanism.agent_types if port.mechanism != _SRIOV else frozenset()
    if rest := sorted(a.agent_type for a in agents if a.is_alive and a.agent_type in others):
        return BindingAnswer(Bindable.UNKNOWN, f"{obstacle.reason}, but {', '.join(rest)} is alive")
    return obstacle


def needs_event_of_source(port: Port) -> bool:
    """Whether only the agent of the host that a server leaves can say that a port is plugged."""
    return port.mechanism == _SRIOV and port.vnic_type != "direct-physical"


def sriov_agent(agents: Iterable[NetworkAgent]) -> NetworkAgent | None:
    """Return the agent among those of a host that looks after VFs."""
    return next((agent for agent in agents if agent.agent_type == SRIOV_AGENT), None)


def _whole_function(segments: Collection[Segment]) -> BindingAnswer:
    """Answer for a PF, which is bound without an agent."""
    if any(segment.network_type in _WITH_PHYSICAL_NETWORK for segment in segments):
        return BindingAnswer(Bindable.YES, "a physical function needs no agent")
    return BindingAnswer(Bindable.NO, "its network is neither flat nor a VLAN")


def _connects(mechanism: _Mechanism, agent: NetworkAgent, segment: Segment) -> bool:
    network_type = segment.network_type
    if network_type in _WITH_PHYSICAL_NETWORK:
        return segment.physical_network in agent.physical_networks
    if mechanism.tunnels is _Tunnels.OF_AGENT:
        return network_type in agent.tunnel_types | {"local"}
    return mechanism.tunnels is _Tunnels.ALL


def _obstacle(
    mechanism: _Mechanism,
    own: Collection[NetworkAgent],
    alive: Collection[NetworkAgent],
    segments: Iterable[Segment],
) -> BindingAnswer:
    """Say what keeps the mechanism from binding a port."""
    if not own:
        agent_type = min(mechanism.agent_types)
        return BindingAnswer(Bindable.NO, f"the host has no {agent_type}", agent_type)
    agent_type = min(agent.agent_type for agent in alive or own)
    if not alive:
        return BindingAnswer(Bindable.NO, f"its {agent_type} is dead", agent_type)
    networks = sorted({each.physical_network or each.network_type for each in segments})
    reason = f"its {agent_type} does not serve {', '.join(networks)}"
    return BindingAnswer(Bindable.NO, reason, agent_type, tuple(networks))
