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

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions

from vfio_lm.errors import CloudError
from vfio_lm.nova_api import ComputeClient
from vfio_lm.placement import PlacementClient

if TYPE_CHECKING:
    from openstack.connection import Connection

#: Is given what a service refused to tell, so that the rest can be shown.
OnGap = Callable[[CloudError], None]


def nova(connection: Connection) -> ComputeClient:
    """Return a client of nova.

    :raises CloudError: if nova does not answer, or is too old
    """
    _url(connection, "compute", "nova")
    client = ComputeClient(connection.compute)
    client.max_microversion()  # one that is too old says so itself
    return client


def placement(connection: Connection) -> PlacementClient:
    """Return a client of placement.

    :raises CloudError: if placement does not tell its versions
    """
    url = _url(connection, "placement", "placement")
    # The SDK looks for the versions of a service when it is first named.
    try:
        return PlacementClient(connection.placement)
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException) as exc:
        raise CloudError(
            f"placement cannot be reached: what should be at {url} does not tell its versions"
        ) from exc


@contextlib.contextmanager
def gap(on_gap: OnGap | None) -> Iterator[None]:
    """Hand over what a service refuses in the block, and leave the block; raise it without."""
    try:
        yield
    except CloudError as exc:
        if on_gap is None:
            raise
        on_gap(exc)


def _url(connection: Connection, service_type: str, name: str) -> str:
    try:
        url = connection.endpoint_for(service_type)
    except ksa_exceptions.ClientException as exc:
        raise CloudError(f"keystone cannot be reached: {exc}") from exc
    if url is None:
        raise CloudError(
            f"{name} cannot be reached: the catalogue has no {service_type} endpoint for this "
            f"user and region"
        )
    return url
