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

"""What became of a server before it is to move, so that nova holds more than the server shows.

The data, and how it is brought about and undone; what is random is elsewhere.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any

from tests.cloud import Cloud, CloudError, HostSpec
from tests.cloud.administrator import Administrator, wait_for
from tests.fidelity import ports

_RESIZED = "VERIFY_RESIZE"


class History(enum.Enum):
    """What happened after the server was made."""

    RESIZE_REVERTED = "a resize was reverted"
    MOVED = "it was live migrated to where it is"
    PORT_REMOVED = "a port with a VF was removed"
    PORT_ADDED = "a port with a VF was added"
    PLACEMENT_OFF = "pci_in_placement was switched off"
    TAG_LOST = "the device_spec of its host lost live_migratable"
    ALLOCATION_LEFT = "an allocation was left on another host"
    MEMBER_RESIZED = "a member of its group was resized, which is not confirmed"


@dataclasses.dataclass(slots=True)
class Past:
    """Brings the history of one server about, as often as that server is made.

    :ivar hosts: the hosts of the scenario as they are when it begins, the server's first.
    :ivar flavor: makes the flavor that the server is resized to.
    :ivar group_id: the server group, if there is one.
    """

    history: History
    cloud: Cloud
    admin: Administrator
    hosts: tuple[HostSpec, ...]
    flavor: Callable[[], str]
    group_id: str | None = None
    _undo: list[Callable[[], object]] = dataclasses.field(default_factory=list)

    @property
    def first_host(self) -> str:
        """Where the server has to be made."""
        return self.hosts[1 if self.history is History.MOVED else 0].name

    def happen(self, server_id: str, port_ids: list[str]) -> None:
        """Bring it about.

        :param port_ids: the server's ports; one that is added is put here as well
        :raises CloudError: if nova does not let it happen
        """
        happen: dict[History, Callable[[], None]] = {
            History.RESIZE_REVERTED: lambda: self._revert_resize(server_id),
            History.MOVED: lambda: self._move(server_id),
            History.PORT_REMOVED: lambda: self._remove_port(server_id, port_ids),
            History.PORT_ADDED: lambda: self._add_port(server_id, port_ids),
            History.PLACEMENT_OFF: self._switch_placement_off,
            History.TAG_LOST: self._lose_tag,
            History.ALLOCATION_LEFT: lambda: self._leave_allocation(server_id),
            History.MEMBER_RESIZED: self._resize_member,
        }
        happen[self.history]()

    def undo(self) -> None:
        """Bring hosts, options and other servers back; the server is deleted by others."""
        while self._undo:
            self._undo.pop()()

    def _revert_resize(self, server_id: str) -> None:
        self._resize(server_id, self.flavor())
        self.admin.act(server_id, {"revertResize": None})
        self._settle(server_id, "ACTIVE")

    def _move(self, server_id: str) -> None:
        moved = self.admin.live_migrate(server_id, self.hosts[0].name)
        self.cloud.forget_moves()
        if not moved.is_done or moved.is_broken:
            raise CloudError(f"it cannot be moved to where it should be: {moved}")

    def _remove_port(self, server_id: str, port_ids: list[str]) -> None:
        path = f"/servers/{server_id}/os-interface"
        _refuse_error(self.admin.connection.compute.delete(f"{path}/{port_ids[-1]}"))
        wait_for("the port is removed", lambda: port_ids[-1] not in self._ports(server_id))

    def _add_port(self, server_id: str, port_ids: list[str]) -> None:
        port_ids += ports.make_ports(self.admin, [ports.PortPlan("direct")])
        body = {"interfaceAttachment": {"port_id": port_ids[-1]}}
        path = f"/servers/{server_id}/os-interface"
        _refuse_error(self.admin.connection.compute.post(path, json=body))
        wait_for("the port is added", lambda: port_ids[-1] in self._ports(server_id))

    def _switch_placement_off(self) -> None:
        self._undo.append(lambda: self.cloud.set_pci_in_placement(True))
        self.cloud.set_pci_in_placement(False)

    def _lose_tag(self) -> None:
        home = self.hosts[0]
        untagged = tuple(
            {key: value for key, value in each.items() if key != "live_migratable"}
            for each in home.device_specs
        )
        self._undo.append(lambda: self.cloud.restart_host(home.name, home))
        self.cloud.restart_host(home.name, dataclasses.replace(home, device_specs=untagged))

    def _leave_allocation(self, server_id: str) -> None:
        placement = self.admin.connection.placement
        (root,) = placement.resource_providers(name=self.hosts[-1].name)
        path = f"/allocations/{server_id}"
        held = placement.get(path, microversion="1.28").json()
        held["allocations"] = {
            provider: {"resources": each["resources"]}
            for provider, each in held["allocations"].items()
        } | {root.id: {"resources": {"MEMORY_MB": 256}}}
        _refuse_error(placement.put(path, json=held, microversion="1.28"))

    def _resize_member(self) -> None:
        hints = {"group": self.group_id} if self.group_id else None
        flavor = self.admin.flavor(None, ram=256)
        member = self.admin.request_server(flavor, self.hosts[1].name, "member", hints)
        self._undo.append(lambda: self.admin.delete(member))
        self.admin.wait_until_built([member])
        self._resize(member, self.admin.flavor(None, ram=320))
        self.cloud.sync_scheduler()

    def _resize(self, server_id: str, flavor: str) -> None:
        self.admin.act(server_id, {"resize": {"flavorRef": flavor}})
        self._settle(server_id, _RESIZED)

    def _settle(self, server_id: str, status: str) -> None:
        settled = self.admin.settled(server_id)
        if settled["status"] != status:
            raise CloudError(f"it is {settled['status']} instead of {status}")

    def _ports(self, server_id: str) -> set[str]:
        path = f"/servers/{server_id}/os-interface"
        found = self.admin.connection.compute.get(path).json()["interfaceAttachments"]
        return {each["port_id"] for each in found}


def _refuse_error(response: Any) -> None:
    if not response.ok:
        raise CloudError(f"{response.request.method} {response.url}: {response.text[:300]}")
