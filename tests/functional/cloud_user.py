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
"""A user of a cloud with one role only; no tests."""

from __future__ import annotations

from typing import Any


class CloudUser:
    """A user with one role in one project.

    :param identity: of the administrator's connection
    """

    password = "correct-horse"

    def __init__(self, identity: Any, role: str, project: str = "service") -> None:
        self.name = f"only-{role}"
        self._identity = identity
        self._user = identity.create_user(
            name=self.name, password=self.password, domain_id="default"
        )
        identity.assign_project_role_to_user(
            identity.find_project(project), self._user, identity.find_role(role)
        )

    def delete(self) -> None:
        """Take it away."""
        self._identity.delete_user(self._user)
