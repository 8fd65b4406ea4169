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

"""What each command prints with ``-f json`` on a real cloud is what its schema says."""

from __future__ import annotations

import fixtures
import jsonschema

from osc_vfio_lm.json_schemas import SCHEMAS
from tests.cloud import HostSpec
from tests.functional.base import UNTAGGED, YES, CloudTestCase
from tests.json_output import strict


class TestJsonOfEachCommand(CloudTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(YES,)),
        HostSpec("compute3", device_specs=(UNTAGGED,)),
    )

    def hold(self, command: str, *arguments: str) -> None:
        """Run a command, and hold what it prints to its schema, without any other key."""
        done = self.openstack("vfio", *command.split(), "-f", "json", *arguments)
        self.assertNotEqual(1, done.status, done.errors)
        printed = done.json()
        jsonschema.validate(printed, strict(SCHEMAS[command]))
        if isinstance(printed, list):
            self.assertNotEqual([], printed, command)
        self.held.add(command)

    def test_all_of_them(self):
        self.held: set[str] = set()
        folder = self.useFixture(fixtures.TempDir()).path
        conf = ("--nova-conf", str(self.cloud.nova_conf()))
        host_conf = ("--nova-conf", f"compute1={self.cloud.nova_conf('compute1')}")
        flavor = self.flavor("vf-yes:1")
        server = self.boot(flavor, host="compute1")
        self.boot(self.flavor("vf-any:1"), host="compute2", name="stuck")
        for long in ((), ("--long",)):
            self.hold("alias list", *conf, *long)
            self.hold("alias show", "vf-yes", *conf, *long)
            self.hold("device list", *long)
            self.hold("flavor list", *conf, *long)
            self.hold("server list", *conf, *long)
        broken = f"{folder}/broken.conf"
        with open(broken, "w") as file:
            file.write('[pci]\nalias = {"name": "a", "vendor_id": "8086"}\n')
        self.hold("alias validate", "--nova-conf", broken)
        self.hold("alias validate", "--nova-conf", broken, "--long")
        self.hold("device show", f"compute1:{self.address_of('compute1')}")
        self.hold("doctor", *conf, *host_conf)
        self.hold("flavor create", "--alias", "vf-yes", *conf, "of-schema")
        self.addCleanup(self.openstack, "flavor", "delete", "of-schema")
        self.hold("flavor show", *conf, "of-schema")
        self.hold("host drain", "compute1", *conf)
        self.hold("migration check", server, *conf)
        self.hold("migration start", server, "--wait", *conf)
        self.hold("migration list")
        self.hold("migration show", server)
        self.hold("migration explain", server, *conf)
        self.hold("provider audit", *host_conf)
        self.hold("provider sync", "--dry-run", *host_conf)
        self.hold("report", "--output", f"{folder}/report.tar.gz", *conf)
        self.hold("server upgrade-plan", *conf)
        self.assertEqual(SCHEMAS.keys(), self.held)

    def address_of(self, host: str) -> str:
        done = self.openstack("vfio", "device", "list", "--host", host, "-f", "json")
        address: str = done.json()[0]["Address"]
        return address
