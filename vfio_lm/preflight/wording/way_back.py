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

"""The way back from ERROR, by what happened to the server: most ways restart its guest."""

from __future__ import annotations

from vfio_lm.cloud.model import Migration, Server
from vfio_lm.preflight.wording.remedy import paste

# nova/compute/power_state.py (nova 34.0.0)
_RUNNING = 1


def is_left_running(server: Server, last: Migration | None) -> bool:
    """Whether a live migration put a server into ERROR whose guest runs on where it was.

    Nova does so after some refusals of the destination's nova-compute, and after an abort; it has
    not touched the guest then.

    :param last: the record of the server's last live migration; None if it never had one
    """
    return (
        server.vm_state == "error"
        and server.power_state == _RUNNING
        and last is not None
        and not last.is_completed
        and not last.is_in_progress
        and last.source == server.host
    )


def set_active(server_id: str) -> str:
    """Return the command that says that a server is well; its guest is not touched."""
    return f"openstack server set --auto-approve --state active {server_id}"


def way_back(server: Server, last: Migration | None) -> str:
    """Say how a server leaves the state ERROR."""
    if is_left_running(server, last):
        return paste(
            "its live migration failed, and its guest runs on: do not reboot it, but say that it "
            "is well",
            set_active(server.id),
        )
    if server.power_state != _RUNNING:
        return paste(
            "its guest does not run; see why, and a hard reboot starts it",
            f"openstack server show -c fault {server.id}",
            f"openstack server reboot --hard {server.id}",
        )
    return paste(
        "its guest runs, and no live migration put it into ERROR; see what did, and act on that",
        f"openstack server show -c fault {server.id}",
        f"openstack server event list {server.id}",
    )
