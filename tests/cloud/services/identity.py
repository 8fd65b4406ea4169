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

"""The keystone of a cloud: its database, its users, its catalogue, its service."""

from __future__ import annotations

import os
import uuid
from typing import Any

from tests.cloud.services import runtime, sqlite
from tests.cloud.settings import ADMIN_PROJECT_ID, PASSWORD, REGION, Settings

#: name and type of each service of the catalogue beside keystone's own
SERVICES = (
    ("nova", "compute"),
    ("placement", "placement"),
    ("glance", "image"),
    ("neutron", "network"),
    ("cinder", "block-storage"),
)


def run(settings: Settings) -> None:
    """Fill keystone's database in a child process, then serve."""
    import keystone.cmd.bootstrap
    import keystone.server.wsgi

    # keystone registers its backends once for each process
    runtime.run_in_child(lambda: _fill(settings))
    sqlite.prepare(settings.database("keystone"))
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = str(settings.path("etc", "keystone.conf"))
    app = keystone.server.wsgi.initialize_public_application()
    sqlite.serialize_writers()
    _warm_up(app)
    runtime.announce(settings, "keystone")
    runtime.serve(settings, "keystone", app, threads=4)


def _fill(settings: Settings) -> None:
    import keystone.conf
    import keystone.server
    from keystone.common.sql import upgrades

    keystone.server.configure(config_files=[str(settings.path("etc", "keystone.conf"))])
    sqlite.prepare(settings.database("keystone"))
    upgrades.offline_sync_database_to_version()
    _make_keys(keystone.conf.CONF)
    _bootstrap(settings)
    _add_users()
    _add_catalogue(settings)


def _make_keys(conf: Any) -> None:
    from keystone.common import fernet_utils

    for group, active in (("fernet_tokens", conf.fernet_tokens.max_active_keys), ("credential", 3)):
        fernet_utils.FernetUtils(
            conf[group].key_repository, active, group
        ).initialize_key_repository()


def _bootstrap(settings: Settings) -> None:
    """Do what ``keystone-manage bootstrap`` does, which takes a project that is there."""
    from keystone.cmd import bootstrap

    work = bootstrap.Bootstrapper()
    _add_domain("default")
    _add_project("admin", ADMIN_PROJECT_ID)
    work.admin_username = work.project_name = work.admin_role_name = "admin"
    work.admin_password = PASSWORD
    work.service_name = "keystone"
    work.region_id = REGION
    work.public_url = work.internal_url = work.admin_url = settings.url("keystone")
    work.immutable_roles = True
    work.bootstrap()


def _add_users() -> None:
    service = _add_project("service", uuid.uuid4().hex)
    demo = _add_project("demo", uuid.uuid4().hex)
    for name in ("nova", "placement", "glance", "neutron"):
        _add_user(name, service, "service", "admin")
    _add_user("demo", demo, "member", "reader")
    _add_user("reader", demo, "reader")


def _add_domain(domain_id: str) -> None:
    from keystone.common.provider_api import ProviderAPIs

    ProviderAPIs.resource_api.create_domain(
        domain_id, {"id": domain_id, "name": "Default", "enabled": True}
    )


def _add_project(name: str, project_id: str) -> str:
    from keystone.common.provider_api import ProviderAPIs

    ProviderAPIs.resource_api.create_project(
        project_id, {"id": project_id, "name": name, "domain_id": "default", "enabled": True}
    )
    return project_id


def _add_user(name: str, project_id: str, *role_names: str) -> None:
    from keystone.common.provider_api import ProviderAPIs

    user = ProviderAPIs.identity_api.create_user(
        {
            "name": name,
            "domain_id": "default",
            "enabled": True,
            "password": PASSWORD,
            "default_project_id": project_id,
        }
    )
    roles = {role["name"]: role["id"] for role in ProviderAPIs.role_api.list_roles()}
    for role_name in role_names:
        ProviderAPIs.assignment_api.add_role_to_user_and_project(
            user["id"], project_id, roles[role_name]
        )


def _add_catalogue(settings: Settings) -> None:
    from keystone.common.provider_api import ProviderAPIs

    for name, service_type in SERVICES:
        if service_type in settings.spec.left_out_of_catalogue:
            continue
        service_id = uuid.uuid4().hex
        ProviderAPIs.catalog_api.create_service(
            service_id, {"id": service_id, "name": name, "type": service_type, "enabled": True}
        )
        for interface in ("public", "internal", "admin"):
            endpoint_id = uuid.uuid4().hex
            ProviderAPIs.catalog_api.create_endpoint(
                endpoint_id,
                {
                    "id": endpoint_id,
                    "service_id": service_id,
                    "interface": interface,
                    "url": settings.url(name),
                    "region_id": REGION,
                    "enabled": True,
                },
            )


def _warm_up(app: Any) -> None:
    """Get a token and show it, alone.

    keystone registers its policy rules in its first request; another request that
    runs beside that one is refused (403 for identity:validate_token).
    """
    from werkzeug.test import Client

    domain = {"id": "default"}
    user = {"name": "admin", "domain": domain, "password": PASSWORD}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
    }
    client = Client(app)
    token = client.post("/v3/auth/tokens", json=body).headers["X-Subject-Token"]
    client.get("/v3/auth/tokens", headers={"X-Auth-Token": token, "X-Subject-Token": token})


if __name__ == "__main__":
    runtime.main(run)
