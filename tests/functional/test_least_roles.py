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

"""Each part does its work with the least role that the documentation names, and no secret leaks."""

import os
import pathlib
import subprocess

import fixtures

from tests.functional import base
from tests.functional.cloud_user import CloudUser
from tests.functional.sync_agent import VERBOSE, AgentProcess, credentials

_PASSWORD = CloudUser.password
_TRAIT = "HW_PCI_LIVE_MIGRATABLE"


class TestLeastRoles(base.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def user_with(self, role: str, project: str = "service") -> str:
        """Create a user with just one role in a project; return its name."""
        user = CloudUser(self.connection.identity, role, project)
        self.addCleanup(user.delete)
        return user.name

    def run_as(self, role: str, *arguments: str) -> base.Finished:
        """Run the command as a user with one role."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        environ |= {
            "OS_AUTH_URL": self.cloud.urls["keystone"],
            "OS_USERNAME": self.user_with(role),
            "OS_PASSWORD": _PASSWORD,
            "OS_PROJECT_NAME": "service",
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_REGION_NAME": "RegionOne",
            "OS_IDENTITY_API_VERSION": "3",
        }
        finished = subprocess.run(
            [base.OPENSTACK, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return base.Finished(finished.returncode, finished.stdout, finished.stderr)

    def traits(self, host: str) -> list[str]:
        provider = self.connection.placement.find_resource_provider(host)
        path = f"/resource_providers/{provider.id}/traits"
        traits: list[str] = self.connection.placement.get(path).json()["traits"]
        return traits

    def test_the_agent_keeps_traits_with_the_service_role_and_tells_no_secret(self):
        agent = AgentProcess(self.folder)
        agent.configure(
            f"nova_conf = {self.cloud.nova_conf('compute1')}",
            credentials(
                self.cloud,
                username=self.user_with("service"),
                password=_PASSWORD,
                project_name="service",
            ),
            default=VERBOSE,
        )
        finished = agent.run("--once")
        self.assertEqual(0, finished.returncode, finished.stderr)
        self.assertIn(_TRAIT, self.traits("compute1"))
        said = finished.stdout + finished.stderr + agent.text()
        self.assertIn("PUT call to placement", said)
        self.assertNotIn(_PASSWORD, said)
        # keystone's tokens (fernet) begin so
        self.assertNotIn("gAAAA", said)

    def test_the_agent_with_a_smaller_role_writes_nothing_and_says_why(self):
        conf = self.folder / "nova.conf"
        conf.write_text(self.cloud.nova_conf("compute1").read_text().replace('"yes"', '"no"'))
        before = self.traits("compute1")
        agent = AgentProcess(self.folder)
        agent.configure(
            f"nova_conf = {conf}",
            credentials(
                self.cloud,
                username=self.user_with("reader"),
                password=_PASSWORD,
                project_name="service",
            ),
        )
        finished = agent.run("--once")
        self.assertEqual(1, finished.returncode)
        self.assertIn("role", finished.stderr)
        self.assertEqual(before, self.traits("compute1"))

    def test_devices_are_listed_with_the_admin_role_only(self):
        self.assertEqual(0, self.run_as("admin", "vfio", "device", "list").status)
        finished = self.run_as("reader", "vfio", "device", "list")
        self.assertEqual(1, finished.status)
        self.assertIn("role", finished.errors)

    def test_a_preflight_wants_the_admin_role_and_says_so(self):
        server = self.boot(self.flavor("vf-yes:1"))
        conf = f"--nova-conf={self.cloud.nova_conf()}"
        finished = self.run_as("admin", "vfio", "migration", "check", conf, server)
        self.assertEqual(0, finished.status, finished.errors)
        finished = self.run_as("manager", "vfio", "migration", "check", conf, server)
        self.assertEqual(1, finished.status, finished.output)
        self.assertIn("role", finished.errors)
        self.assertNotIn("Traceback", finished.errors)

    def test_nova_conf_is_looked_at_without_any_cloud(self):
        environ = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        for command in (
            ("alias", "validate", f"--nova-conf={self.cloud.nova_conf('compute1')}"),
            (
                *("alias", "create", "--vendor-id=8086", "--product-id=1515"),
                *("--device-type=type-VF", "--live-migratable=yes", "vf"),
            ),
        ):
            finished = subprocess.run(
                [base.OPENSTACK, "vfio", *command],
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(0, finished.returncode, finished.stderr)
