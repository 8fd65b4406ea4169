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

"""The control channel of a process of a running cloud, over loopback HTTP; not what it runs."""

from __future__ import annotations

import contextlib
import hmac
import json
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

KEY_HEADER = "HTTP_X_CONTROL_KEY"

Command = Callable[..., Any]


class Commands:
    """A WSGI application: POST /<command> with its arguments as a JSON object.

    :param commands: what each runs; one at a time.
    :param key: what who gives a command has to show.
    :param readers: further commands, which change nothing and wait for none.
    """

    def __init__(
        self,
        commands: Mapping[str, Command],
        key: str,
        readers: Mapping[str, Command] | None = None,
    ) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._commands = commands
        self._readers = readers or {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Run a command."""
        status, answer = self._answer(environ)
        body = json.dumps(answer).encode()
        start_response(
            status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        )
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if not hmac.compare_digest(environ.get(KEY_HEADER, ""), self._key):
            return "403 Forbidden", {"error": "wrong control key"}
        name = environ["PATH_INFO"].strip("/")
        reader = self._readers.get(name)
        command = reader or self._commands.get(name)
        if command is None:
            return "404 Not Found", {"error": f"there is no command {name}"}
        arguments = json.loads(environ["wsgi.input"].read())
        try:
            with self._lock if reader is None else contextlib.nullcontext():
                return "200 OK", {"result": command(**arguments)}
        except Exception as error:  # noqa: BLE001 - it is for whoever gave the command
            traceback.print_exc()
            return "500 Internal Server Error", {
                "error": "; ".join(line.strip() for line in traceback.format_exception_only(error))
            }
