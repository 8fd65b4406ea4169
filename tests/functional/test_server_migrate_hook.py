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

"""The preflight inside ``openstack server migrate``, as a user meets it."""

from __future__ import annotations

import os
import re
from unittest import mock

from tests.cloud import HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.base import UNTAGGED, YES, CloudTestCase, Finished

_WITH_HOST = ("--os-compute-api-version", "2.100")
_REQUEST = re.compile(r"^REQ: curl .* -X (\w+ \S+)", re.MULTILINE)


class HookTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(YES,)),
        HostSpec("compute3", device_specs=(UNTAGGED,)),
    )

    def setUp(self) -> None:
        super().setUp()
        environment = mock.patch.dict(os.environ, OS_VFIO_NOVA_CONF=str(self.cloud.nova_conf()))
        environment.start()
        self.addCleanup(environment.stop)
        os.environ.pop("OS_VFIO_PREFLIGHT", None)

    def migrate(self, server: str, *options: str, cloud: str = "embedded") -> Finished:
        """Live migrate a server with the command that everybody knows."""
        return self.openstack(
            *_WITH_HOST, "server", "migrate", "--live-migration", server, *options, cloud=cloud
        )

    def wait_until_settled(self, server: str) -> None:
        """Wait for both hosts: a server that is deleted in between leaves allocations behind."""

        def is_settled() -> bool:
            in_progress = list(self.connection.compute.server_migrations(server))
            return not in_progress and self.show(server)["OS-EXT-STS:task_state"] is None

        wait_for("nova is done with the server", is_settled)

    def assert_moved(self, server: str) -> None:
        self.wait_until_settled(server)
        self.assertEqual("compute2", self.host_of(server))

    def requests_of(self, *arguments: str) -> list[str]:
        """Run a command and return what it asked the cloud for."""
        done = self.openstack("--debug", *_WITH_HOST, "server", "migrate", *arguments)
        self.assertEqual(0, done.status, done.errors)
        return _REQUEST.findall(done.errors)


class TestBlocked(HookTestCase):
    def test_nova_is_not_asked_and_the_reason_is_told(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        done = self.migrate(server)
        self.assertEqual((2, ""), (done.status, done.output), done.errors)
        self.assertIn(f"blocked: server server ({server})", done.errors)
        self.assertIn("alias-live-migratable", done.errors)
        self.assertIn(f"openstack server resize --wait --flavor FLAVOR {server}", done.errors)
        self.assertIn("Nova was not asked.", done.errors)
        self.assertEqual([], self.admin.migrations(server))

    def test_the_host_that_is_named_is_the_one_that_is_looked_at(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.migrate(server, "--host", "compute3")
        self.assertEqual(2, done.status, done.errors)
        self.assertIn("from compute1 to compute3", done.errors)
        self.assertNotIn("compute2", done.errors)
        self.assertEqual([], self.admin.migrations(server))

    def test_a_warning_leaves_the_decision_to_nova(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        done = self.migrate(server, "--vfio-preflight", "warn")
        self.assertEqual(1, done.status, done.errors)
        self.assertIn("blocked: ", done.errors)
        self.assertIn("Asking nova anyway", done.errors)
        self.assertIn("No valid host was found", done.errors)
        self.wait_until_settled(server)
        (record,) = self.admin.migrations(server)
        self.assertEqual("error", record["status"])

    def test_the_environment_chooses_where_the_command_does_not(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        os.environ["OS_VFIO_PREFLIGHT"] = "skip"
        done = self.migrate(server)
        self.assertEqual(1, done.status)
        self.assertIn("No valid host was found", done.errors)
        self.assertNotIn("blocked", done.errors)
        self.wait_until_settled(server)
        self.assertEqual(2, self.migrate(server, "--vfio-preflight", "enforce").status)
        os.environ["OS_VFIO_PREFLIGHT"] = "perhaps"
        done = self.migrate(server)
        self.assertEqual(1, done.status)
        self.assertIn("OS_VFIO_PREFLIGHT: 'perhaps' is not one of enforce, warn, skip", done.errors)


class TestGoing(HookTestCase):
    def test_a_ready_server_moves_to_where_nova_chooses_without_a_word(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        done = self.migrate("mobile")
        self.assertEqual((0, "", ""), (done.status, done.output, done.errors))
        self.assert_moved(server)

    def test_what_is_not_known_is_told_and_left_to_nova(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        del os.environ["OS_VFIO_NOVA_CONF"]
        done = self.migrate(server)
        self.assertEqual(0, done.status, done.errors)
        self.assertIn("unknown: ", done.errors)
        self.assertIn("Asking nova anyway", done.errors)
        self.assert_moved(server)

    def test_a_server_without_devices_costs_one_request_and_no_word(self):
        server = self.boot(self.flavor(None), host="compute1", name="plain")
        for name in ("plain", server):
            before = self.requests_of("--live-migration", name, "--vfio-preflight", "skip")
            self.wait_until_settled(server)
            after = self.requests_of("--live-migration", name)
            self.wait_until_settled(server)
            self.assertEqual(len(before) + 1, len(after), (before, after))
        done = self.migrate("plain")
        self.assertEqual((0, "", ""), (done.status, done.output, done.errors))
        self.wait_until_settled(server)

    def test_a_cold_migration_is_left_alone(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        # Nova refuses this at once, so that there is nothing to revert.
        arguments = ("server", "migrate", server, "--host", "nowhere")
        done = self.openstack("--debug", *_WITH_HOST, *arguments)
        self.assertEqual(1, done.status)
        self.assertIn("Compute host nowhere could not be found", done.errors)
        asked = _REQUEST.findall(done.errors)
        url = f"{self.cloud.urls['nova']}/servers/{server}"
        self.assertEqual(1, asked.count(f"GET {url}"), asked)
        placement = self.cloud.urls["placement"]
        self.assertEqual([], [request for request in asked if placement in request])

    def test_a_server_that_does_not_exist_is_reported_once(self):
        done = self.migrate("missing")
        self.assertEqual(1, done.status)
        self.assertEqual(1, len(done.errors.strip().splitlines()), done.errors)

    def test_a_preflight_that_the_roles_do_not_allow_leaves_it_to_nova(self):
        server = self.boot_as_demo(self.flavor("vf-yes:1"), "mine")
        for name in ("mine", server):
            done = self.migrate(name, cloud="embedded-demo")
            self.assertEqual(1, done.status)
            self.assertIn("The preflight could not be done, so nova decides alone", done.errors)
            self.assertIn("the admin role is needed", done.errors)
            self.assertIn("Policy doesn't allow os_compute_api:os-migrate-server", done.errors)

    def boot_as_demo(self, flavor: str, name: str) -> str:
        demo = self.cloud.connection("embedded-demo")
        image = next(iter(demo.image.images()))
        server = demo.compute.create_server(
            name=name, flavor_id=flavor, image_id=image.id, networks="none"
        )
        wait_for("it is built", lambda: self.show(server.id)["status"] == "ACTIVE")
        return str(server.id)

    def test_the_help_tells_of_it(self):
        done = self.openstack("server", "migrate", "--help")
        self.assertIn("--vfio-preflight {enforce,warn,skip}", done.output)
        self.assertIn("OS_VFIO_NOVA_CONF", done.output)
