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

"""What a scenario is: a cloud with servers, and what the preflight knows of it; pure data."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cloud import HostSpec
from tests.fidelity.history import History
from tests.fidelity.ports import AgentsState, PortPlan

Json = dict[str, Any]


class HostState(enum.Enum):
    """What a compute host does while the server is to move."""

    UP = "up"
    DISABLED = "disabled"
    DOWN = "down"


class ServerState(enum.Enum):
    """What was done to the server after it was made."""

    ACTIVE = "active"
    PAUSED = "paused"
    LOCKED = "locked"
    STOPPED = "stopped"


@dataclasses.dataclass(frozen=True, slots=True)
class HostPlan:
    """A compute host.

    :ivar zone: the availability zone that it is put into; None: nova's default.
    """

    spec: HostSpec
    state: HostState = HostState.UP
    zone: str | None = None
    agents: AgentsState = AgentsState.ALIVE


@dataclasses.dataclass(frozen=True, slots=True)
class ServerPlan:
    """A server, and the flavor that it is made with.

    :ivar aliases: as in the extra spec, for example ``a0:1,a1:2``; None: no device.
    :ivar ram: MiB.
    :ivar zone: the availability zone that the user asked for.
    :ivar in_group: whether it is made in the server group of the scenario.
    :ivar ports: the ports that it is plugged into.
    :ivar image_properties: of the image that it is made of.
    :ivar hints: scheduler hints besides that of the group.
    :ivar history: what happened to it since.
    """

    host: str
    aliases: str | None = None
    vcpus: int = 1
    ram: int = 512
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    zone: str | None = None
    in_group: bool = False
    state: ServerState = ServerState.ACTIVE
    ports: tuple[PortPlan, ...] = ()
    image_properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hints: Mapping[str, str] = dataclasses.field(default_factory=dict)
    history: History | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Withheld:
    """What the preflight is not told, although an operator could have given it.

    :ivar api_conf: whether the nova.conf of nova-api is withheld.
    :ivar confs: the hosts whose nova.conf is withheld.
    :ivar facts: the hosts whose facts are withheld.
    """

    api_conf: bool = False
    confs: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether every input is given."""
        return not (self.api_conf or self.confs or self.facts)


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that the verdict and nova's answer depend on.

    :ivar seed: with ``number``, what it was generated from; written by hand: any name for it.
    :ivar server: the server to be live migrated.
    :ivar others: servers that are there before it.
    :ivar group_policy: of the one server group; None: there is none.
    :ivar aggregates: metadata of aggregates that make no zone, with the hosts in each.
    :ivar named_host: the host that a user names with ``--host``; None: none in particular.
    :ivar nova_options: further options of every nova.conf: section, option, value.
    :ivar asks_each_mode: whether the preflight is asked with less and with more than all inputs
        of an operator, and nova's own word as well; the server is then created again for each move.
    """

    seed: int
    number: int
    hosts: tuple[HostPlan, ...]
    aliases: tuple[Json, ...]
    pci_in_placement: bool
    server: ServerPlan
    others: tuple[ServerPlan, ...] = ()
    group_policy: str | None = None
    aggregates: tuple[tuple[Mapping[str, str], tuple[str, ...]], ...] = ()
    named_host: str | None = None
    withheld: Withheld = Withheld()
    nova_options: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    asks_each_mode: bool = False

    @property
    def name(self) -> str:
        """What the scenario is called in reports."""
        return f"{self.seed}/{self.number}"

    @property
    def zones(self) -> Mapping[str, tuple[str, ...]]:
        """The hosts of each availability zone."""
        return {
            zone: tuple(host.spec.name for host in self.hosts if host.zone == zone)
            for zone in sorted({host.zone for host in self.hosts if host.zone is not None})
        }

    @property
    def ground(self) -> tuple[object, ...]:
        """What is there before the server: scenarios of one ground can be staged in a row."""
        hosts = tuple((host.spec, host.zone) for host in self.hosts)
        return hosts, self.pci_in_placement, self.others, self.group_policy, self.aggregates

    def to_json(self) -> str:
        """Return the text of the file that makes the scenario again."""
        return json.dumps(dataclasses.asdict(self), indent=1, default=_plain) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        """Read what :meth:`to_json` wrote.

        :raises ValueError: if it is no JSON, or of another form
        """
        try:
            data = json.loads(text)
            return cls(**data | _typed(data))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"this is no scenario: {error}") from error

    @classmethod
    def load(cls, path: Path) -> Scenario:
        """Read a scenario's file.

        :raises ValueError: with the path, if it is none
        """
        try:
            return cls.from_json(path.read_text())
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"JSON cannot say {value!r}")


def _typed(data: Mapping[str, Any]) -> Json:
    """Return the fields that JSON only knows as lists, objects and strings."""
    withheld = {k: tuple(v) if k != "api_conf" else v for k, v in data["withheld"].items()}
    return {
        "hosts": tuple(
            HostPlan(
                HostSpec.from_json(each["spec"]),
                HostState(each["state"]),
                each["zone"],
                AgentsState(each["agents"]),
            )
            for each in data["hosts"]
        ),
        "aliases": tuple(data["aliases"]),
        "server": _server(data["server"]),
        "others": tuple(map(_server, data["others"])),
        "aggregates": tuple((metadata, tuple(hosts)) for metadata, hosts in data["aggregates"]),
        "withheld": Withheld(**withheld),
    }


def _server(data: Mapping[str, Any]) -> ServerPlan:
    ports = tuple(PortPlan(**each) for each in data["ports"])
    history = data.get("history")
    typed = {
        "state": ServerState(data["state"]),
        "ports": ports,
        "history": None if history is None else History(history),
    }
    return ServerPlan(**{**data, **typed})
