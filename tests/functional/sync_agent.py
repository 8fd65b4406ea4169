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

"""The placement sync agent as a process, its configuration, and a placement to kill; no tests."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from tests.cloud import Cloud
from tests.cloud.administrator import wait_for

AGENT = pathlib.Path(sys.executable).with_name("vfio-placement-sync")

#: Requests of the agent are in its log, each with the time when it began.
VERBOSE = "debug = true\ndefault_log_levels = " + ",".join(
    ("keystoneauth=DEBUG", "urllib3=WARNING", "tooz=WARNING", "oslo_concurrency=WARNING")
)


#: How long each round took is in its log.
CONCISE = "debug = true\ndefault_log_levels = " + ",".join(
    f"{library}=INFO"
    for library in ("keystoneauth", "urllib3", "tooz", "oslo_concurrency", "stevedore", "redis")
)


def credentials(cloud: Cloud, **changes: str) -> str:
    """Return a section ``[placement]`` for the cloud's administrator."""
    values = {
        "auth_type": "password",
        "auth_url": cloud.urls["keystone"],
        "username": "admin",
        "password": "secret",
        "project_name": "admin",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": "RegionOne",
    }
    lines = [f"{name} = {value}" for name, value in (values | changes).items()]
    return "\n".join(["[placement]", *lines, ""])


class AgentProcess:
    """One agent with a configuration file of its own.

    :param folder: for its files; they are named after the agent
    """

    def __init__(self, folder: pathlib.Path, name: str = "agent") -> None:
        self.conf = folder / f"{name}.conf"
        self.log = folder / f"{name}.log"
        self.log.touch()
        self._process: subprocess.Popen[bytes] | None = None
        self._log_begin = 0
        self._metrics_url = ""

    def configure(self, own: str, rest: str = "", default: str = "") -> None:
        """Write the configuration: the agent's own section, other sections, ``[DEFAULT]``."""
        self.conf.write_text(
            f"[DEFAULT]\n{default}\n"
            f"[vfio_placement_sync]\nmetrics_port = 0\njitter = 0\n{own}\n{rest}\n"
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [AGENT, "--config-file", self.conf, *arguments],
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, *arguments: str, **environ: str) -> None:
        """Run it in the background."""
        self._log_begin, self._metrics_url = self.log.stat().st_size, ""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [AGENT, "--config-file", self.conf, *arguments],
                env=_environment() | environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; return its status."""
        assert self._process is not None
        return self._process.wait(timeout=60)

    def end(self) -> int:
        """Let it end in order."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def text(self) -> str:
        """Return what it logged so far."""
        return self.log.read_text()

    def wait_for_line(self, part: str, limit: float = 60) -> None:
        """Wait until it logs something."""
        wait_for(f"{part!r} in {self.log.name}", lambda: part in self.text(), limit)

    @property
    def rounds(self) -> set[str]:
        """The IDs under which the services logged its rounds."""
        return set(re.findall(r"log it as (req-[0-9a-f-]{36})", self.text()))

    def requests(self, method: str) -> Iterator[tuple[str, str]]:
        """Return time and URL of each request of a method, as it was begun."""
        yield from re.findall(
            rf"^(\S+ \S+) .*REQ: curl .* -X {method} (\S+) ", self.text(), re.MULTILINE
        )

    def url(self, path: str) -> str:
        """Return where its metrics or health are."""
        if not self._metrics_url:
            self._metrics_url = wait_for(f"metrics and health in {self.log.name}", self._find_url)
        return f"{self._metrics_url}/{path}"

    def _find_url(self) -> str:
        with self.log.open() as log:
            log.seek(self._log_begin)
            found = re.search(r"metrics and health at (\S+)/metrics", log.read())
        return found[1] if found else ""

    def metric(self, name: str) -> float:
        """Return a value, for example of ``rounds_total{outcome="complete"}``."""
        return self.metrics().get(name, 0)

    def metrics(self) -> dict[str, float]:
        """Return all values."""
        with urllib.request.urlopen(self.url("metrics"), timeout=10) as response:
            text = response.read().decode()
        found = re.findall(r"^vfio_placement_sync_(\S+) (\S+)$", text, re.MULTILINE)
        return {name: float(value) for name, value in found}

    def health(self) -> tuple[int, dict[str, Any]]:
        """Return status and body of its answer to the question for its health."""
        try:
            with urllib.request.urlopen(self.url("health"), timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("OS_")}


def write_hosts(folder: pathlib.Path, names: Mapping[str, str]) -> None:
    """Write a nova.conf for each host; its devices are migratable, ``yes`` or ``no``."""
    folder.mkdir(exist_ok=True)
    for name, live_migratable in names.items():
        spec = {"vendor_id": "8086", "product_id": "1515", "live_migratable": live_migratable}
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_text(
            f"[pci]\nreport_in_placement = true\ndevice_spec = {json.dumps(spec)}\n"
        )
        unfinished.replace(folder / f"{name}.conf")


class PlacementProcess:
    """The placement of a cloud of one's own, killed and started again on the same port."""

    def __init__(self, cloud: Cloud) -> None:
        self._directory = cloud.directory
        self._port = int(cloud.urls["placement"].rpartition(":")[2])
        record = json.loads((cloud.directory / "run" / "processes.json").read_text())
        self._pid = int(record["placement"]["pid"])
        self._started: list[subprocess.Popen[bytes]] = []

    def kill(self) -> None:
        """End it at once, in whatever it is doing."""
        os.killpg(self._pid, signal.SIGKILL)
        wait_for("placement's port refuses", lambda: not self._is_heard())

    def start(self) -> None:
        """Start it as the cloud did; it has forgotten all that was not in its database."""
        service = "tests.cloud.services.placement"
        with socket.create_server(("127.0.0.1", self._port), backlog=128) as listener:
            path = self._directory / "settings.json"
            settings = json.loads(path.read_text())
            settings["sockets"]["placement"] = listener.fileno()
            path.write_text(json.dumps(settings))
            with (self._directory / "log" / "placement.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", service, str(self._directory)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=pathlib.Path(__file__).parents[2],
                    env=_environment(),
                    pass_fds=[listener.fileno()],
                    start_new_session=True,
                )
        self._started.append(process)
        self._pid = process.pid

    def stop(self) -> None:
        """End what was started here."""
        for process in self._started:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()

    def _is_heard(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._port)) == 0
