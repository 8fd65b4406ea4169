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

"""From the lines that a command prints to a server that has moved; no line is typed by hand."""

from __future__ import annotations

import json
import shlex
import subprocess

import testtools

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.functional.base import OPENSTACK, CloudTestCase
from vfio_lm.preflight import Verdict


class TestFromAliasToMigration(CloudTestCase):
    """The cloud is started with what ``openstack vfio alias create`` prints."""

    def setUp(self):
        testtools.TestCase.setUp(self)
        command = (
            f"{OPENSTACK} vfio alias create fast-vf --vendor-id 8086 --product-id 1515 "
            f"--device-type type-VF --live-migratable yes"
        )
        printed = subprocess.run(
            shlex.split(command), capture_output=True, text=True, check=True
        ).stdout
        alias, device_spec = self.values(printed, "alias"), self.values(printed, "device_spec")
        hosts = tuple(HostSpec(f"compute{i}", device_specs=tuple(device_spec)) for i in (1, 2))
        self.cloud = Cloud(CloudSpec(hosts, tuple(alias)))
        self.cloud.start()
        self.addCleanup(self.cloud.stop)
        self.connection = self.cloud.connection()

    def values(self, printed, option):
        """Return the values of an option among printed lines of a nova.conf."""
        lines = [line.partition(" = ") for line in printed.splitlines()]
        return [json.loads(value) for name, _, value in lines if name == option]

    def vfio(self, *arguments):
        done = self.openstack("vfio", *arguments, "--nova-conf", str(self.cloud.nova_conf()))
        self.assertEqual(0, done.status, done)
        return done

    def test_the_server_is_ready_and_moves(self):
        files = [f"api={self.cloud.nova_conf()}"]
        files += [f"{name}={self.cloud.nova_conf(name)}" for name in ("compute1", "compute2")]
        options = [word for file in files for word in ("--nova-conf", file)]
        linted = self.openstack("vfio", "alias", "validate", "-f", "json", *options)
        self.assertEqual(0, linted.status, linted)
        worst = [row for row in linted.json() if row["Severity"] != "info"]
        self.assertEqual([], worst)

        created = self.vfio("flavor", "create", "fast.1", "--alias", "fast-vf", "-f", "json")
        server = self.boot(created.json()["id"], name="mobile")
        (alias,) = self.vfio("alias", "list", "--long", "-f", "json").json()
        self.assertEqual((["fast.1"], 1), (alias["Flavors"], alias["Server Count"]))
        shown = self.vfio("alias", "show", "fast-vf", "--long", "-f", "json").json()
        self.assertEqual([server], shown["servers"])

        self.assertIs(Verdict.READY, self.check(server).verdict)
        ready = self.vfio("migration", "check", "mobile", "-f", "json", "-c", "verdict")
        self.assertEqual([{"Verdict": "ready"}], ready.json())
        self.assertIsNotNone(self.live_migrate(server))
