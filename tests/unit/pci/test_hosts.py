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

"""Files that say what hosts have: which host each of them is of, and what is wrong with some."""

import dataclasses
import datetime
import pathlib
import tempfile

import testtools

from tests.unit.placement_sync.fleet import ALIAS_YES, facts, host, vf
from vfio_lm.errors import ConfigError, VfioLmError
from vfio_lm.pci.host_facts import HostFactsError
from vfio_lm.pci.hosts import common_aliases, read_host, read_hosts, read_named_hosts

_PCI = '[pci]\ndevice_spec = {"vendor_id": "15b3", "live_migratable": "yes"}\n'


class FilesTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text=_PCI):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class TestOwnHost(FilesTestCase):
    def test_its_name(self):
        plain, named = self.write("a.conf"), self.write("b.conf", "[DEFAULT]\nhost = c1\n" + _PCI)
        self.assertEqual("c1", read_host([named], "c0").name)
        both = read_host([named], "c0", hypervisor_hostname="c2")
        self.assertEqual(("c1", "c2"), (both.name, both.hypervisor_hostname))
        self.assertEqual("c0", read_host([plain], "c0").name)

    def test_the_name_of_its_provider_is_libvirt_s_whatever_nova_calls_the_host(self):
        named = self.write("a.conf", "[DEFAULT]\nhost = c1\n" + _PCI)
        self.assertEqual("c0", read_host([named], "c0").hypervisor_hostname)

    def test_later_files_override_earlier_ones(self):
        first = self.write("a.conf", "[DEFAULT]\nhost = c1\n[pci]\nreport_in_placement = true\n")
        found = read_host([first, self.write("b.conf", "[DEFAULT]\nhost = c2\n")], "c0")
        self.assertEqual(("c2", True), (found.name, found.conf.report_in_placement))

    def test_its_facts_have_to_be_its_own(self):
        conf = self.write("a.conf")
        path = self.write("f.json", facts(vf(), name="c1").to_json())
        own = read_host([conf], "c0", hypervisor_hostname="c1", facts_path=path)
        self.assertEqual(1, len(own.facts.devices))
        error = self.assertRaises(
            HostFactsError, read_host, [conf], "c0", hypervisor_hostname="c2", facts_path=path
        )
        self.assertIn("describes host c1, not c2", str(error))

    def test_facts_by_the_name_of_the_host_in_nova(self):
        conf = self.write("a.conf", "[DEFAULT]\nhost = c1\n")
        path = self.write("f.json", facts(name="c1").to_json())
        found = read_host([conf], "c0", hypervisor_hostname="c1.example.org", facts_path=path)
        self.assertIsNotNone(found.facts)

    def test_no_file_and_an_empty_file_are_no_host_without_devices(self):
        self.assertRaises(ConfigError, read_host, [], "c0")
        self.assertRaises(ConfigError, read_host, [self.folder / "gone.conf"], "c0")
        error = self.assertRaises(
            ConfigError, read_host, [self.write("a.conf", "# nothing\n")], "c0"
        )
        self.assertIn("a.conf", str(error))

    def test_each_specification_knows_its_line(self):
        conf = self.write(
            "a.conf",
            '[pci]\ndevice_spec = [{"vendor_id": "15b3"}, {"vendor_id": "8086"}]\n'
            'device_spec =\n    {"vendor_id": "10de"}\n',
        )
        found = read_host([conf], "c0")
        lines = [spec.location.removeprefix(f"{conf}:") for spec in found.device_specs]
        self.assertEqual(["2", "2", "3"], lines)


class TestFolder(FilesTestCase):
    def test_a_file_or_a_folder_for_each_host(self):
        self.write("c2.example.org.conf")
        self.write("c1/pci.conf")
        self.write("README")
        self.write(".hidden.conf")
        found = read_hosts(self.folder)
        self.assertEqual((), found.errors)
        self.assertEqual(["c1", "c2.example.org"], [each.name for each in found.hosts])

    def test_one_bad_file_does_not_stop_the_others(self):
        self.write("c1.conf")
        self.write("c2.conf", "[pci]\ndevice_spec = {")
        self.write("c3.conf", "")
        self.write("c4.conf")
        self.write("c4/pci.conf")
        found = read_hosts(self.folder)
        self.assertEqual(["c1"], [each.name for each in found.hosts])
        self.assertEqual(3, len(found.errors))
        for error, name in zip(found.errors, ["c2.conf", "c3.conf", "c4"], strict=True):
            self.assertIn(name, str(error))

    def test_facts_that_cannot_be_used_leave_their_host_out(self):
        for name in ("c1", "c2", "c3", "c4"):
            self.write(f"conf/{name}.conf")
        self.write("facts/c1.json", facts(vf(), name="c1").to_json())
        self.write("facts/c2.json", facts(vf(), name="c1").to_json())
        self.write("facts/c3.json", "{")
        found = read_hosts(self.folder / "conf", facts_folder=self.folder / "facts")
        known = {each.name: each.facts is not None for each in found.hosts}
        self.assertEqual({"c1": True, "c4": False}, known)
        self.assertEqual(2, len(found.errors))

    def test_a_folder_that_is_none(self):
        conf = self.write("c1.conf")
        for path in (conf, self.folder / "gone"):
            self.assertRaises(VfioLmError, read_hosts, path)
            self.assertRaises(VfioLmError, read_hosts, self.folder, facts_folder=path)


class TestNamedHosts(FilesTestCase):
    def test_of_two_facts_of_a_host_the_younger_ones_count(self):
        old = facts(vf(), name="c1")
        young = dataclasses.replace(old, taken_at=old.taken_at + datetime.timedelta(1), devices=())
        files = [self.write(f"{n}.json", each.to_json()) for n, each in enumerate((old, young))]
        for order in (files, files[::-1]):
            self.assertEqual((), read_named_hosts({}, order)["c1"].facts.devices)

    def test_the_file_of_another_host_is_refused(self):
        named = self.write("a.conf", "[DEFAULT]\nhost = c1\n" + _PCI)
        self.assertEqual({"c1"}, read_named_hosts({"c1": [named]}, ()).keys())
        error = self.assertRaises(ConfigError, read_named_hosts, {"c2": [named]}, ())
        self.assertIn("this is not the nova.conf of host c2", str(error))


class TestSpecifications(testtools.TestCase):
    def test_a_device_that_may_be_remotely_managed_has_more_than_one(self):
        ids = {"vendor_id": "15b3", "product_id": "101e"}
        remote, plain = ids | {"remote_managed": "true"}, ids | {"live_migratable": "yes"}
        found = host("c1", remote, plain, ids).possible_specs(vf())
        self.assertEqual([True, False], [spec.is_remote_managed for spec in found])


class TestAliases(testtools.TestCase):
    def test_those_that_hosts_do_not_agree_on_are_left_out(self):
        other = ALIAS_YES | {"name": "other"}
        found = common_aliases(
            [
                host("c1", aliases=[ALIAS_YES, other]),
                host("c2", aliases=[ALIAS_YES | {"live_migratable": "no"}]),
                host("c3", aliases=[other]),
            ]
        )
        self.assertEqual({"other"}, found.keys())
