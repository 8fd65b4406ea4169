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

"""``openstack vfio migration check`` as a user types it: formats, exit statuses, bad input."""

from __future__ import annotations

import csv
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

import fixtures
import testtools
import yaml

from tests.cloud import Cloud, CloudSpec, HostSpec
from tests.functional.base import (
    ALIAS_YES,
    OPENSTACK,
    UNTAGGED,
    YES,
    CloudTestCase,
    Finished,
)
from tests.unit.preflight.package_of_others import CODE, ImportPath

THREE_HOSTS = (
    HostSpec("compute1", device_specs=(YES,)),
    # nova writes the letters of an address in capitals when it names a provider
    HostSpec("compute2", bus=0xC2, device_specs=(YES,)),
    HostSpec("compute3", device_specs=(UNTAGGED,)),
)


class CheckTestCase(CloudTestCase):
    hosts = THREE_HOSTS

    def run_check(self, server: str, *options: str, cloud: str = "embedded") -> Finished:
        conf = str(self.cloud.nova_conf())
        return self.openstack(
            "vfio", "migration", "check", "--nova-conf", conf, server, *options, cloud=cloud
        )


class TestFormats(CheckTestCase):
    def test_table_of_a_ready_server(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        done = self.run_check("mobile")
        self.assertEqual(0, done.status, done.errors)
        headline = done.output.splitlines()[0]
        self.assertEqual(
            f"ready: server mobile ({server}) can live migrate from compute1 to compute2", headline
        )
        self.assertIn(f"  openstack vfio migration start --wait {server}\n", done.output)

    def test_table_of_a_blocked_server(self):
        server = self.boot(self.flavor("vf-any:1"), host="compute1")
        done = self.run_check(server)
        self.assertEqual(2, done.status, done.errors)
        self.assertIn("blocked: ", done.output)
        self.assertIn("vf-any (unspecified)", done.output)
        order = ("blocked: ", "What to do:", "| Destination |", "Files used: ")
        places = [done.output.index(each) for each in order]
        self.assertEqual(sorted(places), places)
        self.assertIn(f"openstack server resize --wait --flavor FLAVOR {server}", done.output)

    def test_an_unknown_verdict_says_what_would_settle_it(self):
        server = self.boot(self.flavor("vf-yes:1"))
        done = self.openstack("vfio", "migration", "check", server)
        self.assertEqual(3, done.status, done.errors)
        self.assertIn("Missing information:", done.output)
        self.assertIn("--nova-conf FILE", done.output)

    def test_the_long_table_shows_the_passes_too(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        self.assertNotIn("server-state", self.run_check(server).output)
        done = self.run_check(server, "--long")
        self.assertEqual(0, done.status, done.errors)
        self.assertIn("server-state", done.output)
        self.assertIn("the server is ACTIVE", done.output)

    def test_json_and_yaml_hold_the_whole_report(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.run_check(server, "-f", "json")
        (report,) = done.json()
        self.assertEqual("ready", report["verdict"])
        self.assertEqual("compute1", report["server"]["host"])
        ready = report["destinations"][0]
        self.assertEqual(("compute2", "ready"), (ready["host"], ready["verdict"]))
        (device,) = ready["devices"]
        self.assertEqual(("0000:c2:00.0", 2), (device["address"], device["free"]))
        (state,) = [check for check in report["checks"] if check["id"] == "server-state"]
        self.assertEqual("ACTIVE", state["evidence"]["status"])

        in_yaml = yaml.safe_load(self.run_check(server, "-f", "yaml").output)
        self.assertEqual([report], in_yaml)

    def test_the_columns_choose_the_rows_in_every_format(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        done = self.run_check(server, "-f", "csv")
        (row,) = csv.DictReader(io.StringIO(done.output))
        self.assertEqual(
            ("mobile", "ready", "1"), (row["Name"], row["Verdict"], row["Ready Destinations"])
        )
        self.assertEqual("ready\n", self.run_check(server, "-f", "value", "-c", "Verdict").output)
        columns = ("-c", "Destination", "-c", "Free Devices")
        rows = self.run_check(server, "-f", "json", *columns).json()
        self.assertIn({"Destination": "compute2", "Free Devices": 2}, rows)
        done = self.run_check(server, "-c", "Colour")
        self.assertEqual(1, done.status)
        self.assertIn("Ready Destinations", done.errors)

    def test_the_example_of_the_readme_prints_ready_hosts_only(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        readme = pathlib.Path(__file__).parents[2].joinpath("README.rst").read_text()
        (example,) = re.findall(r"code-block:: python\n\n((?:    .*\n|\n)+)", readme)
        text = textwrap.dedent(example)
        for word, ours in (
            ("mycloud", "embedded"),
            ("my-server", server),
            ("/etc/nova/nova.conf", str(self.cloud.nova_conf())),
        ):
            self.assertIn(word, text)
            text = text.replace(word, ours)
        done = subprocess.run(
            [sys.executable, "-c", text],
            env=os.environ | self.cloud.environ(),
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual("ready ['compute2']\n", done.stdout)

    def test_csv_in_full_lists_every_check_with_its_remedy(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.run_check(server, "-f", "csv", "--long")
        rows = list(csv.DictReader(io.StringIO(done.output)))
        answers = {(row["Check"], row["Host"]): row for row in rows}
        self.assertEqual("pass", answers["destination-devices", "compute2"]["Status"])
        failed = answers["destination-devices", "compute3"]
        self.assertEqual("fail", failed["Status"])
        self.assertIn("in [pci] of nova.conf on compute3", failed["Remedy"])

    def test_one_host_only(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.run_check(server, "--host", "compute3", "-f", "json")
        self.assertEqual(2, report.status)
        (found,) = report.json()
        self.assertEqual(["compute3"], [d["host"] for d in found["destinations"]])

    def test_the_help_teaches(self):
        done = self.openstack("vfio", "migration", "check", "--help")
        self.assertEqual(0, done.status)
        for word in ("ready", "blocked", "unknown", "exit status", "--nova-conf", "[pci]alias"):
            self.assertIn(word, done.output)


class TestBadInput(CheckTestCase):
    """Each mistake is one line on standard error, and exit status 1."""

    def assert_refused(self, done: Finished, *words: str) -> None:
        self.assertEqual((1, ""), (done.status, done.output), done)
        self.assertEqual(1, len(done.errors.strip().splitlines()), done.errors)
        for word in words:
            self.assertIn(word, done.errors)

    def test_unknown_server(self):
        self.assert_refused(self.run_check("missing"), "no server", "'missing'")
        unknown_id = "11111111-2222-4333-8444-555555555555"
        self.assert_refused(self.run_check(unknown_id), "no server", unknown_id)

    def test_unknown_host(self):
        server = self.boot(self.flavor(None))
        done = self.run_check(server, "--host", "compute9")
        self.assert_refused(done, "compute9", "compute1, compute2, compute3")

    def test_two_servers_of_one_name(self):
        flavor = self.flavor(None)
        twins = sorted(self.boot(flavor, name="twin") for _ in range(2))
        self.assert_refused(self.run_check("twin"), "2 servers", *twins)

    def test_a_name_is_no_regular_expression(self):
        self.boot(self.flavor(None), name="web(1).example")
        self.assertEqual(0, self.run_check("web(1).example").status)
        self.assert_refused(self.run_check("web.*"), "'web.*'")

    def test_a_user_without_the_admin_role(self):
        flavor = self.flavor(None)
        foreign = self.boot(flavor, name="foreign")
        self.assert_refused(self.run_check("foreign", cloud="embedded-demo"), "admin role")
        self.assert_refused(self.run_check(foreign, cloud="embedded-demo"), "admin role")
        self.assert_refused(self.run_check("foreign", cloud="embedded-reader"), "admin role")

    def test_nova_hides_the_host_from_a_servers_owner(self):
        flavor = self.flavor(None)
        self.connection = self.cloud.connection("embedded-demo")
        server = self.boot_without_showing(flavor)
        done = self.run_check(server, cloud="embedded-demo")
        self.assert_refused(done, "admin role", "nova hides the host")

    def boot_without_showing(self, flavor: str) -> str:
        image = next(iter(self.connection.image.images()))
        server = self.connection.compute.create_server(
            name="own", flavor_id=flavor, image_id=image.id, networks="none"
        )
        return str(self.connection.compute.wait_for_server(server).id)

    def test_placement_cannot_be_reached(self):
        server = self.boot(self.flavor(None))
        clouds = yaml.safe_load(self.cloud.clouds_yaml.read_text())
        # nothing listens on the port of a service that is long out of use
        clouds["clouds"]["embedded"]["placement_endpoint_override"] = "http://127.0.0.1:9"
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "clouds.yaml")
            path.write_text(yaml.safe_dump(clouds))
            finished = subprocess.run(
                [OPENSTACK, "vfio", "migration", "check", server],
                env=os.environ | {"OS_CLIENT_CONFIG_FILE": str(path), "OS_CLOUD": "embedded"},
                capture_output=True,
                text=True,
                check=False,
            )
        done = Finished(finished.returncode, finished.stdout, finished.stderr)
        self.assert_refused(done, "placement cannot be reached", "127.0.0.1:9")

    def test_wrong_host_facts_and_durations(self):
        done = self.openstack("vfio", "migration", "check", "--host-facts", "/no/such.json", "any")
        self.assert_refused(done, "/no/such.json: cannot be read")
        done = self.openstack("vfio", "migration", "check", "--max-age", "soon", "any")
        self.assert_refused(done, "'soon' is no duration")

    def test_a_wrong_nova_conf(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            conf.write('[pci]\nalias = {"name": "vf", "dev_type": "type-VF"}\n')
            conf.flush()
            done = self.openstack("vfio", "migration", "check", "--nova-conf", conf.name, "any")
        self.assert_refused(done, conf.name, "[pci]alias", '"dev_type": "type-VF"', "unexpected")
        done = self.openstack("vfio", "migration", "check", "--nova-conf", "/no/such.conf", "any")
        self.assert_refused(done, "/no/such.conf: cannot be read")


class TestChecksOfOtherPackages(CheckTestCase):
    """A broken package beside ours is named in the report, and breaks nothing else."""

    def test_each_kind_of_broken_check(self):
        path = self.useFixture(ImportPath())
        for package, code in (
            ("silent-checks", "probe = a_check(lambda facts: None, 'silent')"),
            ("vague-checks", "probe = a_check(lambda facts: passed('x', y={1}), 'vague')"),
            ("loud-checks", "probe = a_check(lambda facts: 1 / 0, 'loud')"),
            ("absent-checks", "import sys; sys.exit('libabsent is missing')"),
            ("other-checks", "probe = a_check(lambda facts: passed('x'), 'server-state')"),
        ):
            path.install(package, CODE + code + "\n", {package.partition("-")[0]: "probe"})
        self.useFixture(fixtures.EnvironmentVariable("PYTHONPATH", str(path.folder)))
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.run_check(server, "-f", "json")
        self.assertEqual((3, ""), (done.status, done.errors))
        (report,) = done.json()
        answers = {each["id"]: each for each in report["checks"]}
        for name in ("silent", "vague", "loud", "absent", "other"):
            self.assertEqual("unknown", answers[name]["status"])
            said = f"defect of check {name} of package {name}-checks: "
            self.assertIn(said, answers[name]["message"])
        self.assertEqual("pass", answers["server-state"]["status"])
        self.assertIn("defect of check silent", self.run_check(server).output)


class TestWithoutNetworkService(CheckTestCase):
    """A cloud without neutron has no ports to look at, which is nothing to complain about."""

    def setUp(self):
        testtools.TestCase.setUp(self)
        self.cloud = Cloud(CloudSpec(THREE_HOSTS, (ALIAS_YES,), network_endpoint=False))
        self.cloud.start()
        self.addCleanup(self.cloud.stop)
        self.connection = self.cloud.connection()

    def test_the_check_works_and_says_nothing_of_it(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        done = self.run_check(server)
        self.assertEqual((0, ""), (done.status, done.errors.strip()))


class TestRequests(CheckTestCase):
    """The number of requests does not grow with the cloud."""

    asks_for_source = False

    def requests(self, server: str) -> list[str]:
        """Return the URLs that the command asked for after it got its token."""
        done = self.run_check(server, "--debug")
        # Among hundreds of hosts placement may cut its answer off before the one real host.
        self.assertIn(done.status, (0, 3), done.errors)
        urls = re.findall(r'REQ: curl .*?"?(http://[^\s"]+)', done.errors)
        identity = self.cloud.urls["keystone"].removesuffix("/v3")
        return [url for url in urls if not url.startswith(identity)]

    def test_a_large_cloud_costs_no_more_requests_than_a_small_one(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1", name="mobile")
        small = self.requests("mobile")
        self.assertLessEqual(len(small), 14 + 3 * self.asks_for_source, small)
        self.cloud.fill_placement(hosts=500, pfs=4, vfs=8)
        self.addCleanup(self.cloud.empty_placement_filler)
        large = self.requests("mobile")
        self.assertIs(self.asks_for_source, any("required=HW_PCI" in url for url in large))
        self.assertEqual(len(small), len(large), large)
        self.assertLessEqual(len(self.requests(server)), len(small))


class TestRequestsOfAFullSource(TestRequests):
    """A host without free memory is in no answer about free hosts, and is asked for apart."""

    asks_for_source = True
    # Of 1024 MiB nova keeps 512 for the host, and the server takes the rest.
    hosts = (HostSpec("compute1", device_specs=(YES,), memory_mb=1024), *THREE_HOSTS[1:])
