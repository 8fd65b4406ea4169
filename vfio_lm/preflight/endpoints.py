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

"""Which services the catalogue of a cloud has for this user; they are not asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keystoneauth1 import exceptions as ksa_exceptions

if TYPE_CHECKING:
    from openstack.connection import Connection


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
