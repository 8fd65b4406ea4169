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

"""Projects that options name, as keystone knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

if TYPE_CHECKING:
    from openstack.connection import Connection


def project_id(connection: Connection, project: str, domain: str | None) -> str:
    """Return the ID of a project.

    :param project: its name or ID
    :param domain: the name or ID of its domain; None: of any
    :raises osc_lib.exceptions.CommandError: if there is no such project, or several
    """
    from keystoneauth1 import exceptions as ksa_exceptions
    from openstack import exceptions as sdk_exceptions

    try:
        identity: Any = connection.identity  # of version 3
        within = {}
        if domain is not None:
            found_domain = identity.find_domain(domain, ignore_missing=True)
            if found_domain is None:
                raise exceptions.CommandError(f"no domain with the name or ID '{domain}' exists")
            within["domain_id"] = found_domain.id
        found = identity.find_project(project, ignore_missing=True, **within)
    except sdk_exceptions.DuplicateResource:
        raise exceptions.CommandError(
            f"several projects have the name '{project}': give the ID of one, or --project-domain"
        ) from None
    except (ksa_exceptions.ClientException, sdk_exceptions.SDKException) as exc:
        raise exceptions.CommandError(f"keystone does not show project '{project}': {exc}") from exc
    if found is None:
        raise exceptions.CommandError(f"no project with the name or ID '{project}' exists")
    return str(found.id)
