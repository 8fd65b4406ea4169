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

"""The control channel of a running cloud: which command runs what, over loopback HTTP."""

from __future__ import annotations

import hmac
import json
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from tests.cloud.services.fleet import Fleet
from tests.cloud.services.networks import Networks
from tests.cloud.spec import HostSpec

KEY_HEADER = "HTTP_X_CONTROL_KEY"

Command = Callable[..., Any]


class Commands:
    """A WSGI application: POST /<command> with its arguments as a JSON object."""

    def __init__(self, fleet: Fleet, networks: Networks, key: str) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._commands: dict[str, Command] = {
            "add-host": lambda host: fleet.add_host(HostSpec.from_json(host)),
            "forget-host": fleet.forget_host,
            "stop-host": fleet.stop_host,
            "start-host": fleet.start_host,
            "restart-host": lambda name, host: fleet.restart_host(
                name, HostSpec.from_json(host) if host else None
            ),
            "set-aliases": fleet.set_aliases,
            "set-pci-in-placement": fleet.set_pci_in_placement,
            "update-resources": fleet.update_resources,
            "forget-moves": fleet.forget_moves,
            "sync-scheduler": fleet.sync_scheduler,
            "guest-xml": fleet.guest_xml,
            "fail-migrations": fleet.fail_migrations,
            "leave-out-extensions": networks.leave_out_extensions,
            "hosts": fleet.host_states,
        }

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
        command = self._commands.get(name)
        if command is None:
            return "404 Not Found", {"error": f"there is no command {name}"}
        arguments = json.loads(environ["wsgi.input"].read())
        try:
            with self._lock:
                return "200 OK", {"result": command(**arguments)}
        except Exception as error:  # noqa: BLE001 - it is for whoever gave the command
            traceback.print_exc()
            return "500 Internal Server Error", {
                "error": "; ".join(line.strip() for line in traceback.format_exception_only(error))
            }
