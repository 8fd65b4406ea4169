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

"""Reading what a live migration left behind; the only place where the verification asks."""

from __future__ import annotations

from vfio_lm.cloud.model import Migration
from vfio_lm.cloud.nova import MigrationClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import CloudError
from vfio_lm.migration.verify import Allocations, Arrival, Holdings
from vfio_lm.pci import parse_alias_requests
from vfio_lm.polling import SYSTEM_CLOCK, Clock, poll

_POLL_SECONDS = 0.5

#: How long nova may take to delete the allocations of a migration that is completed: it does so
#: right after it has said that it is (``_post_live_migration`` in nova/compute/manager.py, nova
#: 34.0.0).
_SETTLE_SECONDS = 10.0


def collect_arrival(
    nova: MigrationClient,
    placement: PlacementClient,
    migration: Migration,
    requested_host: str | None,
    clock: Clock = SYSTEM_CLOCK,
) -> Arrival:
    """Ask nova and placement about a server after its live migration.

    :raises CloudError: if nova does not answer; that placement does not is part of the result
    """
    server = nova.server(migration.server_id)
    requests = parse_alias_requests(server.flavor.extra_specs)
    holdings, reason = None, ""
    try:
        holdings = _holdings(nova, placement, migration, clock)
    except CloudError as exc:
        reason = str(exc)
    return Arrival(
        server=server,
        migration=migration,
        requested_host=requested_host,
        wanted_devices=sum(request.count for request in requests),
        holdings=holdings,
        reason=reason,
    )


def _holdings(
    nova: MigrationClient, placement: PlacementClient, migration: Migration, clock: Clock
) -> Holdings:
    left: Allocations = {}

    def is_settled(_: float) -> bool | None:
        nonlocal left
        left = placement.allocations(migration.uuid)
        return None if left else True

    poll(is_settled, every=_POLL_SECONDS, limit=_SETTLE_SECONDS, clock=clock)
    allocations = placement.allocations(migration.server_id)
    node = nova.nodes().get(migration.destination)
    return Holdings(
        destination_root=node.uuid if node else None,
        allocations=allocations,
        left_behind=left,
        providers={
            uuid: placement.with_details(placement.find_provider(uuid=uuid)) for uuid in allocations
        },
    )
