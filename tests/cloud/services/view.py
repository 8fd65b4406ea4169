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

"""What the views of nova's fixtures have in common: JSON over HTTP, and tokens."""

from __future__ import annotations

import abc
import json
import urllib.parse
from collections.abc import Iterable
from typing import Any

import nova.conf
from keystonemiddleware import auth_token

#: parameters of a list that are no filters
PRESENTATION = ("fields", "limit", "sort_key", "sort_dir", "marker")

Answer = tuple[str, dict[str, Any] | None]


class View(abc.ABC):
    """A WSGI application that answers JSON with JSON.

    :ivar version: the first part of each path.
    """

    version: str

    def __init__(self) -> None:
        self._guarded = auth_token.AuthProtocol(
            self._serve,
            {"oslo_config_config": nova.conf.CONF, "oslo_config_project": "nova"},
        )

    @abc.abstractmethod
    def answer(
        self, method: str, parts: list[str], query: dict[str, Any], body: dict[str, Any]
    ) -> Answer:
        """Answer a request.

        :param parts: of the path.
        """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request; only the versions may be read without a token."""
        is_public = environ["PATH_INFO"].strip("/") in ("", self.version)
        app = self._serve if is_public else self._guarded
        result: Iterable[bytes] = app(environ, start_response)
        return result

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        parts = [part for part in environ["PATH_INFO"].split("/") if part]
        query = {
            name: values if len(values) > 1 else values[0]
            for name, values in urllib.parse.parse_qs(environ["QUERY_STRING"]).items()
            if name not in PRESENTATION
        }
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length)) if length else {}
        status, answer = self.answer(environ["REQUEST_METHOD"], parts, query, body)
        content = b"" if answer is None else json.dumps(answer, default=str).encode()
        start_response(
            status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        )
        return [content]
