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

"""``openstack vfio host drain --execute``: to the end, to a failure, interrupted and killed.

The number of times that it is killed is that of the environment variable DRAIN_KILLS, 3 without.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from typing import Any

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.cloud.administrator import MICROVERSION, wait_for
from tests.functional.base import ALIAS_ANY, ALIAS_YES, OPENSTACK, YES, CloudTestCase
from tests.functional.test_host_drain import DrainTestCase

KILLS = int(os.environ.get("DRAIN_KILLS", "3"))


class ExecuteTestCase(DrainTestCase):
    def boot_on_compute1(self, *names: str, devices: int = 1) -> dict[str, str]:
        flavor = self.flavor(f"vf-yes:{devices}")
        return {name: self.boot(flavor, host="compute1", name=name) for name in names}

    def states(self, *options: str, status: int = 0) -> dict[str, str]:
        rows = self.rows("--execute", *options, status=status)
        return {name: row["State"] for name, row in rows.items()}

    def popen(self, *options: str, host: str = "compute1") -> subprocess.Popen[str]:
        conf = str(self.cloud.nova_conf())
        return subprocess.Popen(
            [OPENSTACK, "vfio", "host", "drain", host, "--nova-conf", conf, *options],
            env=os.environ | self.cloud.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_words(self, process: subprocess.Popen[str], words: str) -> None:
        """Read what a command says until it says this."""
        for line in process.stderr:
            if words in line:
                return
        self.fail(f"it never said '{words}'")

    def service(self, host: str) -> dict[str, Any]:
        response = self.connection.compute.get(
            f"/os-services?binary=nova-compute&host={host}", microversion=MICROVERSION
        )
        (found,) = response.json()["services"]
        return dict(found)


class TestExecute(ExecuteTestCase):
    def test_all_leave_and_the_host_is_disabled_first(self):
        servers = self.boot_on_compute1("one", "two", "three")
        plan = self.rows()
        options = ("--execute", "--disable", "--disable-reason", "new firmware")
        done = self.drain("-f", "json", *options)
        self.assertEqual(0, done.status, done)
        rows = {row["Name"]: row for row in done.json()}
        for name, server in servers.items():
            row = rows[name]
            self.assertEqual(("left", None), (row["State"], row["Reason"]))
            self.assertEqual(plan[name]["Destination"], row["Destination"])
            self.assertEqual(row["Destination"], self.host_of(server))
            self.assertEqual([1], list(row["Devices"].values()))
            self.assertEqual(1, len(self.admin.migrations(server)))
        service = self.service("compute1")
        self.assertEqual(
            ("disabled", "new firmware"), (service["status"], service["disabled_reason"])
        )
        said = done.errors.splitlines()
        self.assertEqual("Disabled nova-compute on compute1: new firmware", said[0])
        self.assertIn("openstack compute service set --enable compute1 nova-compute", said[1])
        asked = [line for line in said if line.startswith("Asking nova")]
        in_order = sorted(plan, key=lambda name: plan[name]["Order"])
        self.assertEqual(in_order, [line.split()[6] for line in asked])

        again = self.drain("--execute", "--disable")
        self.assertEqual(0, again.status, again)
        self.assertIn("disabled already: new firmware", again.errors)
        self.assertIn("No server with PCI devices is on compute1", again.output)

    def test_one_that_cannot_leave_stays_and_the_others_leave(self):
        self.boot_on_compute1("mobile")
        self.boot(self.flavor("vf-any:1"), host="compute1", name="stuck")
        done = self.drain("--execute")
        self.assertEqual(2, done.status, done)
        self.assertIn("1 of 2 servers with PCI devices have left compute1", done.output)
        self.assertIn("stuck: alias-live-migratable", done.output)

    def test_a_failure_stops_it(self):
        servers = self.boot_on_compute1("a", "b")
        self.cloud.fail_next_migration("VFIO migration is not supported in kernel")
        rows = self.rows("--execute", status=2)
        states = {name: row["State"] for name, row in rows.items()}
        self.assertEqual({"a": "failed", "b": "can leave"}, states)
        self.assertIn("its live migration ended as 'error'", rows["a"]["Reason"])
        self.assertIn("openstack vfio migration explain", rows["a"]["Remedy"])
        self.assertEqual([], self.admin.migrations(servers["b"]))
        self.assertEqual("compute1", self.host_of(servers["b"]))

    def test_a_failure_does_not_stop_what_shall_keep_going(self):
        servers = self.boot_on_compute1("a", "b")
        self.cloud.fail_next_migration("VFIO migration is not supported in kernel")
        states = self.states("--keep-going", status=2)
        self.assertEqual({"a": "failed", "b": "left"}, states)
        self.assertNotEqual("compute1", self.host_of(servers["b"]))

    def test_a_server_that_has_become_unfit_is_not_touched(self):
        servers = self.boot_on_compute1("a", "b")
        process = self.popen("--execute")
        try:
            self.wait_for_words(process, "Asking nova to live migrate server a ")
            self.stop(servers["b"])
        finally:
            output, errors = process.communicate(timeout=120)
        self.assertEqual(2, process.returncode, errors)
        self.assertIn("b: it was ready, and is not any more: server-state: ", output)
        self.assertEqual([], self.admin.migrations(servers["b"]))

    def test_two_at_once_move_each_server_once(self):
        servers = self.boot_on_compute1("a", "b", "c")
        both = [self.popen("--execute", "-f", "json") for _ in range(2)]
        for process in both:
            output, errors = process.communicate(timeout=300)
            self.assertEqual(0, process.returncode, errors)
            left = [row["State"] for row in json.loads(output)]
            self.assertEqual(["left"] * len(left), left, output)
        for server in servers.values():
            self.assertNotEqual("compute1", self.host_of(server))
            self.assertEqual(1, len(self.admin.migrations(server)))

    def test_ctrl_c_lets_nothing_new_begin(self):
        servers = self.boot_on_compute1("a", "b")
        process = self.popen("--execute")
        self.wait_for_words(process, "Asking nova to live migrate server a ")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
        self.assertEqual(130, process.returncode, errors)
        self.assertIn("1 of 2 servers with PCI devices have left compute1", output)
        self.assertNotIn("Traceback", errors)
        self.assertNotEqual("compute1", self.host_of(servers["a"]))
        self.assertEqual([], self.admin.migrations(servers["b"]))

    def stop(self, server: str) -> None:
        self.admin.act(server, {"os-stop": None})
        wait_for("the server is off", lambda: self.show(server)["status"] == "SHUTOFF")


class TestKilled(ExecuteTestCase):
    hosts = tuple(HostSpec(name, vfs=3, device_specs=(YES,)) for name in ("compute1", "compute2"))

    def test_killed_at_any_point_and_run_again_it_ends_drained(self):
        """The servers go back and forth, so that each time there is something to drain."""
        servers = self.boot_on_compute1("a", "b", "c")
        source, destination, kills = "compute1", "compute2", 0
        whole = 60.0
        # A run that was over before it could be killed only shows how long a run takes.
        for _ in range(3 * KILLS + 1):
            began, moment = time.monotonic(), random.uniform(whole / 8, whole)
            process = self.popen("--execute", host=source)
            try:
                process.wait(moment)
                whole = time.monotonic() - began
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            process.communicate()
            found = {
                name: (self.host_of(server), self.show(server)["OS-EXT-STS:task_state"])
                for name, server in servers.items()
            }
            where = f"{kills} kills, the last after {moment:.1f} of {whole:.1f} s: {found}"
            if "DRAIN_KILLS" in os.environ:
                print(where, flush=True)
            again = self.drain("--execute", host=source)
            self.assertEqual(0, again.status, (where, again))
            for server in servers.values():
                self.assert_arrived(server, destination, where)
            source, destination = destination, source
            if kills == KILLS:
                return
        self.fail(f"killed {kills} of {KILLS} times only")

    def assert_arrived(self, server: str, host: str, where: str) -> None:
        shown = self.show(server)
        self.assertEqual(
            ("ACTIVE", None, host),
            (shown["status"], shown["OS-EXT-STS:task_state"], shown["OS-EXT-SRV-ATTR:host"]),
            where,
        )
        ended = {record["status"] for record in self.admin.migrations(server)}
        self.assertEqual({"completed"}, ended, where)


class TestInParallel(ExecuteTestCase):
    """On a cloud of its own, whose live migrations take their time, two at once."""

    def setUp(self) -> None:
        super(CloudTestCase, self).setUp()
        hosts = (
            HostSpec("compute1", vfs=3, device_specs=(YES,)),
            HostSpec("compute2", vfs=2, device_specs=(YES,)),
            HostSpec("compute3", vfs=1, device_specs=(YES,)),
        )
        spec = CloudSpec(
            hosts, (ALIAS_YES, ALIAS_ANY), migration_seconds=60.0, parallel_migrations=2
        )
        self.cloud = Cloud(spec)
        self.cloud.start()
        self.addCleanup(self.cloud.stop)
        self.connection = self.cloud.connection()

    def test_two_at_once_are_left_to_nova_and_found_again(self):
        """One test for all, as the cloud takes longer to start than this takes."""
        servers = self.boot_on_compute1("a", "b", "c")
        process = self.popen("--execute", "--parallel", "3")
        running = wait_for("two run", lambda: self.two(servers, "running"))
        # Never two to one destination.
        self.assertEqual({"compute2", "compute3"}, {record["dest_compute"] for record in running})
        process.send_signal(signal.SIGINT)
        self.wait_for_words(process, "Beginning no other live migration")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        self.assertEqual(130, process.returncode, errors)
        self.assertNotIn("Traceback", errors)
        self.assertEqual(2, output.count("| leaving"), (output, errors))
        self.assertIn("openstack vfio migration show", errors)

        # The third one, whichever it is, would take its time like the others.
        (third,) = (name for name, server in servers.items() if not self.admin.migrations(server))
        self.connection.compute.delete_server(servers.pop(third))
        plan, again = self.popen("-f", "json"), self.popen("--execute")
        output, errors = plan.communicate(timeout=120)
        self.assertEqual(0, plan.returncode, errors)
        found = {row["Name"]: row["State"] for row in json.loads(output)}
        self.assertLessEqual(dict.fromkeys(servers, "leaving").items(), found.items())
        output, errors = again.communicate(timeout=300)
        self.assertEqual(0, again.returncode, errors)
        self.assertEqual(2, errors.count("Following the live migration of server "))
        self.assertIn("2 of 2 servers with PCI devices have left compute1", output)
        for server in servers.values():
            self.assertEqual(1, len(self.admin.migrations(server)))
            self.assertNotEqual("compute1", self.host_of(server))

    def two(self, servers: dict[str, str], status: str) -> list[dict[str, Any]]:
        records = [self.admin.migrations(server)[:1] for server in servers.values()]
        found = [record for each in records for record in each if record["status"] == status]
        return found if len(found) == 2 else []
