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

"""``openstack vfio migration start|list|show|abort`` from the preflight to the proof."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import Any

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.base import ALIAS_ANY, ALIAS_YES, OPENSTACK, YES, CloudTestCase, Finished


class MigrationTestCase(CloudTestCase):
    def vfio(self, command: str, *arguments: str) -> Finished:
        return self.openstack("vfio", "migration", command, *arguments)

    def start(self, server: str, *options: str) -> Finished:
        return self.vfio("start", server, "--nova-conf", str(self.cloud.nova_conf()), *options)


class TestStart(MigrationTestCase):
    def test_the_server_moves_and_everything_is_in_order(self):
        server = self.boot(self.flavor("vf-yes:2"), host="compute1", name="mobile")
        done = self.start("mobile", "--wait", "-f", "json")
        self.assertEqual(0, done.status, done.errors)
        told = done.json()
        self.assertEqual(
            ("compute1", "compute2", "completed"),
            (told["source"], told["destination"], told["status"]),
        )
        found = {item["check"]: item["status"] for item in told["verification"]}
        expected = dict.fromkeys(("migration", "server", "allocations", "devices"), "pass")
        self.assertEqual(expected, found, told)
        self.assertEqual("compute2", self.host_of(server))
        self.assertIn("Asking nova to live migrate server mobile", done.errors)

    def test_the_keys_are_the_same_without_waiting(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        told = self.start(server, "-f", "json").json()
        self.assertEqual(
            (server, "compute1", "requested"),
            (told["server_id"], told["source"], told["status"]),
        )
        for key in ("migration_id", "destination", "verification"):
            self.assertIsNone(told[key], key)
        self.assertEqual("compute2", self.admin.settled(server)["OS-EXT-SRV-ATTR:host"])

    def test_a_host_that_does_not_exist_is_refused_before_nova_is_asked(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.start(server, "--host", "nowhere")
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertEqual(
            "no compute host is named 'nowhere'; known: compute1, compute2", done.errors.strip()
        )

    def test_a_blocked_server_stays_and_nova_is_not_asked(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        done = self.start(server, "--wait")
        self.assertEqual((2, ""), (done.status, done.output), done)
        self.assertIn("blocked: ", done.errors)
        self.assertEqual([], self.admin.migrations(server))

    def test_a_failure_names_the_step_and_the_closest_check(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        done = self.start(server, "--wait", "--vfio-preflight", "skip", "-f", "json")
        self.assertEqual(2, done.status, done)
        self.assertEqual("error", done.json()["status"])
        self.assertIn("Failed event: conductor_live_migrate_instance", done.errors)
        self.assertIn("No valid host", done.errors)
        self.assertIn("(check destination-capacity)", done.errors)
        self.assertIn(f"openstack vfio migration explain {server}", done.errors)

    def test_a_failure_of_the_hypervisors_says_where_their_words_are(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.cloud.fail_next_migration("VFIO migration is not supported in kernel")
        done = self.start(server, "--wait")
        self.assertEqual(2, done.status, done)
        self.assertIn("log of nova-compute on compute1", done.errors)

    def test_a_server_without_devices_has_a_command_of_its_own(self):
        server = self.boot(self.flavor(None), host="compute1")
        done = self.start(server)
        self.assertEqual(1, done.status)
        self.assertIn("openstack server migrate --live-migration", done.errors)

    def test_options_that_make_no_sense_are_refused(self):
        done = self.start("any", "--timeout", "5")
        self.assertEqual(1, done.status)
        self.assertIn("--timeout is only allowed with --wait", done.errors)
        self.assertEqual(1, self.start("any", "--wait", "--timeout", "0").status)


class TestRecords(MigrationTestCase):
    def test_only_servers_with_devices_are_listed(self):
        mobile = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        plain = self.boot(self.flavor(None), host="compute1", name="plain")
        for server in (mobile, plain):
            self.assertEqual("compute2", self.live_migrate(server))
        listed = self.vfio("list", "-f", "json").json()
        self.assertEqual([mobile], [row["Server UUID"] for row in listed])
        (row,) = self.vfio("list", "--server", "mobile", "-f", "json").json()
        self.assertEqual(
            ("completed", "compute1", "compute2", {"vf-yes": 1}),
            (row["Status"], row["Source Compute"], row["Dest Compute"], row["Aliases"]),
        )
        self.assertEqual([], self.vfio("list", "--status", "error", "-f", "json").json())
        none = self.vfio("list", "--status", "ERROR")
        self.assertEqual((0, ""), (none.status, none.output))
        self.assertIn("no record of a live migration with status error", none.errors)
        for options, words in (
            (("--status", "bogus"), ("'bogus'", "'completed'")),
            (("--host", "nowhere"), ("no compute host is named 'nowhere'; known: compute1,",)),
        ):
            done = self.vfio("list", *options)
            self.assertEqual((1, ""), (done.status, done.output), done)
            for word in words:
                self.assertIn(word, done.errors)
        done = self.vfio("list", "--server", "plain")
        self.assertEqual(1, done.status)
        self.assertIn(f"openstack server migration list --server {plain}", done.errors)

        shown = self.vfio("show", "mobile", "-f", "json").json()
        self.assertEqual((row["ID"], "completed"), (shown["id"], shown["status"]))
        self.assertEqual(shown, self.vfio("show", "mobile", row["UUID"], "-f", "json").json())
        self.assertIn("no live migration with the ID", self.vfio("show", "mobile", "0").errors)
        done = self.vfio("abort", "mobile")
        self.assertEqual(1, done.status)
        self.assertIn("is in progress", done.errors)


class TestWithoutPlacement(MigrationTestCase):
    pci_in_placement = False

    def test_devices_that_placement_does_not_know_are_not_asked_for(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.start(server, "--wait", "-f", "json", "--vfio-preflight", "warn")
        self.assertEqual(0, done.status, done.errors)
        found = {item["check"]: item["status"] for item in done.json()["verification"]}
        self.assertEqual(("pass", "not applicable"), (found["allocations"], found["devices"]))


class TestInProgress(MigrationTestCase):
    """On a cloud of its own, whose live migrations take their time, one after the other."""

    def setUp(self) -> None:
        super(CloudTestCase, self).setUp()
        hosts = tuple(HostSpec(name, device_specs=(YES,)) for name in ("compute1", "compute2"))
        self.cloud = Cloud(CloudSpec(hosts, (ALIAS_YES, ALIAS_ANY), migration_seconds=90.0))
        self.cloud.start()
        self.addCleanup(self.cloud.stop)
        self.connection = self.cloud.connection()

    def status_of(self, server: str) -> str:
        return next((str(record["status"]) for record in self.admin.migrations(server)), "")

    def wait_for_status(self, server: str, *statuses: str) -> None:
        wait_for(f"it is {statuses}", lambda: self.status_of(server) in statuses)

    def test_waiting_may_end_before_the_live_migration(self):
        """One test for all, as the cloud takes longer to start than this takes."""
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="first")
        second = self.boot(self.flavor("vf-yes:1"), host="compute1", name="second")
        waiting = self.popen("start", "first", "--wait")
        self.wait_for_status(server, "running")
        waiting.send_signal(signal.SIGINT)
        _, errors = waiting.communicate(timeout=60)
        self.assertEqual(130, waiting.returncode, errors)
        self.assertIn("the live migration goes on", errors)
        self.assertIn(f"openstack vfio migration abort {server}", errors)
        self.assertNotIn("Traceback", errors)

        again = self.start("first", "--wait")
        self.assertEqual(2, again.status, again)
        self.assertIn("is in progress already: running from compute1 to compute2", again.errors)
        shown = self.vfio("show", "first", "-f", "json").json()
        self.assertEqual(("running", "compute2"), (shown["status"], shown["destination"]))
        self.assertGreater(shown["memory_total_bytes"], 0)

        # Nova moves one server at a time here, so that the second one has to wait.
        late = self.start("second", "--wait", "--timeout", "1")
        self.assertEqual(3, late.status, late)
        self.assertIn("Still in progress after 1 s.", late.errors)
        self.wait_for_status(second, "queued")
        aborted = self.vfio("abort", "second")
        self.assertEqual((0, "", ""), (aborted.status, aborted.output, aborted.errors))
        self.wait_for_status(second, "cancelled")
        why = self.vfio("explain", "second", "-f", "json").json()
        self.assertEqual(("somebody aborted it", "certain"), (why["cause"], why["certainty"]), why)
        self.assertEqual("compute1", self.host_of(second))

        # One that runs ends at once, and the guest goes on where it was. nova 34.0.0 takes what
        # libvirt says then for an error (future.result() in LibvirtDriver._live_migration).
        refused = self.vfio("abort", "first")
        self.assertEqual((1, "running"), (refused.status, self.status_of(server)), refused)
        self.assertIn("into ERROR", refused.errors)
        aborted = self.vfio("abort", "first", "--yes")
        self.assertEqual((0, ""), (aborted.status, aborted.output), aborted)
        (way_back,) = re.findall(
            "openstack (server set --auto-approve --state active .*)", aborted.errors
        )
        self.wait_for_status(server, "error")
        self.assertEqual("ERROR", self.admin.settled(server)["status"])
        why = self.vfio("explain", "first", "-f", "json").json()
        self.assertEqual("likely", why["certainty"], why)
        self.assertIn("somebody aborted it while it was running", why["cause"])
        self.assertEqual(0, self.openstack(*way_back.split()).status)
        self.assertEqual("ACTIVE", self.admin.settled(server)["status"])
        self.assertEqual("compute1", self.host_of(server))
        self.assertIn(server, self.cloud.guest_xml(server, "compute1"))

    def popen(self, command: str, *arguments: str) -> subprocess.Popen[Any]:
        conf = ("--nova-conf", str(self.cloud.nova_conf()))
        return subprocess.Popen(
            [OPENSTACK, "vfio", "migration", command, *arguments, *conf],
            env=os.environ | self.cloud.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
