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

"""Doing what a plan of resizes says, one server after the other; what to do is said elsewhere.

A run may be killed at any moment and be repeated. Its state is in the cloud: a server carries
the tag :data:`vfio_lm.inventory.upgrade.TAG` from before its resize until after the
confirmation, so that the next run finds what is begun, and confirms no one else's resize.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from vfio_lm.cloud.model import CloudFlavor, Server
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.errors import CloudError
from vfio_lm.inventory.upgrade import TAG, Action, UpgradeStep
from vfio_lm.polling import SYSTEM_CLOCK, Clock, poll
from vfio_lm.text import server_named

_POLL_SECONDS = 1.0

_SETTLED = ("ACTIVE", "SHUTOFF")


class UpgradeExecutor:
    """Carries out the steps of a plan.

    :param tell: called with a sentence about each thing that is done, before it is done
    """

    def __init__(
        self, nova: ComputeClient, tell: Callable[[str], None], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._nova = nova
        self._tell = tell
        self._clock = clock

    def run(self, steps: Iterable[UpgradeStep]) -> None:
        """Do all steps, each to its end; the first that fails ends it.

        :raises CloudError: if nova refuses or fails to resize a server
        """
        for step in steps:
            if step.action is Action.RESIZE and step.target is not None:
                self._begin(step.server, step.target)
            if step.action in (Action.RESIZE, Action.CONFIRM):
                self._confirm(self._resized(step.server))
            if step.is_executable:
                self._nova.delete_tag(step.server.id, TAG)

    def take_next(self, steps: Iterable[UpgradeStep]) -> None:
        """Do what needs no waiting: end what is begun, or else begin one resize.

        :raises CloudError: if nova refuses
        """
        for step in steps:
            if step.action is Action.UNTAG:
                self._nova.delete_tag(step.server.id, TAG)
            elif step.action is Action.CONFIRM:
                if step.server.status == "VERIFY_RESIZE":
                    self._ask_to_confirm(step.server)
                else:
                    self._tell(f"the resize of {_named(step.server)} is still under way")
                return
            elif step.action is Action.RESIZE and step.target is not None:
                self._begin(step.server, step.target)
                return

    def _begin(self, server: Server, target: CloudFlavor) -> None:
        self._tell(f"resizing {_named(server)} to flavor {target.name}")
        self._nova.add_tag(server.id, TAG)
        try:
            self._nova.resize(server.id, target.id)
        except CloudError:
            self._nova.delete_tag(server.id, TAG)
            raise

    def _resized(self, server: Server) -> Server:
        """Wait until a resize waits for its confirmation.

        :returns: the server as it is then, perhaps confirmed already by somebody else
        """
        self._tell(f"waiting for the resize of {_named(server)}")
        now = self._wait(server, until=lambda now: now.status != "RESIZE" and not now.task_state)
        is_resized = now.status == "VERIFY_RESIZE" or (
            now.status in _SETTLED
            and (now.flavor != server.flavor or server.status == "VERIFY_RESIZE")
        )
        if not is_resized:
            with contextlib.suppress(CloudError):  # a server in ERROR keeps its tags
                self._nova.delete_tag(server.id, TAG)
            raise CloudError(
                f"nova did not resize {_named(server)}: it is {now.status} with flavor "
                f"{now.flavor.name}; see 'openstack server event list {server.id}'"
            )
        return now

    def _confirm(self, server: Server) -> None:
        if server.status != "VERIFY_RESIZE":
            return
        self._ask_to_confirm(server)
        now = self._wait(
            server, until=lambda now: now.status != "VERIFY_RESIZE" and not now.task_state
        )
        if now.status not in _SETTLED:
            raise CloudError(
                f"{_named(server)} is {now.status} after the confirmation of its resize"
            )

    def _ask_to_confirm(self, server: Server) -> None:
        self._tell(f"confirming the resize of {_named(server)}")
        self._nova.confirm_resize(server.id)

    def _wait(self, server: Server, until: Callable[[Server], bool]) -> Server:
        def settled(_: float) -> Server | None:
            now = self._nova.server(server.id)
            return now if until(now) else None

        return poll(settled, every=_POLL_SECONDS, clock=self._clock)


def _named(server: Server) -> str:
    return server_named(server.name, server.id)
