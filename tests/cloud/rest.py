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

"""A small client of the cloud's own REST services, as its administrator."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from tests.cloud.errors import CloudError
from tests.cloud.settings import PASSWORD, Settings

TIMEOUT = 60.0

#: the microversions that this package relies on
MICROVERSIONS = {"nova": "compute 2.90", "placement": "placement 1.39"}


class Rest:
    """HTTP requests with a token."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._token: str | None = None

    def get(self, service: str, path: str) -> Any:
        """Read a resource."""
        return self.call("GET", service, path)

    def call(
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        *,
        accept: tuple[int, ...] = (),
    ) -> Any:
        """Make one request; give the JSON of the answer, None if it has no body.

        :param body: bytes, or what JSON can say.
        :param accept: statuses of refusals that the caller can live with.
        :raises CloudError: if the service refuses.
        """
        headers = {"X-Auth-Token": self._get_token()}
        if service in MICROVERSIONS:
            headers["OpenStack-API-Version"] = MICROVERSIONS[service]
        _, answer = send(method, self._settings.url(service) + path, headers, body, accept=accept)
        return answer

    def _get_token(self) -> str:
        if self._token is None:
            domain = {"id": "default"}
            user = {"name": "admin", "domain": domain, "password": PASSWORD}
            body = {
                "auth": {
                    "identity": {"methods": ["password"], "password": {"user": user}},
                    "scope": {"project": {"name": "admin", "domain": domain}},
                }
            }
            url = self._settings.url("keystone") + "/auth/tokens"
            headers, _ = send("POST", url, {}, body)
            self._token = headers["X-Subject-Token"]
        return self._token


def send(
    method: str,
    url: str,
    headers: dict[str, str],
    body: Any = None,
    *,
    accept: tuple[int, ...] = (),
) -> tuple[Any, Any]:
    """Make one HTTP request; give the headers and the JSON of the answer.

    :raises CloudError: if the answer is a refusal that is not accepted, or none comes.
    """
    headers = dict(headers)
    if isinstance(body, bytes):
        headers["Content-Type"] = "application/octet-stream"
    elif body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            content = response.read()
            return response.headers, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        content = error.read()
        if error.code in accept:
            return error.headers, None
        raise CloudError(f"{method} {url}: {error.code} {content.decode()}") from error
    except OSError as error:
        raise CloudError(f"{method} {url}: {error}") from error
