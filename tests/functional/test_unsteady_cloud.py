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

"""What changes while it is looked at: tokens end, servers go, hosts get other names."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterable, Iterator

import fixtures
import yaml

from tests.cloud import HostSpec
from tests.cloud.administrator import wait_for
from tests.cloud.filler import transaction
from tests.cloud.settings import Settings
from tests.functional.base import OPENSTACK, YES, CloudTestCase, Finished
from tests.functional.http_gate import Fault, HttpGate, answering, dripping_body
from tests.functional.sync_agent import AgentProcess, credentials
from tests.functional.test_host_drain import DrainTestCase

_REFUSED_TOKEN = answering(401, b'{"error": {"code": 401, "title": "Unauthorized"}}')


class GatesTestCase(DrainTestCase):
    """Commands that find nova and placement behind gates."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.gates = {name: HttpGate(self.cloud.urls[name]) for name in ("nova", "placement")}
        for gate in self.gates.values():
            self.addCleanup(gate.close)
        clouds = yaml.safe_load(self.cloud.clouds_yaml.read_text())
        clouds["clouds"]["embedded"] |= {
            "compute_endpoint_override": f"{self.gates['nova'].url}/v2.1",
            "placement_endpoint_override": self.gates["placement"].url,
        }
        self.clouds_yaml = self.folder / "clouds.yaml"
        self.clouds_yaml.write_text(yaml.safe_dump(clouds))
        self.servers = [
            self.boot(self.flavor("vf-yes:1"), host="compute1", name=name) for name in "abc"
        ]

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        conf = ("--nova-conf", str(self.cloud.nova_conf()))
        own = {"OS_CLIENT_CONFIG_FILE": str(self.clouds_yaml), "OS_CLOUD": "embedded"}
        return subprocess.Popen(
            [OPENSTACK, "vfio", *arguments, *conf],
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str], limit: float = 300) -> Finished:
        output, errors = process.communicate(timeout=limit)
        self.assertNotIn("Traceback", errors)
        return Finished(process.returncode, output, errors)

    def vfio(self, *arguments: str) -> Finished:
        return self.finish(self.popen(*arguments))

    def refuse_token_of(self, *numbers: int) -> list[threading.Event]:
        """Refuse the token of the requests of these numbers, to nova and to placement."""
        return [self._refuse(gate, numbers) for gate in self.gates.values()]

    def _refuse(self, gate: HttpGate, numbers: tuple[int, ...]) -> threading.Event:
        number, is_done = itertools.count(1), threading.Event()

        def choose(method: str, path: str) -> Fault | None:
            if next(number) not in numbers:
                return None
            is_done.set()
            return _REFUSED_TOKEN

        gate.choose_fault = choose
        return is_done


class TestTokensThatExpire(GatesTestCase):
    def test_in_the_middle_of_all_servers_it_is_replaced(self) -> None:
        whole = self.vfio("migration", "check", "--all", "-f", "csv")
        self.assertEqual(0, whole.status, whole)
        refused = self.refuse_token_of(3)
        again = self.vfio("migration", "check", "--all", "-f", "csv")
        self.assertEqual(whole, again)
        self.assertTrue(all(each.is_set() for each in refused))

    def test_in_the_middle_of_a_drain_it_is_replaced(self) -> None:
        # Once each keystoneauth has asked again with another one.
        refused = self.refuse_token_of(*range(3, 1000, 7))
        done = self.vfio("host", "drain", "compute1", "--execute")
        self.assertEqual(0, done.status, done)
        self.assertIn("3 of 3 servers with PCI devices have left compute1", done.output)
        self.assertTrue(all(each.is_set() for each in refused))
        self.assert_moved_once(self.servers)

    def test_one_that_ends_for_good_in_the_middle_of_a_drain_lets_nothing_new_begin(self) -> None:
        self.use_one_token()
        asked = threading.Event()

        def choose(method: str, path: str) -> Fault | None:
            if asked.is_set():
                return _REFUSED_TOKEN
            if method == "POST" and path.endswith("/action"):
                asked.set()
            return None

        for gate in self.gates.values():
            gate.choose_fault = choose
        done = self.vfio("host", "drain", "compute1", "--execute", "-f", "json")
        self.assertEqual(2, done.status, done)
        rows = done.json()
        self.assertEqual(
            ["can leave", "can leave", "unknown"], sorted(row["State"] for row in rows), done
        )
        (reason,) = (row["Reason"] for row in rows if row["State"] == "unknown")
        self.assertIn("401", reason)
        for gate in self.gates.values():
            gate.recover()
        again = self.openstack(
            *("vfio", "host", "drain", "compute1", "--execute"),
            *("--nova-conf", str(self.cloud.nova_conf())),
        )
        self.assertEqual(0, again.status, again)
        self.assert_moved_once(self.servers)

    def assert_moved_once(self, servers: Iterable[str]) -> None:
        for server in servers:
            self.assertNotEqual("compute1", self.host_of(server))
            self.assertEqual(1, len(self.admin.migrations(server)))

    def test_one_that_cannot_be_replaced_is_one_line(self) -> None:
        self.use_one_token()
        for arguments in (("migration", "check", "--all"), ("host", "drain", "compute1")):
            self.refuse_token_of(*range(3, 1000))
            done = self.vfio(*arguments)
            self.assertEqual((1, ""), (done.status, done.output), done)
            self.assertEqual(1, len(done.errors.splitlines()), done.errors)
            self.assertIn("401", done.errors)

    def use_one_token(self) -> None:
        """Let commands have a token, and nothing to get another one with."""
        clouds = yaml.safe_load(self.clouds_yaml.read_text())
        mine = clouds["clouds"]["embedded"]
        mine["auth_type"] = "v3token"
        mine["auth"] = {
            "auth_url": self.cloud.urls["keystone"],
            "token": self.connection.auth_token,
            "project_name": "admin",
            "project_domain_id": "default",
        }
        self.clouds_yaml.write_text(yaml.safe_dump(clouds))


class TestCommandThatIsInterrupted(GatesTestCase):
    def test_a_service_that_answers_byte_by_byte_does_not_hold_it(self) -> None:
        for gate in self.gates.values():
            is_asked = threading.Event()

            def choose(method: str, path: str, is_asked: threading.Event = is_asked) -> Fault:
                is_asked.set()
                return dripping_body

            gate.choose_fault = choose
            process = self.popen("migration", "check", "--all")
            self.assertTrue(is_asked.wait(60))
            process.send_signal(signal.SIGINT)
            done = self.finish(process, 15)
            self.assertEqual((130, ""), (done.status, done.output), done)
            gate.recover()


class TestServersThatGo(GatesTestCase):
    def exists(self, server: str) -> bool:
        return self.connection.compute.get(f"/servers/{server}").ok

    def delete_at(self, gate: HttpGate, part: str, server: str) -> threading.Event:
        """Delete a server before the next request with this in its path is passed on."""
        is_done = threading.Event()

        def choose(method: str, path: str) -> None:
            if part in path and not is_done.is_set():
                is_done.set()
                self.connection.compute.delete_server(server)
                wait_for("it is gone", lambda: not self.exists(server))

        gate.choose_fault = choose
        return is_done

    def test_one_that_goes_before_it_is_known_what_it_holds_is_not_ready(self) -> None:
        server = self.servers[0]
        is_gone = self.delete_at(self.gates["placement"], "/allocations/", server)
        done = self.vfio("migration", "check", server)
        self.assertTrue(is_gone.is_set())
        self.assertNotEqual(0, done.status, done)

    def test_one_that_goes_while_all_are_looked_at_is_not_ready_and_the_others_are(self) -> None:
        for service, path in (("placement", "/allocations"), ("nova", "/{}/os-instance-actions")):
            server = self.servers.pop(0)
            # of this server: the requests about several are made side by side
            part = path.format(server)
            is_gone = self.delete_at(self.gates[service], part, server)
            done = self.vfio("migration", "check", "--all", "-f", "json")
            self.assertTrue(is_gone.is_set(), part)
            verdicts = {row["server"]["id"]: row["verdict"] for row in done.json()}
            self.assertNotEqual("ready", verdicts.pop(server, None), (part, done))
            self.assertEqual(dict.fromkeys(self.servers, "ready"), verdicts, (part, done))

    def test_one_that_goes_in_the_middle_of_a_drain_is_passed_over(self) -> None:
        *_, last = self.servers
        is_gone = self.delete_at(self.gates["nova"], "/action", last)
        done = self.vfio("host", "drain", "compute1", "--execute")
        self.assertEqual(0, done.status, done)
        self.assertTrue(is_gone.is_set())
        self.assertIn("it was deleted", done.errors)


class TestHypervisorsOfOneName(CloudTestCase):
    hosts = tuple(HostSpec(name, device_specs=(YES,)) for name in ("compute1", "compute2"))

    @contextlib.contextmanager
    def in_nova(self, change: str, back: str, *values: str) -> Iterator[None]:
        """Change nova's hypervisors behind its back, for as long as the context lasts."""
        settings = Settings.load(self.cloud.directory)
        with transaction(settings, "nova_cell1") as database:
            database.execute(change, values)
        try:
            yield
        finally:
            with transaction(settings, "nova_cell1") as database:
                database.execute(back)

    def check(self, server: str) -> Finished:
        conf = str(self.cloud.nova_conf())
        return self.openstack(
            "vfio", "migration", "check", server, "--nova-conf", conf, "-f", "json"
        )

    def test_two_hosts_whose_hypervisors_have_one_name_are_told_apart(self) -> None:
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        with self.in_nova(
            "UPDATE compute_nodes SET hypervisor_hostname = 'compute1' WHERE host = 'compute2'",
            "UPDATE compute_nodes SET hypervisor_hostname = 'compute2' WHERE host = 'compute2'",
        ):
            done = self.check(server)
            self.assertEqual(0, done.status, done)
            (report,) = done.json()
            self.assertEqual(["compute2"], [each["host"] for each in report["destinations"]])

    def test_a_host_with_two_hypervisors_is_unknown(self) -> None:
        """As after its hypervisor got another name, as long as the old one is not deleted."""
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        settings = Settings.load(self.cloud.directory)
        with transaction(settings, "nova_cell1") as database:
            names = [row[1] for row in database.execute("PRAGMA table_info(compute_nodes)")]
        changed = {"id": "NULL", "uuid": "?", "hypervisor_hostname": "'compute2-of-old'"}
        columns = ", ".join(names)
        values = ", ".join(changed.get(name, name) for name in names)
        with self.in_nova(
            f"INSERT INTO compute_nodes ({columns}) SELECT {values} FROM compute_nodes"
            # a nova-compute that was set up again has left a row that counts as deleted
            " WHERE host = 'compute2' AND deleted = 0",
            "DELETE FROM compute_nodes WHERE hypervisor_hostname = 'compute2-of-old'",
            str(uuid.uuid4()),
        ):
            done = self.check(server)
        self.assertEqual(3, done.status, done)
        self.assertIn("nova does not list exactly one hypervisor for the host", done.output)


class TestHostThatIsRenamed(CloudTestCase):
    """An agent for many hosts, whose file is named after the host as nova knows it."""

    hosts = (HostSpec("compute1", device_specs=(YES,)),)

    def test_its_provider_is_found_again(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        hosts = folder / "hosts"
        hosts.mkdir()
        (hosts / "compute1.conf").write_text(self.cloud.nova_conf("compute1").read_text())
        agent = AgentProcess(folder)
        agent.configure(f"nova_conf_dir = {hosts}\ninterval = 1", credentials(self.cloud))
        agent.start()
        self.addCleanup(agent.kill)
        right = 'providers{state="right"}'
        wait_for("the host is right", lambda: agent.metric(right) == 2)
        with self.renamed("compute1", "compute1.example.com"):
            agent.wait_for_line("Host compute1 is resource provider compute1.example.com")
            wait_for("the host is right again", lambda: agent.metric(right) == 2)
        self.assertEqual(0, agent.end())
        self.assertNotIn("Traceback", agent.text())

    @contextlib.contextmanager
    def renamed(self, old: str, new: str) -> Iterator[None]:
        self.rename(old, new)
        try:
            yield
        finally:
            self.rename(new, old)

    def rename(self, old: str, new: str) -> None:
        settings = Settings.load(self.cloud.directory)
        with transaction(settings, "nova_cell1") as database:
            database.execute(
                "UPDATE compute_nodes SET hypervisor_hostname = ? WHERE hypervisor_hostname = ?",
                (new, old),
            )
        with transaction(settings, "placement") as database:
            database.execute("UPDATE resource_providers SET name = replace(name, ?, ?)", (old, new))
