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

"""The service processes of a cloud seen from outside: start, watch, end; not what they do."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cloud.errors import CloudError
from tests.cloud.settings import ADDRESS, LISTENERS, Settings

#: module of each service
MODULES: Mapping[str, str] = {
    "keystone": "tests.cloud.services.identity",
    "placement": "tests.cloud.services.placement",
    "glance": "tests.cloud.services.image",
    "nova": "tests.cloud.services.compute",
}

#: module of neutron, which not every cloud has
NEUTRON_MODULE = "tests.cloud.services.network"

#: what a service listens for beside its own requests
FURTHER_LISTENERS: Mapping[str, tuple[str, ...]] = {
    "nova": ("cinder", "control"),
    "neutron": ("agents",),
}

LOG_LINES = 30
POLL_SECONDS = 0.05
END_SECONDS = 20.0


@contextlib.contextmanager
def listening_sockets() -> Iterator[Mapping[str, socket.socket]]:
    """Listen on a free port for each listener, for the services to inherit.

    A port that is merely looked up may be somebody else's when the service binds it.
    And a client that comes before its service is ready waits instead of being refused.
    """
    with contextlib.ExitStack() as stack:
        sockets = {}
        for name in LISTENERS:
            listener = stack.enter_context(socket.socket())
            listener.bind((ADDRESS, 0))
            listener.listen(128)
            sockets[name] = listener
        yield sockets


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number.

    :ivar started: when it started, in clock ticks since the machine did.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Describe a process that runs."""
        return cls(pid, _start_time(pid) or 0)

    def is_running(self) -> bool:
        """Say whether the process has not ended."""
        return _start_time(self.pid) == self.started

    def kill(self) -> None:
        """End the process and its children at once; nothing of a cloud is to be saved."""
        self.send(signal.SIGKILL)

    def send(self, what: signal.Signals) -> None:
        """Send a signal to the process and its children, if it has not ended."""
        if self.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, what)


class Processes:
    """All service processes of one cloud."""

    def __init__(self, settings: Settings, processes: Mapping[str, Process]) -> None:
        self._settings = settings
        self._processes = dict(processes)
        self._modules = dict(MODULES)
        if settings.spec.neutron:
            self._modules["neutron"] = NEUTRON_MODULE
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def load(cls, settings: Settings) -> Processes:
        """Find the processes of a cloud that somebody else started."""
        path = _record(settings)
        data = json.loads(path.read_text()) if path.exists() else {}
        return cls(settings, {name: Process(**each) for name, each in data.items()})

    def start(self) -> None:
        """Start every service."""
        for name in self._modules:
            child = self._children[name] = self._popen(name)
            self._processes[name] = Process.of(child.pid)
            records = {key: dataclasses.asdict(each) for key, each in self._processes.items()}
            _record(self._settings).write_text(json.dumps(records))

    def wait_ready(self, service: str, deadline: float) -> None:
        """Wait until a service says that it is ready.

        :param deadline: on the clock of ``time.monotonic()``.
        :raises CloudError: if it is not in time, or if any service ends.
        """
        began = time.monotonic()
        while not self._settings.ready_mark(service).exists():
            self.check_running()
            if time.monotonic() > deadline:
                waited = round(time.monotonic() - began)
                raise CloudError(
                    f"{service} did not start within {waited} s; {self.log_end(service)}"
                )
            time.sleep(POLL_SECONDS)

    def check_running(self) -> None:
        """Raise CloudError if a service has ended."""
        for name, process in self._processes.items():
            child = self._children.get(name)
            if child is not None and child.poll() is not None:
                raise CloudError(
                    f"{name} exited with status {child.returncode}; {self.log_end(name)}"
                )
            if child is None and not process.is_running():
                raise CloudError(f"{name} does not run; {self.log_end(name)}")

    def running(self) -> Mapping[str, bool]:
        """Say of every service whether its process runs."""
        return {
            name: name in self._processes and self._processes[name].is_running()
            for name in self._modules
        }

    def send(self, service: str, what: signal.Signals) -> None:
        """Send a signal to a service."""
        self._processes[service].send(what)

    def memory_mb(self, service: str) -> float:
        """Give the resident memory of a service in MiB."""
        status = Path(f"/proc/{self._processes[service].pid}/status").read_text()
        (kilobytes,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kilobytes) / 1024

    def log_end(self, service: str) -> str:
        """Give the last lines of a service's log, with a heading."""
        path = self._settings.log(service)
        return f"end of {path}:\n{tail(path, LOG_LINES)}"

    def stop(self) -> None:
        """End all services."""
        for process in self._processes.values():
            process.kill()
        for child in self._children.values():
            child.wait()
            if child.stdin is not None:
                child.stdin.close()
        deadline = time.monotonic() + END_SECONDS
        for name, process in self._processes.items():
            while process.is_running():
                if time.monotonic() > deadline:
                    raise CloudError(f"{name} (process {process.pid}) does not end")
                time.sleep(POLL_SECONDS)

    def _listeners(self, service: str) -> tuple[str, ...]:
        # nova's double of neutron lives in nova's process
        double = ("neutron",) if service == "nova" and "neutron" not in self._modules else ()
        return (service, *double, *FURTHER_LISTENERS.get(service, ()))

    def _popen(self, service: str) -> subprocess.Popen[bytes]:
        settings = self._settings
        python = settings.nova_python if service == "nova" else sys.executable
        with settings.log(service).open("ab") as log:
            return subprocess.Popen(
                [python, "-W", "ignore", "-m", self._modules[service], str(settings.directory)],
                # by whose end the service notices that its launcher is gone
                stdin=subprocess.DEVNULL if settings.is_detached else subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
                env=_environment(),
                # no others: the port of a service that died has to refuse connections
                pass_fds=[settings.sockets[name] for name in self._listeners(service)],
                start_new_session=True,
            )


def _environment() -> dict[str, str]:
    # what configures clients, or another OpenStack of this machine, is not for us; and the code
    # that the tests' coverage is about is not among the services
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OS_", "COVERAGE_"))
    }


def tail(path: Path, lines: int) -> str:
    """Give the last lines of a text file; nothing if there is none."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _record(settings: Settings) -> Path:
    return settings.path("run", "processes.json")


def _start_time(pid: int) -> int | None:
    """Give the start time of a process, None if it does not run (any more)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # proc(5): the name in parentheses may hold spaces; then state is field 3 and
    # starttime field 22
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
