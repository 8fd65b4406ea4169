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

"""What every process of one embedded cloud knows of it; not what its nova.conf files say.

The settings are one JSON file in the cloud's directory, so that a service may run in
another interpreter than the one that started the cloud.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from tests.cloud.spec import CloudSpec, to_json

FILE_NAME = "settings.json"
ADDRESS = "127.0.0.1"
REGION = "RegionOne"
PASSWORD = "secret"  # nosec: of a cloud that only loopback reaches
CONTROLLER = "controller"

#: The project ``admin``: the one that the networks and ports of nova's neutron fixture
#: belong to (nova 34.0.0, nova.tests.fixtures.nova.PROJECT_ID).
ADMIN_PROJECT_ID = "6f70656e737461636b20342065766572"

#: everything that listens, with the path of its endpoint in the catalogue
LISTENERS: Mapping[str, str] = {
    "keystone": "/v3",
    "placement": "",
    "glance": "",
    "nova": "/v2.1",
    "neutron": "",
    "cinder": "/v3",
    "control": "",
    "agents": "",
}

#: what listens for commands of the tests, and is no service of the cloud
CONTROLS = frozenset({"control", "agents"})


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where a cloud's parts are.

    :ivar ports: TCP port of each listener.
    :ivar sockets: file descriptor of each listening socket in a service process.
    :ivar control_key: what a run-time command has to show.
    :ivar is_detached: whether the services outlive the process that started them.
    :ivar nova_python: the interpreter of nova's process, which has its release.
    """

    directory: Path
    spec: CloudSpec
    ports: Mapping[str, int]
    sockets: Mapping[str, int]
    control_key: str
    is_detached: bool
    nova_python: Path

    @classmethod
    def load(cls, directory: Path) -> Settings:
        """Read the settings of the cloud in a directory."""
        data = json.loads((directory / FILE_NAME).read_text())
        return cls(
            directory=directory,
            spec=CloudSpec.from_json(data["spec"]),
            ports=data["ports"],
            sockets=data["sockets"],
            control_key=data["control_key"],
            is_detached=data["is_detached"],
            nova_python=Path(data["nova_python"]),
        )

    def save(self) -> None:
        """Write the settings into the cloud's directory."""
        data = {
            "spec": to_json(self.spec),
            "ports": dict(self.ports),
            "sockets": dict(self.sockets),
            "control_key": self.control_key,
            "is_detached": self.is_detached,
            "nova_python": str(self.nova_python),
        }
        self.path(FILE_NAME).write_text(json.dumps(data, indent=1))

    def path(self, *parts: str) -> Path:
        """Name a file of the cloud."""
        return self.directory.joinpath(*parts)

    def url(self, listener: str) -> str:
        """Give the URL of a listener as the catalogue has it."""
        return f"http://{ADDRESS}:{self.ports[listener]}{LISTENERS[listener]}"

    def database(self, name: str) -> Path:
        """Name the SQLite file of a database."""
        return self.path("db", f"{name}.sqlite")

    def database_url(self, name: str) -> str:
        """Give the SQLAlchemy URL of a database.

        Processes share a file only for short writes; a writer waits for another.
        """
        return f"sqlite:///{self.database(name)}?timeout=60"

    def log(self, service: str) -> Path:
        """Name the log of a service."""
        return self.path("log", f"{service}.log")

    def ready_mark(self, service: str) -> Path:
        """Name the file that a service makes when it is ready to answer."""
        return self.path("run", f"{service}.ready")

    def nova_conf(self, host: str | None = None) -> Path:
        """Name the nova.conf of a compute host, or of the API and the scheduler (None)."""
        return self.path("etc", "nova", host or CONTROLLER, "nova.conf")

    @property
    def clouds_yaml(self) -> Path:
        """The clouds.yaml of the cloud's users."""
        return self.path("clouds.yaml")
