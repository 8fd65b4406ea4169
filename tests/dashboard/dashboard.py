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

"""The process of Horizon seen from outside; what it serves is elsewhere."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.cloud import Cloud, CloudError
from tests.cloud.lifetime import Lifetime
from tests.cloud.processes import tail
from tests.cloud.settings import ADDRESS

START_TIMEOUT = 120.0
POLL_SECONDS = 0.1
PANEL = "/admin/vfio_live_migration/"


class Dashboard(Lifetime):
    """Horizon on loopback, with the panel, for the users of a cloud.

    :param cloud: one that is up; the files of Horizon are in its directory
    :param timeout: how long the panel waits for one answer of a service, in seconds
    """

    def __init__(self, cloud: Cloud, *, timeout: float = 30) -> None:
        self._cloud = cloud
        self._timeout = timeout
        self._directory = cloud.directory / "horizon"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The address of the first page, without a slash at the end."""
        return f"http://{ADDRESS}:{self._port}"

    @property
    def log(self) -> Path:
        """What Horizon says of itself."""
        return self._directory / "horizon.log"

    @property
    def host_nova_conf(self) -> Path:
        """A folder for the nova.conf of hosts; nothing is in it at first."""
        return self._directory / "host-nova-conf"

    @property
    def host_facts(self) -> Path:
        """A folder for facts of hosts; nothing is in it at first."""
        return self._directory / "host-facts"

    def start(self) -> None:
        """Start Horizon; the first page, with all its styles, is there when this returns.

        :raises CloudError: with the end of the log
        """
        for folder in (self._directory, self.host_nova_conf, self.host_facts):
            folder.mkdir()
        with socket.socket() as listening, self.log.open("wb") as log:
            listening.bind((ADDRESS, 0))
            listening.listen(128)
            self._port = listening.getsockname()[1]
            described = {
                "socket": listening.fileno(),
                "keystone": self._cloud.urls["keystone"],
                "nova_conf": str(self._cloud.nova_conf()),
                "host_nova_conf": str(self.host_nova_conf),
                "host_facts": str(self.host_facts),
                "timeout": self._timeout,
            }
            (self._directory / "site.json").write_text(json.dumps(described))
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.dashboard.serve", self._directory],
                # by whose end Horizon notices that its launcher is gone
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
                pass_fds=[listening.fileno()],
            )
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End Horizon; its files go with those of the cloud."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _wait_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while not (self._directory / "ready").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise CloudError(f"Horizon did not start; end of {self.log}:\n{tail(self.log, 30)}")
            time.sleep(POLL_SECONDS)
        urllib.request.urlopen(f"{self.url}/auth/login/", timeout=START_TIMEOUT).close()
