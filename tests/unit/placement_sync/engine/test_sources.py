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

"""Hosts are read as nova-compute would read them now; what keeps one from it is an error."""

import json
import pathlib

import fixtures
import testtools

from placement_sync.engine.sources import HostFolder, OwnHost, libvirt_name
from tests.unit.placement_sync.fleet import NO, YES


class SourceCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def write(self, name, *specs):
        path = self.folder / name
        lines = [f"device_spec = {json.dumps(spec)}" for spec in specs]
        path.write_text("\n".join(["[pci]", *lines, ""]))
        return path


class TestOwnHost(SourceCase):
    def test_each_round_reads_what_is_there_now(self):
        path = self.write("nova.conf", YES)
        source = OwnHost((str(path),), hypervisor_hostname="compute1")
        (found,) = source.read().hosts
        self.assertEqual(("compute1", 1), (found.hypervisor_hostname, len(found.device_specs)))
        self.write("nova.conf", YES, NO)
        (found,) = source.read().hosts
        self.assertEqual(2, len(found.device_specs))

    def test_without_a_name_it_is_libvirt_s(self):
        source = OwnHost((str(self.write("nova.conf", YES)),))
        (found,) = source.read().hosts
        self.assertEqual(libvirt_name(), found.hypervisor_hostname)
        self.assertFalse(source.is_provider_named)

    def test_what_cannot_be_read_is_an_error_and_no_host(self):
        path = self.write("nova.conf")
        path.write_text("[pci]\ndevice_spec = not json\n")
        found = OwnHost((str(path),)).read()
        self.assertEqual(((), 1), (found.hosts, len(found.errors)))
        self.assertIn(str(path), str(found.errors[0]))


class TestHostFolder(SourceCase):
    def test_a_file_that_cannot_be_read_costs_only_its_host(self):
        self.write("compute1.conf", YES)
        self.write("compute2.conf").write_text("[pci]\ndevice_spec = not json\n")
        found = HostFolder(str(self.folder)).read()
        self.assertEqual(["compute1"], [host.name for host in found.hosts])
        (error,) = found.errors
        self.assertIn("compute2.conf", str(error))

    def test_an_empty_folder_is_an_error_and_not_a_cloud_without_hosts(self):
        (error,) = HostFolder(str(self.folder)).read().errors
        self.assertIn("HOST.conf", str(error))

    def test_a_folder_that_is_missing_is_an_error(self):
        (error,) = HostFolder(str(self.folder / "absent")).read().errors
        self.assertIn("absent", str(error))


class TestLibvirtName(testtools.TestCase):
    def name(self, short, full):
        self.useFixture(fixtures.MonkeyPatch("socket.gethostname", lambda: short))
        self.useFixture(fixtures.MonkeyPatch("socket.getfqdn", lambda name: full))
        return libvirt_name()

    def test_the_resolver_s_name_counts_for_a_short_one_only(self):
        self.assertEqual("node7.example.org", self.name("node7", "node7.example.org"))
        self.assertEqual("node7.mine", self.name("node7.mine", "node7.example.org"))

    def test_localhost_is_no_better_name(self):
        self.assertEqual("node7", self.name("node7", "localhost.localdomain"))
        self.assertEqual("localhost", self.name("localhost", "node7.example.org"))
