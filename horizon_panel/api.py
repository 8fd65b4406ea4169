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

"""The panel's only way to the cloud: a connection with the token of a request, and what it reads.

What is asked more than once for one page is asked of the services once.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

from django.conf import settings
from horizon.utils.memoized import memoized
from keystoneauth1 import session
from keystoneauth1.access import access
from keystoneauth1.identity.access import AccessInfoPlugin
from openstack.config import cloud_region
from openstack.connection import Connection
from openstack_auth import utils as auth_utils

from vfio_lm.inventory import collect_devices
from vfio_lm.pci import read_nova_conf

if TYPE_CHECKING:
    from django.http import HttpRequest

    from vfio_lm.inventory import Device
    from vfio_lm.pci import NovaConf

_DISTRIBUTION = "openstack-vfio-lm"
_DEFAULT_TIMEOUT = 30


@memoized
def connection(request: HttpRequest) -> Connection:
    """Return a connection as the user who is logged in, to the region that the user chose.

    No token is asked for: the connection has that of the request, with its catalogue, and is
    good until that expires.
    """
    user = request.user
    token = {"catalog": user.service_catalog, "user": {"id": user.id, "name": user.username}}
    plugin = AccessInfoPlugin(access.AccessInfoV3({"token": token}, auth_token=user.token.id))
    region = cloud_region.from_session(
        session.Session(
            auth=plugin,
            verify=not settings.OPENSTACK_SSL_NO_VERIFY and (settings.OPENSTACK_SSL_CACERT or True),
            original_ip=auth_utils.get_client_ip(request),
            timeout=getattr(settings, "VFIO_LM_TIMEOUT", _DEFAULT_TIMEOUT),
        ),
        region_name=user.services_region,
        app_name=_DISTRIBUTION,
        app_version=importlib.metadata.version(_DISTRIBUTION),
        interface=settings.OPENSTACK_ENDPOINT_TYPE,
    )
    return Connection(config=region)


@memoized
def nova_conf(request: HttpRequest) -> NovaConf | None:
    """Return what the files of ``VFIO_LM_NOVA_CONF`` say, or None where none are named.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
    """
    paths = getattr(settings, "VFIO_LM_NOVA_CONF", ())
    paths = [paths] if isinstance(paths, str) else list(paths)
    return read_nova_conf(paths) if paths else None


@memoized
def devices(request: HttpRequest) -> tuple[Device, ...]:
    """Return the devices of the cloud.

    :raises vfio_lm.errors.CloudError: as :func:`vfio_lm.inventory.collect_devices`
    """
    return collect_devices(connection(request))
