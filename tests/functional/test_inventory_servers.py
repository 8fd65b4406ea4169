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

"""``openstack vfio server …`` as a user types it: who holds devices, and how to make it mobile."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import Any

from tests.cloud import HostSpec
from tests.cloud.administrator import MICROVERSION, wait_for
from tests.functional.base import OPENSTACK, UNTAGGED, YES, CloudTestCase, Finished

TAG = "vfio-upgrade-plan"


class ServerTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(YES,)),
        HostSpec("compute3", device_specs=(UNTAGGED,)),
    )

    def command(self, verb: str, *options: str, has_conf: bool = True) -> Finished:
        conf = ("--nova-conf", str(self.cloud.nova_conf())) if has_conf else ()
        return self.openstack("vfio", "server", verb, *options, *conf)

    def rows(self, verb: str, *options: str, has_conf: bool = True) -> dict[str, dict[str, Any]]:
        done = self.command(verb, "-f", "json", *options, has_conf=has_conf)
        self.assertEqual(0, done.status, done.errors)
        return {row["ID"]: row for row in done.json()}

    def assert_refused(self, done: Finished, *words: str) -> None:
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertEqual(1, len(done.errors.strip().splitlines()), done.errors)
        for word in words:
            self.assertIn(word, done.errors)


class TestList(ServerTestCase):
    def test_devices_and_what_the_aliases_say(self):
        mobile = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        stuck = self.boot(self.flavor("vf-any:2"), host="compute3", name="stuck")
        self.boot(self.flavor(None), name="plain")
        found = self.rows("list", "--long")
        self.assertEqual({mobile, stuck}, set(found))
        self.assertEqual(
            (
                "mobile",
                "ACTIVE",
                "compute1",
                {"vf-yes": 1},
                {"0000:81:00.0": 1},
                {"vf-yes": "yes"},
                self.connection.current_project_id,
            ),
            tuple(
                found[mobile][key]
                for key in (
                    "Name",
                    "Status",
                    "Host",
                    "Aliases",
                    "Devices",
                    "Live Migratable",
                    "Project ID",
                )
            ),
        )
        self.assertEqual(
            ({"0000:83:00.0": 2}, {"vf-any": "unspecified"}),
            tuple(found[stuck][key] for key in ("Devices", "Live Migratable")),
        )
        self.assertEqual({stuck}, set(self.rows("list", "--host", "compute3")))
        table = self.command("list").output
        self.assertIn("0000:83:00.0 × 2", table)

    def test_without_a_nova_conf_it_is_not_known_what_the_aliases_say(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        row = self.rows("list", has_conf=False)[server]
        self.assertEqual({"vf-yes": "alias unknown"}, row["Live Migratable"])

    def test_an_unknown_host(self):
        self.assert_refused(self.command("list", "--host", "compute9"), "compute9")


class TestRequests(ServerTestCase):
    """The number of requests grows with the servers that hold devices, and with nothing else."""

    def requests(self) -> int:
        done = self.command("list", "--debug")
        self.assertEqual(0, done.status, done.errors)
        urls = re.findall(r'REQ: curl .*?"?(http://[^\s"]+)', done.errors)
        identity = self.cloud.urls["keystone"].removesuffix("/v3")
        return len([url for url in urls if not url.startswith(identity)])

    def test_one_for_each_server_with_devices(self):
        flavor, plain = self.flavor("vf-yes:1"), self.flavor(None)
        self.boot(flavor)
        one = self.requests()
        self.assertLessEqual(one, 10)
        self.cloud.fill_placement(hosts=200, pfs=4)
        self.addCleanup(self.cloud.empty_placement_filler)
        self.boot(flavor)
        self.boot(plain)
        self.assertEqual(one + 1, self.requests())


class PlanTestCase(ServerTestCase):
    def plan(self, *options: str) -> dict[str, dict[str, Any]]:
        return self.rows("upgrade-plan", *options)

    def resize(self, server: str, flavor: str) -> None:
        self.connection.compute.resize_server(server, flavor)
        wait_for("the resize ends", lambda: self.show(server)["status"] == "VERIFY_RESIZE")

    def aliases_of(self, server: str) -> str | None:
        return self.show(server)["flavor"]["extra_specs"].get("pci_passthrough:alias")

    def resizes(self, server: str) -> list[str]:
        """Return the states of all resizes that there ever were."""
        response = self.connection.compute.get(
            "/os-migrations",
            params={"instance_uuid": server, "migration_type": "resize"},
            microversion=MICROVERSION,
        )
        return [item["status"] for item in response.json()["migrations"]]

    def assert_upgraded(self, server: str) -> None:
        shown = self.show(server)
        self.assertEqual(("ACTIVE", []), (shown["status"], shown["tags"]))
        self.assertEqual("vf-yes:1", self.aliases_of(server))
        self.assertEqual(["confirmed"], self.resizes(server))
        self.assertEqual({}, self.plan())


class TestPlan(PlanTestCase):
    def test_it_finds_the_flavor_and_changes_nothing(self):
        target = self.flavor("vf-yes:1")
        self.flavor("vf-yes:2")
        stuck = self.boot(self.flavor("vf-any:1"), name="stuck")
        self.boot(target, name="mobile")
        self.boot(self.flavor(None), name="plain")
        plan = self.plan()
        self.assertEqual({stuck}, set(plan))
        step = plan[stuck]
        name = self.connection.compute.get_flavor(target).name
        self.assertEqual(
            ("stuck", "resize", name), (step["Name"], step["Action"], step["New Flavor"])
        )
        commands = [
            f"openstack server resize --wait --flavor {target} {stuck}",
            f"openstack server resize confirm {stuck}",
        ]
        self.assertEqual(commands, step["Commands"])
        lines = self.command("upgrade-plan").output.splitlines()
        self.assertEqual(commands, lines[-2:])
        self.assertEqual(
            ("ACTIVE", "vf-any:1"), (self.show(stuck)["status"], self.aliases_of(stuck))
        )

    def test_nothing_to_do_says_what_it_cannot_see(self):
        self.boot(self.flavor("vf-yes:1"))
        done = self.command("upgrade-plan")
        self.assertEqual((0, ""), (done.status, done.output), done)
        self.assertIn("nothing to do", done.errors)
        self.assertIn("--flavor-map", done.errors)

    def test_the_printed_commands_do_it(self):
        self.flavor("vf-yes:1")
        stuck = self.boot(self.flavor("vf-any:1"))
        for command in self.plan()[stuck]["Commands"]:
            done = self.openstack(*command.split()[1:])
            self.assertEqual(0, done.status, done.errors)
        wait_for("the confirmation", lambda: self.show(stuck)["status"] == "ACTIVE")
        self.assert_upgraded(stuck)

    def test_where_the_choice_is_not_clear_it_asks(self):
        old = self.flavor("vf-any:1")
        stuck = self.boot(old)
        step = self.plan()[stuck]
        self.assertEqual(("none", []), (step["Action"], step["Commands"]))
        self.assertIn("openstack vfio flavor create", step["Reason"])
        first, second = self.flavor("vf-yes:1"), self.flavor("vf-yes:1")
        step = self.plan()[stuck]
        self.assertEqual("none", step["Action"])
        self.assertIn("2 flavors would do", step["Reason"])
        step = self.plan("--flavor-map", f"{old}={second}")[stuck]
        self.assertEqual("resize", step["Action"])
        self.assertIn(second, step["Commands"][0])
        self.assertNotIn(first, step["Commands"][0])

    def test_bad_maps(self):
        old, new, plain = (self.flavor(aliases) for aliases in ("vf-any:1", "vf-yes:1", None))
        for mapping, words in (
            ("x", ("'x'", "OLD=NEW")),
            (f"{old}=gone", ("'gone'",)),
            (f"{old}={plain}", ("asks for no device",)),
            (f"{old}={old}", ("unspecified",)),
            (f"{new}={new}", ("both an old and a new one",)),
        ):
            done = self.command("upgrade-plan", "--flavor-map", mapping)
            self.assert_refused(done, *words)

    def test_it_needs_to_know_the_aliases(self):
        self.assert_refused(self.command("upgrade-plan", has_conf=False), "--nova-conf")
        self.assert_refused(self.command("upgrade-plan", "--wait"), "--execute")

    def test_nics_can_be_attached_again_instead(self):
        (port,) = self.connection.network.ports(name="sriov-1")
        server = self.boot(self.flavor(None))
        self.give_to(port.id, server)
        self.addCleanup(self.give_to, port.id, "")
        step = self.plan()[server]
        self.assertEqual("reattach", step["Action"])
        self.assertEqual(
            [
                f"openstack server remove port {server} {port.id}",
                f"openstack server add port {server} {port.id}",
            ],
            step["Commands"],
        )
        self.assertEqual("reattach", self.plan("--execute", "--wait")[server]["Action"])
        self.assertEqual(server, self.connection.network.get_port(port.id).device_id)

    def give_to(self, port: str, server: str) -> None:
        self.connection.network.put(f"/ports/{port}", json={"port": {"device_id": server}})


class TestExecute(PlanTestCase):
    def test_one_server_after_the_other(self):
        self.flavor("vf-yes:1")
        old = self.flavor("vf-any:1")
        hosts = {"one": "compute1", "two": "compute2"}
        servers = [self.boot(old, host=host, name=name) for name, host in hosts.items()]
        done = self.command("upgrade-plan", "--execute", "--wait", "-f", "json")
        self.assertEqual(0, done.status, done.errors)
        self.assertEqual([], done.json())
        told = done.errors.splitlines()
        self.assertEqual(
            [*["resizing", "waiting", "confirming"] * 2, "nothing"],
            [line.split()[0] for line in told],
        )
        self.assertIn(servers[0], told[0])
        self.assertIn(servers[1], told[3])
        for server in servers:
            self.assert_upgraded(server)

    def test_without_wait_each_run_goes_one_step(self):
        self.flavor("vf-yes:1")
        old = self.flavor("vf-any:1")
        one, two = (self.boot(old, host=host) for host in ("compute1", "compute2"))
        self.plan("--execute")
        self.assertIn(self.show(one)["status"], ("RESIZE", "VERIFY_RESIZE"))
        self.assertEqual("vf-any:1", self.aliases_of(two))
        wait_for("the resize", lambda: self.show(one)["status"] == "VERIFY_RESIZE")
        self.assertEqual("confirm", self.plan()[one]["Action"])
        self.plan("--execute")
        wait_for("the confirmation", lambda: self.show(one)["status"] == "ACTIVE")
        self.assertEqual([], self.resizes(two))
        self.plan("--execute")
        wait_for("the resize", lambda: self.show(two)["status"] == "VERIFY_RESIZE")
        self.assertEqual([], self.show(one)["tags"])

    def test_killed_while_it_waits_and_repeated(self):
        self.flavor("vf-yes:1")
        server = self.boot(self.flavor("vf-any:1"))
        self.kill_when("waiting for the resize")
        wait_for("the resize", lambda: self.show(server)["status"] == "VERIFY_RESIZE")
        self.assertEqual([TAG], self.show(server)["tags"])
        self.assertEqual("confirm", self.plan()[server]["Action"])
        self.assertEqual({}, self.plan("--execute", "--wait"))
        self.assert_upgraded(server)

    def test_killed_while_it_confirms_and_repeated(self):
        self.flavor("vf-yes:1")
        server = self.boot(self.flavor("vf-any:1"))
        self.kill_when("confirming")
        self.assertEqual({}, self.plan("--execute", "--wait"))
        self.assert_upgraded(server)

    def kill_when(self, word: str) -> None:
        """Run the plan, and kill it as soon as it says something."""
        conf = str(self.cloud.nova_conf())
        with subprocess.Popen(
            [OPENSTACK, "vfio", "server", "upgrade-plan", "--execute", "--wait",
             "--nova-conf", conf],
            env=os.environ | self.cloud.environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:  # fmt: skip
            for line in process.stderr:
                if line.startswith(word):
                    process.send_signal(signal.SIGKILL)
        self.assertEqual(-signal.SIGKILL, process.returncode)

    def test_a_resize_of_somebody_else_is_left_alone(self):
        target = self.flavor("vf-yes:1")
        server = self.boot(self.flavor("vf-any:1"))
        self.resize(server, target)
        step = self.plan("--execute", "--wait")[server]
        self.assertEqual("none", step["Action"])
        self.assertIn("somebody else", step["Reason"])
        self.assertEqual("VERIFY_RESIZE", self.show(server)["status"])

    def test_a_resize_that_nova_refuses_ends_the_run(self):
        self.flavor("vf-yes:1")
        server = self.boot(self.flavor("vf-any:1"), host="compute3")
        occupant = self.flavor("vf-yes:2")
        for host in ("compute1", "compute2"):
            self.boot(occupant, host=host)
        done = self.command("upgrade-plan", "--execute", "--wait")
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertIn(f"({server})", done.errors.splitlines()[-1])
        shown = self.show(server)
        self.assertEqual(("ACTIVE", []), (shown["status"], shown["tags"]))
        self.assertEqual("vf-any:1", self.aliases_of(server))
