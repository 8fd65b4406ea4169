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

"""neutron's SR-IOV agents of all hosts in one process: real but for the switch that they see.

neutron 29. An agent takes its host from the one configuration of the process; here that depends
on the thread.
"""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import threading
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from neutron.agent.rpc import DeviceInfo
from neutron.plugins.ml2.drivers.mech_sriov.agent import sriov_nic_agent
from neutron.plugins.ml2.drivers.mech_sriov.agent.common import config as agent_config
from oslo_config import cfg

from tests.cloud.spec import HostSpec

#: seconds between two looks at the switch
POLL_SECONDS = 0.5

_host: contextvars.ContextVar[str | None] = contextvars.ContextVar("host", default=None)

#: Says which VFs guests have on a host: pairs of MAC and PCI address.
Guests = Callable[[str], Iterable[tuple[str, str]]]


def install() -> None:
    """Let ``[DEFAULT]host`` be that of the agent that a thread works for."""
    assert agent_config
    config_class: Any = cfg.ConfigOpts
    original = config_class._get

    @functools.wraps(original)
    def get(self: Any, name: str, group: Any = None, namespace: Any = None) -> Any:
        if name == "host" and group is None and (host := _host.get()) is not None:
            return host
        return original(self, name, group, namespace)

    config_class._get = get
    # The agent takes a signal as its end, which only the first thread of a process may ask for.
    sriov_nic_agent.signal = types.SimpleNamespace(signal=lambda *_: None, SIGTERM=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Switch:
    """What the agent knows as its ESwitchManager: the VFs of guests, whatever their PF."""

    host: str
    guests: Guests

    def discover_devices(self, *_: Any) -> None:
        """Find PFs; they are all there."""

    def get_assigned_devices_info(self, *_: Any) -> set[Any]:
        """Give the VFs that guests have."""
        return {DeviceInfo(*each) for each in self.guests(self.host)}

    def device_exists(self, mac: str, pci_slot: str) -> bool:
        """Say whether a guest has a VF."""
        return DeviceInfo(mac, pci_slot) in self.get_assigned_devices_info()

    def set_device_spoofcheck(self, *_: Any) -> None:
        """Set the spoof check of a VF, of which nothing is to be seen."""

    def set_device_state(self, *_: Any) -> None:
        """Set the link state of a VF, of which nothing is to be seen."""


class _Agent(sriov_nic_agent.SriovNicSwitchAgent):  # type: ignore[misc]
    """neutron's agent with a switch of ours."""

    def __init__(self, host: str, guests: Guests, *args: Any) -> None:
        self._switch = Switch(host, guests)
        super().__init__(*args)
        # What RPC threads ask, which belong to no host.
        self.conf = types.SimpleNamespace(host=host)

    def setup_eswitch_mgr(self, *_: Any) -> None:
        """Take the switch."""
        self.eswitch_mgr = self._switch


class SriovAgent:
    """The SR-IOV agent of one host, which runs until it is stopped."""

    def __init__(self, spec: HostSpec, guests: Guests) -> None:
        context = contextvars.copy_context()
        context.run(_host.set, spec.name)
        self._agent = context.run(_Agent, spec.name, guests, *_arguments(spec))
        # The first report is a call, so that neutron knows the agent when this returns.
        self._agent.state_rpc.report_state(
            self._agent.context, dict(self._agent.agent_state), use_call=True
        )
        threading.Thread(target=context.run, args=(self._agent.daemon_loop,), daemon=True).start()

    def stop(self) -> None:
        """End the agent as the signal does it."""
        self._agent._handle_sigterm(None, None)
        self._agent.connection.close()


def _arguments(spec: HostSpec) -> tuple[Any, ...]:
    """Give what the agent takes from its configuration file."""
    devices = {name: [f"{name}-pf"] for name in spec.physical_networks}
    bandwidths: Mapping[str, Any] = {
        device: {"egress": spec.bandwidth_kbps, "ingress": spec.bandwidth_kbps}
        for (device,) in devices.values()
        if spec.bandwidth_kbps
    }
    defaults = {"allocation_ratio": 1.0, "min_unit": 1, "step_size": 1, "reserved": 0}
    hypervisors = {device: spec.name for (device,) in devices.values()}
    return devices, {}, POLL_SECONDS, bandwidths, defaults, hypervisors
