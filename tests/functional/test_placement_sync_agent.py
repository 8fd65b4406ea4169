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

"""The agent of one compute host as a process, on real keystone, placement and nova."""

import pathlib
import signal
import socket
import time

import fixtures
from testtools.content import text_content

from tests.cloud import HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.base import UNTAGGED, YES, CloudTestCase
from tests.functional.cloud_user import CloudUser
from tests.functional.gate import Gate
from tests.functional.http_gate import HttpGate, answering, dripping, dripping_body
from tests.functional.sync_agent import AgentProcess, credentials

LIVE_MIGRATABLE = "HW_PCI_LIVE_MIGRATABLE"
NOT_LIVE_MIGRATABLE = "CUSTOM_PCI_NOT_LIVE_MIGRATABLE"
COMPLETE = 'rounds_total{outcome="complete"}'
FAILED = 'rounds_total{outcome="failed"}'


class SyncTestCase(CloudTestCase):
    hosts = (
        HostSpec("compute1", device_specs=(YES,)),
        HostSpec("compute2", device_specs=(UNTAGGED,)),
    )

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.nova_conf = self.folder / "nova.conf"
        self.nova_conf.write_text(self.cloud.nova_conf("compute1").read_text())
        self.agent = AgentProcess(self.folder)
        self.agent.configure(f"nova_conf = {self.nova_conf}\ninterval = 1")
        self.addCleanup(self.agent.kill)
        self.addOnException(lambda _: self.addDetail("agent", text_content(self.agent.text())))
        self.root = self.uuid("compute1")
        self.addCleanup(self.change_traits, set(), {LIVE_MIGRATABLE, NOT_LIVE_MIGRATABLE})

    def uuid(self, name):
        answer = self.placement("get", f"/resource_providers?name={name}")
        return answer["resource_providers"][0]["uuid"]

    def placement(self, method, path, **kwargs):
        response = getattr(self.connection.placement, method)(path, microversion="1.39", **kwargs)
        self.assertTrue(response.ok, response.text)
        return response.json()

    def read(self):
        return self.placement("get", f"/resource_providers/{self.root}/traits")

    def traits(self):
        return set(self.read()["traits"])

    def change_traits(self, add, remove):
        """Write as somebody else than the agent."""
        now = self.read()
        wanted = (set(now["traits"]) - remove) | add
        self.placement(
            "put", f"/resource_providers/{self.root}/traits", json=now | {"traits": sorted(wanted)}
        )

    def wait_for_traits(self, present, absent=None):
        def are_right():
            traits = self.traits()
            return present in traits and absent not in traits

        wait_for(f"{present} and not {absent}", are_right)


class TestOnce(SyncTestCase):
    def test_a_dry_run_prints_the_plan_and_writes_nothing(self):
        before = self.read()
        finished = self.agent.run("--dry-run")
        self.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)
        self.assertIn(f"compute1: +{LIVE_MIGRATABLE}", finished.stdout)
        self.assertIn("1 host, 2 providers: 1 right, 1 wrong", finished.stdout)
        self.assertIn("1 to be written", finished.stdout)
        self.assertEqual(before, self.read())

    def test_one_round_makes_the_host_right_and_the_next_finds_nothing_to_do(self):
        foreign = self.traits()
        for words in ("1 written", "0 written"):
            finished = self.agent.run("--once")
            self.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)
            self.assertIn("2 right, 0 wrong", finished.stdout)
            self.assertIn(words, finished.stdout)
        self.assertEqual(foreign | {LIVE_MIGRATABLE}, self.traits())

    def test_a_nova_conf_given_as_configuration_is_all_it_needs(self):
        self.agent.conf = self.nova_conf
        finished = self.agent.run("--once")
        self.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)
        self.assertIn("1 host, 2 providers: 2 right", finished.stdout)

    def test_an_empty_folder_is_no_cloud_without_hosts(self):
        (self.folder / "hosts").mkdir()
        self.agent.configure(f"nova_conf_dir = {self.folder / 'hosts'}", credentials(self.cloud))
        finished = self.agent.run("--once")
        self.assertEqual(1, finished.returncode)
        self.assertIn(f"{self.folder / 'hosts'}: has no file HOST.conf", finished.stderr)

    def test_credentials_of_nova_and_of_clouds_yaml_do_the_same(self):
        self.agent.configure(f"nova_conf = {self.nova_conf}\ncloud = embedded")
        self.useFixture(fixtures.EnvironmentVariable("HOME", str(self.folder)))
        (self.folder / ".config" / "openstack").mkdir(parents=True)
        copy = self.folder / ".config" / "openstack" / "clouds.yaml"
        copy.write_text(self.cloud.clouds_yaml.read_text())
        finished = self.agent.run("--once")
        self.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)
        self.assertIn(LIVE_MIGRATABLE, self.traits())

    def test_a_wrong_password_is_one_line(self):
        self.agent.configure(
            f"nova_conf = {self.nova_conf}", credentials(self.cloud, password="wrong")
        )
        finished = self.agent.run("--once")
        self.assertEqual(1, finished.returncode)
        self.assertNotIn("Traceback", finished.stderr)
        self.assertIn("401", finished.stderr)

    def test_a_file_that_cannot_be_read_is_one_line(self):
        self.nova_conf.write_text("[broken\n")
        finished = self.agent.run("--once")
        self.assertEqual(1, finished.returncode)
        self.assertIn(f"{self.nova_conf}: not a configuration file", finished.stderr)
        self.assertEqual(1, len(finished.stderr.splitlines()), finished.stderr)


class TestPeriodic(SyncTestCase):
    def test_what_somebody_else_takes_away_comes_back(self):
        self.agent.start()
        self.wait_for_traits(LIVE_MIGRATABLE)
        self.change_traits({"CUSTOM_FOREIGN"} & self.traits(), {LIVE_MIGRATABLE})
        self.wait_for_traits(LIVE_MIGRATABLE)
        self.assertEqual(0, self.agent.end())
        self.assertIn("SIGTERM: the agent ends", self.agent.text())

    def test_nova_conf_is_read_in_every_round(self):
        self.agent.start()
        self.wait_for_traits(LIVE_MIGRATABLE)
        good = self.nova_conf.read_text()
        self.nova_conf.write_text("[broken\n")
        self.agent.wait_for_line(
            f"ERROR placement_sync.agent.error_log [-] {self.nova_conf}: not a conf"
        )
        self.assertIn(LIVE_MIGRATABLE, self.traits())
        self.nova_conf.write_text(good.replace('"yes"', '"no"'))
        self.wait_for_traits(NOT_LIVE_MIGRATABLE, LIVE_MIGRATABLE)
        self.agent.wait_for_line(f"No longer: {self.nova_conf}: not a configuration file")
        self.assertEqual(1, self.agent.text().count(f"[-] {self.nova_conf}: not a conf"))

    def test_sighup_reads_the_configuration_and_refuses_a_broken_one(self):
        self.agent.configure(f"nova_conf = {self.nova_conf}\ninterval = 3600")
        self.agent.start()
        wait_for("a round", lambda: self.agent.metric(COMPLETE) == 1)

        self.agent.conf.write_text("[vfio_placement_sync]\ninterval = often\n")
        self.agent.signal(signal.SIGHUP)
        self.agent.wait_for_line(
            "The new configuration is not used, the old one stays: "
            f"{self.agent.conf}:2: [vfio_placement_sync]interval: often: "
        )
        self.assertEqual(1, self.agent.metric(COMPLETE))

        self.change_traits(set(), {LIVE_MIGRATABLE})
        self.agent.configure(f"nova_conf = {self.nova_conf}\ninterval = 1\nmetrics_host = ::1")
        self.agent.signal(signal.SIGHUP)
        self.agent.wait_for_line("The configuration was read again")
        self.agent.wait_for_line("Changes of metrics_host, metrics_port and of the section")
        self.wait_for_traits(LIVE_MIGRATABLE)
        wait_for("rounds at the new pace", lambda: self.agent.metric(COMPLETE) > 2)
        self.assertEqual(0, self.agent.end())

    def test_systemd_hears_of_the_beginning_of_life_and_of_the_end(self):
        address = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.bind(address)
            channel.settimeout(60)
            self.agent.start(NOTIFY_SOCKET=address, WATCHDOG_USEC="400000")
            heard = []

            def hear(state, times=1):
                while sum(state in each for each in heard) < times:
                    heard.append(channel.recv(4096).decode())

            hear("READY=1")
            hear("WATCHDOG=1", times=5)
            self.agent.signal(signal.SIGHUP)
            hear("RELOADING=1\nMONOTONIC_USEC=")
            hear("READY=1", times=2)
            self.agent.signal(signal.SIGTERM)
            hear("STOPPING=1")
        self.assertEqual(0, self.agent.wait())

    def test_an_idle_agent_needs_less_than_150_mib(self):
        self.agent.start()
        wait_for("some rounds", lambda: self.agent.metric(COMPLETE) > 3)
        status = pathlib.Path(f"/proc/{self.agent.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        self.assertLess(int(line.split()[1]) / 1024, 150)

    def test_it_never_runs_on_eventlet(self):
        self.agent.start()
        wait_for("a round", lambda: self.agent.metric(COMPLETE) > 0)
        maps = pathlib.Path(f"/proc/{self.agent.pid}/maps").read_text()
        self.assertNotIn("greenlet", maps)


class TestPlacementInTrouble(SyncTestCase):
    def setUp(self):
        super().setUp()
        self.gate = Gate(self.cloud.urls["placement"])
        self.addCleanup(self.gate.close)
        self.start_behind_gate()

    def start_behind_gate(self):
        self.agent.configure(
            f"nova_conf = {self.nova_conf}\ninterval = 2\nunhealthy_after = 1",
            credentials(self.cloud, endpoint_override=self.gate.url, timeout="1"),
        )
        self.agent.start()
        self.wait_for_traits(LIVE_MIGRATABLE)

    def check_recovery(self, trouble, end, words):
        """One line when it begins, bad health with the reason, one line when it ends."""
        trouble()
        wait_for("failed rounds", lambda: self.agent.metric(FAILED) >= 3)
        wait_for("bad health", lambda: self.agent.health()[0] == 503)
        self.assertIn(words, self.agent.health()[1]["reason"])
        self.change_traits(set(), {LIVE_MIGRATABLE})
        end()
        self.wait_for_traits(LIVE_MIGRATABLE)
        wait_for("good health", lambda: self.agent.health()[0] == 200)
        lines = [line for line in self.agent.text().splitlines() if words in line]
        self.assertEqual(["ERROR", "INFO"], [line.split()[3] for line in lines], lines)
        self.assertNotIn("Traceback", self.agent.text())

    def test_placement_is_down(self):
        self.check_recovery(self.gate.refuse, self.gate.admit, "cannot be reached")

    def test_placement_answers_with_an_error_of_its_own(self):
        answer = (
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        self.check_recovery(lambda: self.gate.fail(answer), self.gate.recover, "503")

    def test_placement_does_not_answer(self):
        self.check_recovery(lambda: self.gate.fail(b""), self.gate.recover, "no complete answer")

    def test_the_agent_ends_while_placement_does_not_answer(self):
        self.gate.fail(b"")
        wait_for("a failed round", lambda: self.agent.metric(FAILED) >= 1)
        self.assertEqual(0, self.agent.end())


class TestPlacementAnswersOddly(SyncTestCase):
    def setUp(self):
        super().setUp()
        self.gate = HttpGate(self.cloud.urls["placement"])
        self.addCleanup(self.gate.close)
        self.agent.configure(
            f"nova_conf = {self.nova_conf}\ninterval = 1\nround_timeout = 10",
            credentials(self.cloud, endpoint_override=self.gate.url, timeout="1"),
        )
        self.agent.start()
        self.wait_for_traits(LIVE_MIGRATABLE)

    def fail_for_some_rounds(self, fault):
        failed = self.agent.metric(FAILED)
        self.gate.fail(fault)
        wait_for("failed rounds", lambda: self.agent.metric(FAILED) >= failed + 3)
        complete = self.agent.metric(COMPLETE)
        self.gate.recover()
        wait_for("a round", lambda: self.agent.metric(COMPLETE) > complete)

    def errors(self):
        lines = self.agent.text().splitlines()
        return [line.partition("[-] ")[2] for line in lines if " ERROR " in line]

    def test_an_answer_of_another_shape_is_one_line_for_each_kind(self):
        json = "application/json"
        for number, fault in enumerate(
            (
                answering(200, b"{}", json),
                answering(200, b"null", json),
                answering(200, b"[1]", json),
                answering(200, b'{"resource_providers": 7, "traits": {"a": null}}', json),
                answering(200, b"<html>Log in</html>", "text/html"),
                answering(204),
            ),
            1,
        ):
            self.fail_for_some_rounds(fault)
            self.assertEqual(number, len(self.errors()), self.errors())
            self.assertIn("placement at ", self.errors()[-1])
        self.assertNotIn("Traceback", self.agent.text())

    def test_an_answer_that_drips_does_not_hold_a_round(self):
        for fault in (dripping, dripping_body):
            self.fail_for_some_rounds(fault)
        for error in self.errors():
            self.assertIn("no complete answer within 1 s", error)

    def test_sigterm_is_obeyed_while_an_answer_drips(self):
        for fault in (dripping, dripping_body):
            self.gate.fail(fault)
            self.change_traits(set(), {LIVE_MIGRATABLE})
            began = time.monotonic()
            self.assertEqual(0, self.agent.end())
            self.assertLess(time.monotonic() - began, 15)
            self.gate.recover()
            self.agent.start()
            self.wait_for_traits(LIVE_MIGRATABLE)


class TestHostByAnotherName(SyncTestCase):
    """This machine has not the name of the host, as a container has not."""

    def setUp(self):
        super().setUp()
        self.service = CloudUser(self.connection.identity, "service")
        self.addCleanup(self.service.delete)

    def run_as_service(self):
        self.agent.configure(
            f"nova_conf = {self.nova_conf}",
            credentials(
                self.cloud,
                username=self.service.name,
                password=self.service.password,
                project_name="service",
            ),
        )
        return self.agent.run("--once")

    def test_nova_says_which_provider_is_the_host_s(self):
        finished = self.agent.run("--once")
        self.assertEqual(0, finished.returncode, finished.stderr)
        self.assertIn(LIVE_MIGRATABLE, self.traits())

    def test_where_nova_may_not_be_asked_the_host_s_name_in_nova_will_do(self):
        finished = self.run_as_service()
        self.assertEqual(0, finished.returncode, finished.stdout + finished.stderr)
        self.assertIn(LIVE_MIGRATABLE, self.traits())

    def test_a_host_that_is_not_found_is_named_with_the_option(self):
        text = self.nova_conf.read_text()
        self.nova_conf.write_text(text.replace("host = compute1", "host = compute7"))
        finished = self.run_as_service()
        self.assertIn("host without provider", finished.stdout)
        self.assertIn("hypervisor_hostname of the agent", finished.stdout)
