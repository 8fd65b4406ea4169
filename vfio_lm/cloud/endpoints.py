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

"""The services that a cloud's catalogue has for this user; what they are asked is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions

from vfio_lm.errors import CloudError

if TYPE_CHECKING:
    from openstack.connection import Connection

_NAMES = {"compute": "nova", "placement": "placement"}


def has_endpoint(connection: Connection, service: str) -> bool:
    """Tell whether the cloud has a service; the SDK's own question logs a missing one."""
    config = connection.config
    if config.get_endpoint(service) is not None:
        return True
    try:
        endpoint = connection.session.get_endpoint(
            service_type=service,
            service_name=config.get_service_name(service),
            interface=config.get_interface(service),
            region_name=config.get_region_name(service),
        )
    except ksa_exceptions.CatalogException:
        return False
    return endpoint is not None


def proxy(connection: Connection, service: str) -> Any:
    """Return the SDK's adapter of a service.

    :param service: ``compute`` or ``placement``
    :raises CloudError: if there is no such service, or it does not tell its versions
    """
    name = _NAMES[service]
    try:
        is_there = has_endpoint(connection, service)
    except ksa_exceptions.ClientException as exc:
        raise CloudError(f"keystone cannot be reached: {exc}") from exc
    if not is_there:
        raise CloudError(
            f"{name} cannot be reached: the catalogue has no {service} endpoint for this user and "
            f"region"
        )
    # The SDK looks for the versions of a service when it is first named.
    try:
        return getattr(connection, service)
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException) as exc:
        raise CloudError(
            f"{name} cannot be reached: what should be at {connection.endpoint_for(service)} does "
            f"not tell its versions"
        ) from exc
