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

"""What commands say about one live migration, line by line; it is judged elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from osc_vfio_lm import screen
from vfio_lm.text import server_named

if TYPE_CHECKING:
    from vfio_lm.cloud.model import Migration, Server
    from vfio_lm.cloud.nova import MigrationClient


def named(server: Server) -> str:
    """Return a server with its name and its ID."""
    return server_named(server.name, server.id)


def how_to_watch(server_id: str) -> Iterator[str]:
    """Yield the commands for a live migration that is no longer followed."""
    yield f"To watch it: openstack vfio migration show {server_id}"
    yield f"To abort it: openstack vfio migration abort {server_id}"


def before_an_abort(server: Server) -> Iterator[str]:
    """Yield what nova does with a server whose live migration is running when it is aborted.

    Source: ``future.result()`` in ``LibvirtDriver._live_migration`` of nova/virt/libvirt/driver.py
    and ``_do_live_migration`` in nova/compute/manager.py (nova 32.2.0 to 34.0.0; not
    31.3.1, 32.0.0 or 32.1.0).
    """
    yield f"The live migration of {named(server)} is running already."
    yield (
        "Nova 32.2.0 and later treat the abort as an error and put the server into ERROR, although "
        "its guest keeps running where it is."
    )


def after_an_abort(server_id: str) -> Iterator[str]:
    """Yield how to bring a server back that an abort has put into ERROR."""
    from vfio_lm.preflight.wording.way_back import set_active

    yield f"To see the end: openstack vfio migration show {server_id}"
    yield "If the server is in ERROR then, and runs on as it should, this says so:"
    yield f"  {set_active(server_id)}"


def failure(
    nova: MigrationClient, server: Server, migration: Migration | None, request_id: str
) -> Iterator[str]:
    """Yield which step of a live migration failed, why most likely, and what to do.

    :param migration: None where nova gave up before it wrote a record
    :param request_id: of the request that began it
    :raises CloudError: if nova does not answer
    """
    from osc_vfio_lm.migration import explanation_text
    from vfio_lm.migration import collect_attempt, explain

    yield f"The live migration of {named(server)} failed."
    if migration is None:
        yield f"Nova has no record of it; look for {request_id or server.id} in the logs of nova."
        yield from _way_back(nova, server.id, None)
        return
    explanation = explain(collect_attempt(nova, migration))
    for event in explanation.failed_events:
        yield from screen.prose(f"Failed event: {explanation_text.event_line(event)}")
    for cause in explanation.causes[:1]:
        yield from screen.prose(f"Most likely cause, {explanation_text.cause_line(cause)}")
        yield "What to do:"
        yield from screen.steps(cause.remedy, 2)
    if not explanation.causes:
        yield "The cause is not known."
    if explanation.next_step:
        yield from screen.prose(f"Where to look: {explanation.next_step}")
    yield from _way_back(nova, server.id, migration)
    yield f"More: openstack vfio migration explain {server.id}"


def _way_back(nova: MigrationClient, server_id: str, migration: Migration | None) -> Iterator[str]:
    """Yield how a server leaves the state ERROR, if it is in it now."""
    from vfio_lm.preflight.wording.way_back import way_back

    now = nova.server(server_id)
    if now.vm_state == "error":
        yield "The server is in ERROR:"
        yield from screen.steps(way_back(now, migration), 2)
