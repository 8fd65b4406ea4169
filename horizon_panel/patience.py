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

"""How long one page waits for a service that is silent: once, not for each of its questions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from keystoneauth1.session import TCPKeepAliveAdapter


def impatient_session() -> requests.Session:
    """Return a session for one page."""
    session = requests.Session()
    adapter = _ImpatientAdapter()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


class _ImpatientAdapter(TCPKeepAliveAdapter):
    """Asks nothing more of what did not answer in time."""

    def __init__(self) -> None:
        super().__init__()
        self._silent: set[tuple[str, str]] = set()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        service = _service(str(request.url))
        if service in self._silent:
            raise requests.Timeout(f"{request.url} did not answer before", request=request)
        try:
            return super().send(request, *args, **kwargs)
        except requests.Timeout:
            self._silent.add(service)
            raise


def _service(url: str) -> tuple[str, str]:
    """Return what tells services apart: many have one address, and each a path of its own."""
    parts = urlsplit(url)
    return parts.netloc, parts.path.strip("/").partition("/")[0]
