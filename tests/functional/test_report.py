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

"""The support report has what helps, and no secret."""

import json
import pathlib
import stat
import tarfile

import fixtures

from tests.functional import base
from vfio_lm.pci.conf_text import read_conf_text


class TestReport(base.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.file = self.folder / "report.tar.gz"

    def read(self) -> dict[str, str]:
        """Return the content of each member, by its name below the report's folder."""
        with tarfile.open(self.file) as archive:
            return {
                member.name.partition("/")[2]: archive.extractfile(member).read().decode()
                for member in archive
            }

    def report(self, *arguments: str, status: int = 0) -> dict[str, str]:
        finished = self.openstack("vfio", "report", "--output", str(self.file), *arguments)
        self.assertEqual(status, finished.status, finished.errors)
        return self.read()

    def test_it_tells_of_hosts_devices_configuration_and_servers(self):
        server = self.boot(self.flavor("vf-yes:1"), name="guest/../1")
        found = self.report(
            f"--nova-conf={self.cloud.nova_conf()}",
            f"--nova-conf=compute1={self.cloud.nova_conf('compute1')}",
            "--server",
            server,
            "--server",
            "guest/../1",
        )
        self.assertEqual({"compute1", "compute2"}, set(json.loads(found["hosts.json"])))
        devices = json.loads(found["devices.json"])
        self.assertEqual({"compute1", "compute2"}, {device["host"] for device in devices})
        self.assertIn("openstack-vfio-lm", json.loads(found["versions.json"])["packages"])
        self.assertEqual("ready", json.loads(found[f"preflight/{server}.json"])["verdict"])
        self.assertIn("preflight/guest_.._1.json", found)
        self.assertIn("findings", json.loads(found["audit.json"]))
        self.assertIn("live_migratable", found["nova-conf/compute1.conf"])
        self.assertEqual(set(found) - {"manifest.json"}, self.told(found, "ok"))

    def told(self, found: dict[str, str], status: str) -> set[str]:
        parts = json.loads(found["manifest.json"])["parts"]
        return {part["name"] for part in parts if part["status"] == status}

    def test_no_password_of_a_nova_conf_is_in_it(self):
        whole = self.cloud.nova_conf("compute1")
        conf = self.folder / "nova.conf"
        conf.write_text(
            f"{whole.read_text()}\n[DEFAULT]\ntransport_url = rabbit://nova:mellon@rabbit\n"
            "[libvirt]\nlive_migration_uri = qemu+tcp://root:mellon@%s/system\n"
            "live_migration_downtime = 700\n"
            "[vault]\nmellon\npassword=mellon\n[workarounds]\nmellon = 1\n"
        )
        self.boot(self.flavor(None), name="guest")
        found = self.report(
            f"--nova-conf={conf}", f"--nova-conf=compute1={whole}", "--server", "guest", status=2
        )
        secrets = {"mellon", "transport_url"} | {
            setting.value
            for setting in read_conf_text([whole]).settings
            if "password" in setting.name
        }
        self.assertGreater(len(secrets), 2)
        for name, content in found.items():
            for secret in secrets:
                self.assertNotIn(secret, content, name)
        self.assertIn("live_migration_downtime = 700", found["nova-conf/api.conf"])
        # nova would refuse this file, which is reported and is no reason to have no report
        self.assertIn(f"\n# {conf}:", found["nova-conf/api.conf"])
        self.assertIn("preflight/guest.json", self.told(found, "failed"))
        self.assertEqual(0o600, stat.S_IMODE(self.file.stat().st_mode))

    def test_what_cannot_be_had_is_named_and_the_rest_is_there(self):
        conf = f"--nova-conf={self.cloud.nova_conf()}"
        found = self.report(conf, "--host-facts", "/no/such.json", status=2)
        self.assertEqual({"host-facts"}, self.told(found, "failed"))
        self.assertIn("hosts.json", found)

    def test_without_a_nova_conf_it_is_not_whole(self):
        found = self.report(status=2)
        self.assertEqual({"nova-conf/api.conf"}, self.told(found, "failed"))

    def test_a_user_without_the_admin_role_gets_what_can_be_had(self):
        conf = f"--nova-conf={self.cloud.nova_conf()}"
        finished = self.openstack(
            "vfio", "report", "--output", str(self.file), conf, cloud="embedded-demo"
        )
        self.assertEqual(2, finished.status, finished.errors)
        self.assertIn("hosts.json", self.told(self.read(), "failed"))

    def test_a_server_that_does_not_exist_is_refused(self):
        finished = self.openstack(
            "vfio", "report", "--output", str(self.file), "--server", "missing"
        )
        self.assertEqual((1, False), (finished.status, self.file.exists()))
        self.assertIn("'missing'", finished.errors)

    def test_a_file_that_is_there_is_left_as_it_is(self):
        self.file.write_text("mine")
        finished = self.openstack("vfio", "report", "--output", str(self.file))
        self.assertEqual(1, finished.status)
        self.assertIn(f"{self.file} exists already", finished.errors)
        self.assertEqual("mine", self.file.read_text())
        self.assertEqual([self.file], list(self.folder.iterdir()))
