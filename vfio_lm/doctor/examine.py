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

"""What a first look asks the cloud for; what follows from the answers is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.doctor.health import CloudHealth, Knowledge, assess, sources
from vfio_lm.errors import CloudError
from vfio_lm.inventory import collect_hosts

if TYPE_CHECKING:
    from openstack.connection import Connection

    from vfio_lm.preflight import Inputs


def examine_cloud(connection: Connection, inputs: Inputs) -> CloudHealth:
    """Look at all hosts of a cloud.

    The number of requests is that of :func:`vfio_lm.inventory.collect_hosts`, and one.

    :param connection: a connection with the admin role; nothing is changed with it
    :raises vfio_lm.errors.CloudError: if nova or placement does not answer, or the user's roles do
        not suffice
    """
    cloud = WholeCloud(connection)
    found = collect_hosts(cloud)
    known = Knowledge(inputs, is_nova_2026_2=cloud.requires_owner)
    return CloudHealth(
        microversion=cloud.nova_microversion,
        is_nova_2026_2=known.is_nova_2026_2,
        sources=sources([host.name for host in found], inputs, _word(cloud, inputs)),
        hosts=tuple(assess(host, known) for host in found if host.node is not None),
    )


def _word(cloud: WholeCloud, inputs: Inputs) -> str:
    """Return where nova's own word comes from; empty: from nowhere."""
    if inputs.nova_words:
        return "files"
    if not inputs.asks_nova:
        return ""
    try:
        return f"nova-api of nova {cloud.nova_itself.dry_run_version()}"
    except CloudError:
        return ""
