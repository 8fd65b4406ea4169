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

"""What files and options tell the preflight."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import os
import pathlib
import tempfile

import fixtures
import testtools
from osc_lib import exceptions

from osc_vfio_lm import inputs
from tests.unit.preflight.scenario import NOW, vf
from vfio_lm.errors import ConfigError
from vfio_lm.pci.host_facts import HostFacts, HostFactsError

ALIAS = 'alias = {"name": "vf", "vendor_id": "8086", "product_id": "1515"}\n'


class TestInputs(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF"))

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def facts(self, name, host, taken_at=NOW):
        return self.file(name, HostFacts(host, taken_at, (vf(),)).to_json())

    def read(self, *arguments):
        parser = argparse.ArgumentParser()
        inputs.add_preflight_inputs(parser)
        return inputs.read_preflight_inputs(parser.parse_args(arguments))

    def test_files_of_the_api_and_of_hosts_are_told_apart(self):
        api = self.file("api.conf", "[pci]\n" + ALIAS)
        host = self.file("host.conf", "[DEFAULT]\nhost = compute1\n")
        told = self.read("--nova-conf", api, "--nova-conf", f"compute1={host}")
        self.assertEqual({"vf"}, told.aliases.keys())
        self.assertEqual({"compute1"}, told.hosts.keys())
        self.assertEqual("compute1", told.hosts["compute1"].conf.host)
        self.assertEqual((api, host), told.files)

    def test_the_nova_conf_of_nova_api_has_a_default_also_beside_those_of_hosts(self):
        api = self.file("api.conf", "[pci]\n" + ALIAS)
        host = self.file("host.conf", "[DEFAULT]\nhost = compute1\n")
        self.useFixture(fixtures.EnvironmentVariable("OS_VFIO_NOVA_CONF", api))
        told = self.read("--nova-conf", f"compute1={host}")
        self.assertEqual((api, host), told.files)

    def test_a_folder_has_the_files_of_many_hosts(self):
        hosts = self.folder / "hosts"
        (hosts / "compute2").mkdir(parents=True)
        (hosts / "compute1.conf").write_text("[pci]\nreport_in_placement = true\n")
        (hosts / "compute2" / "a.conf").write_text("[pci]\nreport_in_placement = false\n")
        told = self.read("--nova-conf-dir", str(hosts))
        self.assertEqual({"compute1", "compute2"}, told.hosts.keys())
        twice = ("--nova-conf", f"compute1={self.file('host.conf', '')}")
        refused = self.refusal("--nova-conf-dir", str(hosts), *twice)
        self.assertIn("host compute1 is described twice", refused)

    def test_a_folder_that_describes_no_host_is_refused(self):
        self.assertIn("<hostname>.conf", self.refusal("--nova-conf-dir", str(self.folder)))

    def refusal(self, *arguments):
        return str(self.assertRaises(exceptions.CommandError, self.read, *arguments))

    def test_a_path_may_hold_an_equals_sign(self):
        path = self.file("a=b.conf", "[pci]\n" + ALIAS)
        self.assertEqual({"vf"}, self.read("--nova-conf", path).aliases.keys())

    def test_another_hosts_nova_conf_is_refused(self):
        path = self.file("host.conf", "[DEFAULT]\nhost = compute1\n")
        error = self.assertRaises(ConfigError, self.read, "--nova-conf", f"compute2={path}")
        self.assertIn("not the nova.conf of host compute2", str(error))

    def test_the_younger_facts_of_a_host_count(self):
        later = NOW + datetime.timedelta(minutes=1)
        self.facts("b.json", "compute1")
        self.facts("a.json", "compute1", later)
        self.facts("c.json", "compute2")
        self.file("notes.txt", "no facts")
        told = self.read("--host-facts", str(self.folder))
        self.assertEqual(later, told.hosts["compute1"].facts.taken_at)
        self.assertEqual({"compute1", "compute2"}, told.hosts.keys())
        self.assertEqual(["a.json", "b.json", "c.json"], list(map(os.path.basename, told.files)))

    def test_a_file_that_holds_no_facts_is_refused(self):
        path = self.file("facts.json", "{}")
        self.assertRaises(HostFactsError, self.read, "--host-facts", path)

    def test_durations(self):
        for text, seconds in (("90m", 5400), ("2h", 7200), ("1d", 86400), ("45", 45), ("45s", 45)):
            told = self.read("--max-age", text)
            self.assertEqual(datetime.timedelta(seconds=seconds), told.max_age)
        for text in ("", "soon", "-1h", "1.5h", "1w"):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertRaises(SystemExit, self.read, f"--max-age={text}")
            self.assertIn("is no duration such as", said.getvalue())

    def test_the_time_of_the_newest_file_is_that_of_the_aliases(self):
        with tempfile.TemporaryDirectory() as folder:
            old, new = pathlib.Path(folder, "a.conf"), pathlib.Path(folder, "b.conf")
            for path, seconds in ((old, 1_000), (new, 2_000)):
                path.write_text("[pci]\n")
                os.utime(path, (seconds, seconds))
            told = self.read("--nova-conf", folder)
        self.assertEqual(2_000, told.aliases_changed_at.timestamp())
