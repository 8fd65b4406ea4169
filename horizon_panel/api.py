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

"""The panel's only way to the cloud: with the token of a request, through vfio_lm."""

from __future__ import annotations

import importlib.metadata
import time
from typing import TYPE_CHECKING

import requests
from django.conf import settings
from horizon.utils.memoized import memoized
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session
from keystoneauth1.access import access
from keystoneauth1.identity.access import AccessInfoPlugin
from openstack import exceptions as sdk_exceptions
from openstack.config import cloud_region
from openstack.connection import Connection
from openstack_auth import utils as auth_utils

from horizon_panel import files
from vfio_lm import inventory
from vfio_lm.cloud.http.time_limit import TimeLimitAdapter
from vfio_lm.cloud.snapshot import WholeCloud
from vfio_lm.errors import CloudError
from vfio_lm.pci import read_nova_conf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.http import HttpRequest

    from vfio_lm.inventory import AliasUsage, HostInventory, OnGap, PciFlavor, PciServer
    from vfio_lm.pci import Alias, NovaConf

    Aliases = Mapping[str, Alias] | None

_DISTRIBUTION = "openstack-vfio-lm"
_DEFAULT_TIMEOUT = 30
_LONGEST_PAGE = 4
"""Times the limit of one request, for all requests of a page together: a service that answers each
question just in time would hold a worker of Horizon for as long as there are questions."""


@memoized
def connection(request: HttpRequest) -> Connection:
    """Return a connection as the user who is logged in, to the region that the user chose.

    No token is asked for: the connection has that of the request, with its catalogue, and is
    good until that expires.
    """
    user = request.user
    token = {
        "catalog": user.service_catalog,
        "roles": user.roles,
        "user": {"id": user.id, "name": user.username},
    }
    plugin = AccessInfoPlugin(access.AccessInfoV3({"token": token}, auth_token=user.token.id))
    region = cloud_region.from_session(
        session.Session(
            auth=plugin,
            verify=not settings.OPENSTACK_SSL_NO_VERIFY and (settings.OPENSTACK_SSL_CACERT or True),
            original_ip=auth_utils.get_client_ip(request),
            session=_session_of_one_page(),
        ),
        region_name=user.services_region,
        app_name=_DISTRIBUTION,
        app_version=importlib.metadata.version(_DISTRIBUTION),
        interface=settings.OPENSTACK_ENDPOINT_TYPE,
    )
    return Connection(config=region)


def _session_of_one_page() -> requests.Session:
    """Return a session that waits for a silent service once, and not for ever for slow ones."""
    found = requests.Session()
    seconds = getattr(settings, "VFIO_LM_TIMEOUT", _DEFAULT_TIMEOUT)
    adapter = TimeLimitAdapter(seconds, rest=float("inf"))
    adapter.end = time.monotonic() + _LONGEST_PAGE * seconds
    for scheme in ("http://", "https://"):
        found.mount(scheme, adapter)
    return found


@memoized
def cloud(request: HttpRequest) -> WholeCloud:
    """Return the cloud as a page sees it: all parts of the page see the same."""
    return WholeCloud(connection(request))


@memoized
def nova_conf(request: HttpRequest) -> NovaConf | None:
    """Return what the files of ``VFIO_LM_NOVA_CONF`` say, or None where none are named.

    :raises vfio_lm.errors.ConfigError: if a file cannot be read, or nova would refuse it
    """
    paths = files.nova_conf()
    return read_nova_conf(paths) if paths else None


def projects(request: HttpRequest) -> tuple[tuple[str, str], ...]:
    """Return the ID and the name of each project, by name.

    :raises vfio_lm.errors.CloudError: if keystone does not answer, or refuses this user
    """
    try:
        found = [(each.id, each.name) for each in connection(request).identity.projects()]
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException) as exc:
        raise CloudError(f"keystone does not list the projects: {exc}") from exc
    return tuple(sorted(found, key=lambda project: project[1]))


def hosts(request: HttpRequest, on_gap: OnGap) -> tuple[HostInventory, ...]:
    """Return all hosts with their devices; the error of a service is handed over."""
    return inventory.collect_hosts(cloud(request), on_gap)


def servers(
    request: HttpRequest, aliases: Aliases, host: str | None = None
) -> tuple[PciServer, ...]:
    """Return the servers that ask for devices by alias, without what they hold.

    :raises vfio_lm.errors.CloudError: if nova does not answer
    """
    return inventory.list_servers(cloud(request), host=host, aliases=aliases)


def look_at_servers(
    request: HttpRequest, found: Iterable[PciServer], on_gap: OnGap
) -> tuple[PciServer, ...]:
    """Return servers with what they hold; the error of a service is handed over."""
    return inventory.look_at_servers(cloud(request), found, on_gap)


def uses(
    request: HttpRequest, aliases: Aliases
) -> tuple[tuple[PciFlavor, ...], Mapping[str, AliasUsage]]:
    """Return the flavors that ask for devices, and who uses each alias.

    :raises vfio_lm.errors.CloudError: if nova does not answer
    """
    found = cloud(request)
    return inventory.collect_flavors(found, aliases), inventory.collect_alias_usage(found)
