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

"""Checks of the server itself: its state, and which devices it holds."""

from __future__ import annotations

import collections

from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    failed,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.facts import Facts
from vfio_lm.preflight.wording.remedy import paste
from vfio_lm.preflight.wording.way_back import way_back
from vfio_lm.text import counted

# nova/compute/power_state.py (nova 34.0.0)
_RUNNING, _PAUSED = 1, 3

# nova/compute/vm_states.py (nova 34.0.0), and the command that leads out of the state
_WAY_OUT = {
    "rescued": "unrescue",
    "resized": "resize confirm",
    "shelved": "unshelve",
    "shelved_offloaded": "unshelve",
    "soft-delete": "restore",
    "stopped": "start",
    "suspended": "resume",
}


@check(
    "server-state",
    Scope.SERVER,
    "Is the server ACTIVE or PAUSED, without a task, and not locked for this user?",
    refused_by=Refuser.API,
)
def server_state(facts: Facts) -> Outcome:
    """Apply ``API.live_migrate`` and ``LiveMigrationTask`` of nova.

    Source: ``nova/compute/api.py`` (``check_instance_state``, ``check_instance_lock``) and
    ``nova/conductor/tasks/live_migrate.py`` ``_check_instance_is_active`` (nova 34.0.0).
    """
    server = facts.server
    evidence = {
        "status": server.status,
        "vm_state": server.vm_state,
        "task_state": server.task_state,
        "power_state": server.power_state,
        "locked": server.is_locked,
    }
    if facts.history.is_gone:
        return failed(
            "the server was deleted while it was looked at",
            remedy=paste("make sure that it is gone", f"openstack server show {server.id}"),
            **evidence,
        )
    if server.vm_state not in ("active", "paused"):
        return failed(
            f"the server is {server.status}; only ACTIVE and PAUSED servers live migrate",
            remedy=_way_out(facts),
            **evidence,
        )
    if server.task_state is not None:
        return failed(
            f"the server is busy with the task '{server.task_state}'",
            remedy=paste(
                "wait until the task is done; what it is about",
                f"openstack server event list {server.id}",
            ),
            **evidence,
        )
    if server.power_state not in (_RUNNING, _PAUSED):
        return failed(
            f"the hypervisor reports power state {server.power_state}, neither running nor paused",
            remedy=paste("restart it", f"openstack server reboot --hard {server.id}"),
            **evidence,
        )
    if server.is_locked:
        unlock = paste("unlock it, if no one objects", f"openstack server unlock {server.id}")
        if facts.user_is_admin:
            return warned("the server is locked, which does not stop an admin", remedy=unlock)
        return failed("the server is locked", remedy=unlock, **evidence)
    return passed(f"the server is {server.status}", **evidence)


def _way_out(facts: Facts) -> str:
    server = facts.server
    if server.vm_state == "error":
        return way_back(server, facts.last_live_migration)
    return paste(
        "bring the server back to ACTIVE",
        f"openstack server {_WAY_OUT.get(server.vm_state, 'show')} {server.id}",
    )


@check(
    "server-devices",
    Scope.SERVER,
    "Which PCI devices does the server hold, by flavor alias or by port?",
    refused_by=Refuser.CONDUCTOR,
)
def server_devices(facts: Facts) -> Outcome:
    """Tell apart what nova treats differently: aliases are migrated, ports replugged.

    Source: ``nova/conductor/tasks/live_migrate.py`` ``_check_can_migrate_pci`` (nova 34.0.0).
    """
    counts: collections.Counter[str] = collections.Counter()
    for request in facts.alias_requests:
        counts[request.alias] += request.count
    requests = dict(counts)
    if facts.network.ports is None:
        return unknown(
            "neutron does not show which ports need a PCI device",
            settled_by=paste(
                "let the network service answer this user, with all ports of the server",
                f"openstack port list --server {facts.server.id}",
            ),
            aliases=requests,
        )
    ports = [port.id for port in facts.ports]
    held = [f"{count} × {alias}" for alias, count in requests.items()]
    if ports:
        held.append(f"{counted(len(ports), 'port')} with a device")
    devices = ", ".join(held) or "no PCI device"
    return passed(f"the server holds {devices}", aliases=requests, ports=ports)
