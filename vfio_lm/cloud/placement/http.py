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

"""Requests to placement, and what its refusals mean to an operator; not which ones are made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keystoneauth1 import exceptions as ksa_exceptions

from vfio_lm.errors import CloudError, ForbiddenError

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from requests import Response

# 1.36 brought same_subtree, 1.35 root_required, 1.34 mappings; every placement that serves
# nova 2025.1 has 1.39.
MICROVERSION = "1.39"

_NEEDED_ROLE = {
    "GET": "the admin role (or a system reader, where the cloud's policy allows one) is needed to "
    "read resource providers",
    "PUT": "the admin role is needed to change resource providers",
}


class PlacementHttp:
    """One placement service.

    :param adapter: a keystoneauth adapter of the placement service
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        """Return the body of an answer.

        :raises CloudError: if placement does not answer, or refuses the question
        """
        return self.body(self.send("GET", path, params=params))

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        json: Mapping[str, Any] | None = None,
        accept: Collection[int] = (),
    ) -> Response:
        """Make one request.

        :param accept: statuses of refusals that the caller can live with
        :raises CloudError: if placement does not answer, or refuses in another way
        """
        try:
            response: Response = self._adapter.request(
                path,
                method,
                params=list(params),
                json=json,
                microversion=MICROVERSION,
                raise_exc=False,
            )
        except ksa_exceptions.ClientException as exc:
            raise CloudError(f"placement cannot be reached: {exc}") from exc
        if response.ok or response.status_code in accept:
            return response
        raise self.refusal(response)

    @staticmethod
    def refusal(response: Response) -> CloudError:
        """Return the error that an answer stands for."""
        method, path = response.request.method, response.request.path_url
        if response.status_code == 403:
            return ForbiddenError(f"placement refuses to answer: {_NEEDED_ROLE[str(method)]}")
        return CloudError(
            f"placement answers {response.status_code} to {method} {path}: {detail(response)}"
        )

    @staticmethod
    def body(response: Response) -> dict[str, Any]:
        """Return the JSON of an answer.

        :raises CloudError: if it has none
        """
        try:
            body: dict[str, Any] = response.json()
        except ValueError:
            raise CloudError(f"what answers at {response.url} is not placement: no JSON") from None
        return body


def detail(response: Response) -> str:
    """Return placement's own words for what went wrong."""
    try:
        return str(response.json()["errors"][0]["detail"]).strip()
    except (ValueError, LookupError, TypeError):
        return str(response.reason)
