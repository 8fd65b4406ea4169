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


"""Connections to clouds that are made up; what is asked over them is elsewhere."""

from __future__ import annotations

from typing import Any

import openstack.connection
import requests_mock
from keystoneauth1 import fixture, session
from keystoneauth1.access import access
from keystoneauth1.identity.access import AccessInfoPlugin
from openstack.config import cloud_region
from openstack.connection import Connection

KEYSTONE = "http://127.0.0.1/identity/v3"
NOVA = "http://127.0.0.1/compute/v2.1"
PLACEMENT = "http://127.0.0.1/placement"
NEUTRON = "http://127.0.0.1/network/v2.0"
CINDER = "http://127.0.0.1/volume/v3"

#: Service types by what a connection calls them.
ALL = {"compute": NOVA, "placement": PLACEMENT, "network": NEUTRON, "block_storage": CINDER}


def mocked(mock: requests_mock.Mocker, **services: str) -> Connection:
    """Return a connection to a cloud whose catalogue has these services, with their versions."""
    token = fixture.V3Token()
    token.set_project_scope()
    token.add_role("admin")
    for service_type, url in services.items():
        mock.get(url, json=versions(service_type, url))
        token.add_service(service_type.replace("_", "-")).add_standard_endpoints(public=url)
    mock.get(KEYSTONE, json={"version": fixture.V3Discovery(KEYSTONE)})
    mock.post(f"{KEYSTONE}/auth/tokens", json=token, headers={"X-Subject-Token": "token"})
    return connect()


def connect(**config: Any) -> Connection:
    """Return a connection with a password."""
    return openstack.connection.Connection(
        auth={
            "auth_url": KEYSTONE,
            "username": "admin",
            "password": "secret",
            "project_name": "admin",
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        interface="public",
        **config,
    )


def versions(service_type: str, url: str) -> dict[str, Any]:
    """Return the document by which a service shows its versions."""
    last = {"compute": ("v2.1", "2.104"), "placement": ("v1.0", "1.39"), "network": ("v2.0", "")}
    version, microversion = last.get(service_type, ("v3.0", "3.71"))
    found = {
        "id": version,
        "status": "CURRENT",
        "links": [{"rel": "self", "href": url}],
        "version": microversion,
        "max_version": microversion,
        "min_version": f"{version[1]}.1" if microversion else "",
    }
    return {"versions": [found]}


def with_catalogue(**urls: str) -> Connection:
    """Return a connection with a token, and a catalogue of these services."""
    catalogue = [
        {
            "type": name,
            "name": name,
            "endpoints": [{"interface": "public", "region": "R", "region_id": "R", "url": url}],
        }
        for name, url in urls.items()
    ]
    known = access.AccessInfoV3({"token": {"catalog": catalogue}}, auth_token="token")
    return Connection(
        config=cloud_region.from_session(
            session.Session(auth=AccessInfoPlugin(known), timeout=5), region_name="R"
        )
    )
