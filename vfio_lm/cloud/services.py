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

"""The clients of one connection, and what to do when a service is not there; no questions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vfio_lm.cloud import endpoints
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import CloudError

if TYPE_CHECKING:
    from openstack.connection import Connection

#: Is given what a service refused to tell, so that the rest can be shown.
OnGap = Callable[[CloudError], None]


def nova(connection: Connection) -> ComputeClient:
    """Return a client of nova.

    :raises CloudError: if nova does not answer, or is too old
    """
    client = ComputeClient(endpoints.proxy(connection, "compute"))
    client.max_microversion()  # one that is too old says so itself
    return client


def placement(connection: Connection) -> PlacementClient:
    """Return a client of placement.

    :raises CloudError: if placement does not tell its versions
    """
    return PlacementClient(endpoints.proxy(connection, "placement"))


@contextlib.contextmanager
def gap(on_gap: OnGap | None) -> Iterator[None]:
    """Hand over what a service refuses in the block, and leave the block; raise it without."""
    try:
        yield
    except CloudError as exc:
        if on_gap is None:
            raise
        on_gap(exc)
