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


"""From a connection of the SDK to the adapter of one service; what is asked of it is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack import exceptions as sdk_exceptions

from vfio_lm.cloud.http.endpoint import LIBRARY_ERRORS, versionless
from vfio_lm.cloud.http.failure import silence
from vfio_lm.cloud.http.time_limit import limit_time
from vfio_lm.errors import CloudError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from openstack.connection import Connection

# By the type of the service, as the catalogue has it.
_NAMES = {
    "block-storage": "cinder",
    "compute": "nova",
    "network": "neutron",
    "placement": "placement",
}


def adapter(connection: Connection, service: str) -> Adapter:
    """Return the SDK's adapter of a service.

    :param service: its type, for example ``compute``
    :raises CloudError: if there is no such service, it does not answer, or the user's
        configuration asks for a version that it does not have
    """
    found = find_adapter(connection, service)
    if found is None:
        raise silence(_NAMES[service], ksa_exceptions.EndpointNotFound())
    return found


def find_adapter(connection: Connection, service: str) -> Adapter | None:
    """Do the same for a service that a cloud may lack: None if the catalogue has none."""
    name = _NAMES[service]
    limit_time(connection.session)
    url = _endpoint(connection, service)
    if url is None:
        return None
    try:
        # The SDK looks for the versions of a service when it is first named.
        found: Adapter = getattr(connection, service.replace("-", "_"))
    except sdk_exceptions.ConfigException as exc:
        # A microversion that nova does not serve, for instance; then the SDK explains at length.
        reason = str(exc).partition(". ")[0].rstrip(".")
        raise CloudError(f"{name} cannot be used as it is configured: {reason}") from exc
    except (sdk_exceptions.SDKException, *LIBRARY_ERRORS) as exc:
        raise versionless(name, connection.session, url) from exc
    return found


def role_names(connection: Connection) -> frozenset[str]:
    """Return the roles of the user, as far as the token shows them.

    :raises CloudError: if keystone does not answer
    """
    session = connection.session
    if not isinstance(session.auth, BaseIdentityPlugin):
        return frozenset()
    try:
        return frozenset(session.auth.get_access(session).role_names or ())
    except LIBRARY_ERRORS as exc:
        raise silence("keystone", exc) from exc


def _endpoint(connection: Connection, service: str) -> str | None:
    """Return the address of a service; the SDK's own question logs a missing one.

    :raises CloudError: if keystone does not answer
    """
    config = connection.config
    if (override := config.get_endpoint(service)) is not None:
        return str(override)
    session = connection.session
    try:
        found = session.get_endpoint(
            service_type=service,
            service_name=config.get_service_name(service),
            interface=config.get_interface(service),
            region_name=config.get_region_name(service),
        )
    except ksa_exceptions.CatalogException:
        return None
    except LIBRARY_ERRORS as exc:
        raise silence("keystone", exc) from exc
    return None if found is None else str(found)
