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

"""One embedded cloud for all functional tests of a process, brought into each test's shape."""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import testtools

from tests.cloud import Cloud, CloudSpec, HostSpec, environments
from vfio_lm.pci import read_nova_conf
from vfio_lm.pci.release import NovaRelease
from vfio_lm.preflight import Report, check_server

T = TypeVar("T")

MICROVERSION = "2.100"

YES = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "yes"}
UNTAGGED = {"vendor_id": "8086", "product_id": "1515"}

ALIAS_YES = {
    "name": "vf-yes",
    "vendor_id": "8086",
    "product_id": "1515",
    "device_type": "type-VF",
    "live_migratable": "yes",
}
ALIAS_ANY = {key: value for key, value in ALIAS_YES.items() if key != "live_migratable"} | {
    "name": "vf-any"
}

#: The ``openstack`` command of the environment that the tests run in.
OPENSTACK = pathlib.Path(sys.executable).with_name("openstack")


def wait_for(what: str, condition: Callable[[], T | None], limit: float = 60.0) -> T:
    """Ask again until the answer is true; a wait is never longer than it has to be.

    :param limit: seconds
    """
    end = time.monotonic() + limit
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {limit:.0f} s: {what}")
        time.sleep(0.05)
    return answer


class _SharedCloud:
    """The cloud of this process: started for the first test, stopped at exit."""

    def __init__(self) -> None:
        self._cloud: Cloud | None = None
        self._release: NovaRelease | None = None
        self._hosts: tuple[HostSpec, ...] = ()

    def shaped(
        self,
        hosts: tuple[HostSpec, ...],
        aliases: Sequence[Mapping[str, Any]],
        pci_in_placement: bool,
        release: NovaRelease,
    ) -> Cloud:
        # Said for each host, so that it is part of the shape.
        hosts = tuple(
            dataclasses.replace(host, report_in_placement=pci_in_placement) for host in hosts
        )
        if self._cloud is not None and release is not self._release:
            self._cloud.stop()
            self._cloud = None
        if self._cloud is None:
            self._cloud = Cloud(CloudSpec(hosts=hosts), release=release)
            self._cloud.start()
            atexit.register(self._cloud.stop)
            self._hosts, self._release = hosts, release
        self._cloud.reset()
        # First what hosts and aliases are checked with, then these.
        self._cloud.set_aliases([])
        self._cloud.set_pci_in_placement(pci_in_placement)
        self._cloud.set_aliases([dict(alias) for alias in aliases])
        if hosts != self._hosts:
            self._replace_hosts(hosts)
        return self._cloud

    def _replace_hosts(self, hosts: tuple[HostSpec, ...]) -> None:
        """Take all hosts away: a host that reported devices may never stop to."""
        assert self._cloud is not None
        for name in self._cloud.hosts():
            self._cloud.remove_host(name)
        self._hosts = ()
        for host in hosts:
            self._cloud.add_host(host)
        self._hosts = hosts


_SHARED = _SharedCloud()


@dataclasses.dataclass(frozen=True)
class Finished:
    """What a command printed, and how it ended."""

    status: int
    output: str
    errors: str

    def json(self) -> Any:
        return json.loads(self.output)


class CloudTestCase(testtools.TestCase):
    """A test on the embedded cloud."""

    hosts: tuple[HostSpec, ...] = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(YES,)),
    )
    aliases: tuple[Mapping[str, Any], ...] = (ALIAS_YES, ALIAS_ANY)
    pci_in_placement = True
    release = environments.CURRENT

    def setUp(self) -> None:
        super().setUp()
        self.cloud = _SHARED.shaped(self.hosts, self.aliases, self.pci_in_placement, self.release)
        self.connection = self.cloud.connection()
        self.addOnException(self._attach_log)

    def _attach_log(self, _: object) -> None:
        self.addDetail("nova", testtools.content.text_content(self.cloud.logs("nova")))

    def flavor(self, aliases: str | None, **extra_specs: str) -> str:
        """Create a flavor that asks for devices, for example ``vf-yes:1``; return its ID."""
        flavor = self.connection.compute.create_flavor(
            name=f"flavor-{time.monotonic_ns()}", vcpus=1, ram=512, disk=1
        )
        if aliases is not None:
            extra_specs["pci_passthrough:alias"] = aliases
        if extra_specs:
            self.connection.compute.create_flavor_extra_specs(flavor, extra_specs)
        return str(flavor.id)

    def boot(
        self,
        flavor: str,
        host: str | None = None,
        name: str = "server",
        hints: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Create a server and wait until it is ACTIVE; return its ID."""
        image = next(iter(self.connection.image.images()))
        wanted = {"name": name, "flavorRef": flavor, "imageRef": image.id, "networks": "none"}
        if host is not None:
            wanted["host"] = host
        response = self.connection.compute.post(
            "/servers",
            json={"server": wanted | fields, "os:scheduler_hints": hints or {}},
            microversion=MICROVERSION,
        )
        self.assertEqual(202, response.status_code, response.text)
        server_id = str(response.json()["server"]["id"])

        def is_settled() -> bool:
            server = self.show(server_id)
            return server["status"] != "BUILD" and server["OS-EXT-STS:task_state"] is None

        wait_for(f"{name} is built", is_settled)
        self.assertEqual("ACTIVE", self.show(server_id)["status"], self.show(server_id))
        return server_id

    def show(self, server_id: str) -> dict[str, Any]:
        """Return a server as the API has it."""
        response = self.connection.compute.get(f"/servers/{server_id}", microversion=MICROVERSION)
        server: dict[str, Any] = response.json()["server"]
        return server

    def host_of(self, server_id: str) -> str:
        return str(self.show(server_id)["OS-EXT-SRV-ATTR:host"])

    def check(self, server_id: str, host: str | None = None, **kwargs: Any) -> Report:
        """Run the preflight with the nova.conf of the API."""
        conf = read_nova_conf([self.cloud.nova_conf()])
        known = {"aliases": conf.aliases, "pci_in_placement": conf.pci_in_placement} | kwargs
        return check_server(self.connection, server_id, host=host, **known)

    def live_migrate(self, server_id: str, host: str | None = None) -> str | None:
        """Let nova live migrate a server.

        :returns: the host where it went, or None if nova refused
        """
        source = self.host_of(server_id)
        before = len(self._migrations(server_id))
        response = self.connection.compute.post(
            f"/servers/{server_id}/action",
            json={"os-migrateLive": {"host": host, "block_migration": "auto"}},
            microversion=MICROVERSION,
        )
        if response.status_code != 202:
            return None

        def outcome() -> str | None:
            migrations = self._migrations(server_id)
            if len(migrations) == before or self.show(server_id)["OS-EXT-STS:task_state"]:
                return None
            # newest first
            status = str(migrations[0]["status"])
            return status if status in ("completed", "error", "failed", "cancelled") else None

        status = wait_for("the live migration ends", outcome)
        there = self.host_of(server_id)
        self.assertEqual(status == "completed", there != source, status)
        return there if status == "completed" else None

    def _migrations(self, server_id: str) -> list[dict[str, Any]]:
        response = self.connection.compute.get(
            "/os-migrations",
            params={"instance_uuid": server_id, "migration_type": "live-migration"},
            microversion=MICROVERSION,
        )
        migrations: list[dict[str, Any]] = response.json()["migrations"]
        return migrations

    def openstack(self, *arguments: str, cloud: str = "embedded") -> Finished:
        """Run the ``openstack`` command as a user of the cloud."""
        finished = subprocess.run(
            [OPENSTACK, *arguments],
            env=os.environ | self.cloud.environ(cloud),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)
