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
import functools
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import testtools

from tests.cloud import CloudSpec, HostSpec, environments
from tests.cloud.administrator import Administrator
from tests.cloud.shared import SharedCloud
from vfio_lm.pci import read_nova_conf
from vfio_lm.pci.release import NovaRelease
from vfio_lm.preflight import Report, check_server

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

#: With every service that the preflight may ask.
_WHOLE = CloudSpec(volume_endpoint=True)


class _OfProcess:
    """The cloud of this process: one at a time, as the test wants it."""

    def __init__(self) -> None:
        self._kind: tuple[object, ...] = ()
        self._shared = SharedCloud(_WHOLE)
        atexit.register(self.stop)

    def of_release(
        self,
        release: NovaRelease,
        *,
        has_neutron: bool = False,
        nova_options: Mapping[str, Mapping[str, Any]] | None = None,
        api_filter: Mapping[str, str] | None = None,
    ) -> SharedCloud:
        """Give the cloud; one that is of another kind ends."""
        kind = (release, has_neutron, nova_options or {}, api_filter)
        if self._kind != kind:
            self.stop()
            self._kind = kind
            spec = dataclasses.replace(
                _WHOLE,
                neutron=has_neutron,
                nova_options=nova_options or {},
                api_filter=api_filter,
            )
            self._shared = SharedCloud(spec, release=release)
        return self._shared

    def stop(self) -> None:
        self._shared.stop()


CLOUDS = _OfProcess()


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
    #: Whether the cloud has a neutron, instead of nova's double of it.
    has_neutron = False
    #: Further options of every nova.conf.
    nova_options: Mapping[str, Mapping[str, Any]] = {}
    #: Options of nova-api's filter that serves the dry run; None: no filter.
    api_filter: Mapping[str, str] | None = None

    def setUp(self) -> None:
        super().setUp()
        shared = CLOUDS.of_release(
            self.release,
            has_neutron=self.has_neutron,
            nova_options=self.nova_options,
            api_filter=self.api_filter,
        )
        self.cloud = shared.shaped(self.hosts, self.aliases, self.pci_in_placement)
        self.connection = self.cloud.connection()
        self.addOnException(self._attach_log)

    @functools.cached_property
    def admin(self) -> Administrator:
        return Administrator(self.connection)

    def _attach_log(self, _: object) -> None:
        self.addDetail("nova", testtools.content.text_content(self.cloud.logs("nova")))

    def flavor(self, aliases: str | None, **extra_specs: str) -> str:
        """Create a flavor that asks for devices, for example ``vf-yes:1``; return its ID."""
        return self.admin.flavor(aliases, **extra_specs)

    def boot(
        self,
        flavor: str,
        host: str | None = None,
        name: str = "server",
        hints: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Create a server and wait until it is ACTIVE; return its ID."""
        server_id = self.admin.request_server(flavor, host, name, hints, **fields)
        self.admin.wait_until_built([server_id])
        return server_id

    def show(self, server_id: str) -> dict[str, Any]:
        """Return a server as the API has it."""
        return self.admin.show(server_id)

    def host_of(self, server_id: str) -> str:
        return self.admin.host_of(server_id)

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
        moved = self.admin.live_migrate(server_id, host)
        self.assertEqual(moved.is_done, moved.host != source, moved)
        return moved.host if moved.is_done else None

    def openstack(self, *arguments: str, cloud: str = "embedded") -> Finished:
        """Run the ``openstack`` command as a user of the cloud."""
        finished = subprocess.run(
            [OPENSTACK, *arguments],
            # sentences are compared whole
            env=os.environ | {"COLUMNS": "400"} | self.cloud.environ(cloud),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)
