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

"""``openstack vfio migration check`` of many servers: the options, the lines, and what it costs."""

from __future__ import annotations

import csv
import datetime
import io
import os
import pty
import re
import subprocess
import threading
from typing import Any

import yaml

from tests.cloud import HostSpec
from tests.cloud.administrator import wait_for
from tests.functional.base import OPENSTACK, UNTAGGED, YES, CloudTestCase, Finished
from vfio_lm.pci import read_nova_conf
from vfio_lm.preflight import Inputs, Selection, check_servers, check_with

HOSTS = (
    HostSpec("compute1", vfs=4, device_specs=(YES,)),
    HostSpec("compute2", vfs=4, device_specs=(YES,)),
    HostSpec("compute3", device_specs=(UNTAGGED,)),
)


class ManyTestCase(CloudTestCase):
    hosts = HOSTS

    def inputs(self) -> Inputs:
        conf = read_nova_conf([self.cloud.nova_conf()])
        return Inputs(
            now=datetime.datetime.now(datetime.UTC),
            aliases=conf.aliases,
            pci_in_placement=conf.pci_in_placement,
        )

    def run_check(self, *arguments: str) -> Finished:
        conf = str(self.cloud.nova_conf())
        return self.openstack("vfio", "migration", "check", "--nova-conf", conf, *arguments)

    def rows(self, done: Finished) -> dict[str, dict[str, str]]:
        """Return what a CSV says, by the name of the server."""
        return {row["Name"]: row for row in csv.DictReader(io.StringIO(done.output))}

    def mixed(self) -> dict[str, str]:
        """Create servers of which some are blocked, each in its own way; return their IDs."""
        yes = self.flavor("vf-yes:1")
        servers = {
            "mobile": self.boot(yes, host="compute1", name="mobile"),
            "twin": self.boot(yes, host="compute1", name="twin"),
            "undeclared": self.boot(self.flavor("vf-any:1"), host="compute2", name="undeclared"),
            "off": self.boot(yes, host="compute2", name="off"),
            "plain": self.boot(self.flavor(None), host="compute3", name="plain"),
        }
        self.connection.compute.stop_server(servers["off"])
        wait_for("it is off", lambda: self.show(servers["off"])["status"] == "SHUTOFF")
        return servers


class TestMany(ManyTestCase):
    def test_all_servers_with_devices_have_a_line_and_the_others_are_counted(self):
        servers = self.mixed()
        done = self.run_check("--all", "-f", "csv")
        self.assertEqual(2, done.status, done.errors)
        rows = self.rows(done)
        self.assertEqual(["mobile", "off", "twin", "undeclared"], list(rows))
        self.assertEqual(
            {
                "ID": servers["mobile"],
                "Name": "mobile",
                "Host": "compute1",
                "Verdict": "ready",
                "Ready Destinations": "1",
                "Detail": "",
            },
            rows["mobile"],
        )
        self.assertEqual(("blocked", "server-state"), verdict_and_detail(rows["off"]))
        self.assertEqual(
            ("blocked", "alias-live-migratable"), verdict_and_detail(rows["undeclared"])
        )
        self.assertIn(
            "Not checked: 1 server without PCI devices by an alias or a port", done.errors
        )

    def test_the_table_begins_with_the_sum_and_ends_with_where_remedies_are(self):
        self.mixed()
        done = self.run_check("--all", "--long")
        self.assertEqual((2, ""), (done.status, done.errors))
        lines = done.output.splitlines()
        self.assertEqual("4 servers checked: 2 blocked, 2 ready", lines[0])
        self.assertIn("Not checked: 1 server without PCI devices", done.output)
        self.assertIn("openstack vfio migration check SERVER", done.output)
        self.assertIn("Files used: ", lines[-1])
        self.assertIn("server-state: the server is SHUTOFF", done.output)

    def test_servers_are_chosen_by_name_by_source_host_and_by_project(self):
        servers = self.mixed()
        done = self.run_check("mobile", servers["plain"], "mobile", "-f", "csv")
        self.assertEqual((0, ""), (done.status, done.errors))
        self.assertEqual(["mobile", "plain"], list(self.rows(done)))
        done = self.run_check("--source-host", "compute1", "-f", "csv")
        self.assertEqual((0, ""), (done.status, done.errors))
        self.assertEqual(["mobile", "twin"], list(self.rows(done)))
        done = self.run_check("--all", "--source-host", "compute3", "-f", "csv")
        self.assertEqual((0, {}), (done.status, self.rows(done)), done.errors)
        self.assertIn("Not checked: 1 server", done.errors)
        done = self.run_check("--source-host", "compute3")
        self.assertEqual((0, ""), (done.status, done.errors))
        self.assertIn("No server was checked", done.output)
        own = self.connection.current_project.name
        done = self.run_check("--project", own, "--source-host", "compute2", "-f", "csv")
        self.assertEqual(["off", "undeclared"], list(self.rows(done)), done.errors)
        other = next(
            project.id
            for project in self.connection.identity.projects()
            if project.id != self.connection.current_project_id
        )
        done = self.run_check("--project", other, "-f", "json")
        self.assertEqual((0, []), (done.status, done.json()), done.errors)

    def test_one_destination_only(self):
        self.mixed()
        done = self.run_check("mobile", "twin", "--host", "compute3", "-f", "csv")
        self.assertEqual(2, done.status, done.errors)
        for row in self.rows(done).values():
            detail = "destination-devices (1 of 1 hosts)"
            self.assertEqual(("blocked", detail), verdict_and_detail(row))

    def test_json_and_yaml_hold_the_reports_of_the_single_form(self):
        servers = self.mixed()
        done = self.run_check(*servers, "-f", "json")
        self.assertEqual(2, done.status, done.errors)
        reports = {report["server"]["name"]: report for report in done.json()}
        self.assertEqual(servers.keys(), reports.keys())
        for name, server in servers.items():
            alone = self.run_check(server, "-f", "json")
            self.assertEqual(without_times(alone.json()), without_times([reports[name]]))
        in_yaml = yaml.safe_load(self.run_check(*servers, "-f", "yaml").output)
        self.assertEqual(reports.keys(), {report["server"]["name"] for report in in_yaml})
        rows = self.run_check("mobile", "off", "-f", "json", "-c", "verdict", "-c", "name").json()
        self.assertEqual(
            [{"Name": "mobile", "Verdict": "ready"}, {"Name": "off", "Verdict": "blocked"}], rows
        )

    def test_unknown_is_an_exit_status_of_its_own_unless_one_is_blocked(self):
        self.mixed()
        without_conf = ("vfio", "migration", "check", "-f", "csv")
        done = self.openstack(*without_conf, "mobile", "twin")
        self.assertEqual(3, done.status, done.errors)
        self.assertEqual(
            ("unknown", "alias-live-migratable"), verdict_and_detail(self.rows(done)["twin"])
        )
        done = self.openstack(*without_conf, "mobile", "off")
        self.assertEqual(2, done.status, done.errors)

    def test_progress_is_shown_on_a_terminal_only(self):
        self.mixed()
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        shown: list[bytes] = []
        reader = threading.Thread(target=read_all, args=(ours, shown))
        reader.start()
        done = subprocess.run(
            [OPENSTACK, "vfio", "migration", "check", "--all", "-f", "json"],
            env=os.environ | self.cloud.environ(),
            stdout=subprocess.PIPE,
            stderr=theirs,
            check=False,
            timeout=120,
        )
        os.close(theirs)
        reader.join(timeout=60)
        self.assertIn(b"\rServers checked: 3 of 4", b"".join(shown))
        self.assertNotIn(b"\r", done.stdout)


class TestBadChoice(ManyTestCase):
    """Each mistake is one line on standard error, and exit status 1."""

    def assert_refused(self, done: Finished, *words: str) -> None:
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertEqual(1, len(done.errors.strip().splitlines()), done.errors)
        for word in words:
            self.assertIn(word, done.errors)

    def test_who_is_meant_must_be_said_once(self):
        self.assert_refused(self.run_check(), "no server is given", "--all")
        self.assert_refused(self.run_check("--all", "mobile"), "not both")
        self.assert_refused(self.run_check("--project-domain", "x", "--all"), "--project-domain")

    def test_unknown_hosts_projects_and_servers(self):
        done = self.run_check("--source-host", "compute9")
        self.assert_refused(done, "'compute9'", "compute1, compute2, compute3")
        done = self.run_check("--all", "--host", "compute9")
        self.assert_refused(done, "'compute9'", "compute1, compute2, compute3")
        self.assert_refused(self.run_check("--project", "missing's"), "no project", "'missing's'")
        done = self.run_check("--project", "admin", "--project-domain", "nowhere")
        self.assert_refused(done, "no domain", "'nowhere'")
        self.boot(self.flavor(None), name="there")
        self.assert_refused(self.run_check("there", "missing"), "no server", "'missing'")
        many = [f"missing{number}" for number in range(20)]
        self.assert_refused(self.run_check("there", *many), "no server", "'missing0'")

    def test_a_user_without_the_admin_role(self):
        done = self.openstack("vfio", "migration", "check", "--all", cloud="embedded-demo")
        self.assert_refused(done, "admin role")


class TestRequests(ManyTestCase):
    """What it costs depends on what is asked of placement, not on how many servers ask."""

    hosts = (HostSpec("compute1", vfs=12, device_specs=(YES,)), *HOSTS[1:])

    def asked(self, *arguments: str) -> list[str]:
        """Return the URLs that the command asked for after it got its token.

        What was done with each server is left out: it takes a light request for each.
        """
        done = self.run_check(*arguments, "--debug", "-f", "csv")
        # Among hundreds of hosts placement may cut its answer off before the one real host.
        self.assertIn(done.status, (0, 3), done.errors)
        urls = re.findall(r'REQ: curl .*?"?(http://[^\s"]+)', done.errors)
        identity = self.cloud.urls["keystone"].removesuffix("/v3")
        shared = [url for url in urls if "/os-instance-actions" not in url]
        return [url for url in shared if not url.startswith(identity)]

    def test_neither_servers_nor_hosts_cost_more_requests(self):
        flavors = [self.flavor("vf-yes:1"), self.flavor("vf-yes:1")]
        for number in range(6):
            self.boot(flavors[number % 2], "compute1", f"server{number}")
        small = self.asked("--all")
        questions = [url for url in small if "resources_PCI0" in url]
        self.assertEqual(1, len(questions), "two flavors that ask for the same are asked once")
        self.assertLessEqual(len(small), 17, small)

        for number in range(6, 11):
            self.boot(flavors[0], "compute1", f"server{number}")
        self.assertEqual(len(small), len(self.asked("--all")))

        self.cloud.fill_placement(hosts=300, pfs=4, vfs=8)
        self.addCleanup(self.cloud.empty_placement_filler)
        self.assertEqual(len(small), len(self.asked("--all")))

        # What was read by the providers of the host is what each server has.
        survey = check_servers(self.connection, Selection(), self.inputs())
        found = {report.server_id: report for report in survey.reports}
        self.assertEqual(11, len(found))
        for server_id, report in found.items():
            alone = check_with(self.connection, server_id, self.inputs())
            self.assertEqual(
                without_times(alone.to_dict()), without_times(report.to_dict()), report.server_name
            )


def verdict_and_detail(row: dict[str, str]) -> tuple[str, str]:
    return row["Verdict"], row["Detail"]


def without_times(report: Any) -> str:
    """Return a report as text, but for how long placement took."""
    return re.sub(r"'seconds': [\d.]+|in [\d.]+ s", "", str(report))


def read_all(descriptor: int, chunks: list[bytes]) -> None:
    while True:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:
            return  # the other end is closed
        if not chunk:
            return
        chunks.append(chunk)
