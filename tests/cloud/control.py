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

"""Run-time commands to a process of a cloud, from the side that gives them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from tests.cloud.errors import CloudError
from tests.cloud.processes import Processes
from tests.cloud.settings import Settings

#: the slowest command starts a nova-compute
TIMEOUT = 180.0


class Control:
    """The control channel of one process of a cloud.

    :param service: whose log shows why a command failed.
    :param listener: what listens for commands in its process.
    """

    def __init__(
        self, settings: Settings, processes: Processes, service: str, listener: str
    ) -> None:
        self._settings = settings
        self._processes = processes
        self._service = service
        self._listener = listener

    def run(self, command: str, **arguments: Any) -> Any:
        """Run a command; give its result.

        :raises CloudError: with the error and the end of the service's log.
        """
        self._processes.check_running()
        request = urllib.request.Request(
            f"{self._settings.url(self._listener)}/{command}",
            data=json.dumps(arguments).encode(),
            headers={"X-Control-Key": self._settings.control_key},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return json.load(response)["result"]
        except urllib.error.HTTPError as error:
            reason = json.load(error)["error"]
        except OSError as error:
            reason = str(error)
        raise CloudError(f"{command}: {reason}; {self._processes.log_end(self._service)}")
