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

"""``openstack vfio alias validate`` names mistakes with their place, and prints corrections."""

import pathlib

from osc_vfio_lm.alias import ValidateAlias
from tests import corpus
from tests.unit.osc.alias.case import VF, CommandTestCase


class TestValidateAlias(CommandTestCase):
    def test_a_mistake_with_its_place_and_correction(self):
        path = self.write(f"[pci]\nalias = {VF.replace('device_type', 'dev_type')}\n")
        status, (row,) = self.json(ValidateAlias, "--nova-conf", f"api={path}")
        self.assertEqual(2, status)
        self.assertEqual(
            ("error", "api", 2, "alias-unknown-key", f"alias = {VF}"),
            tuple(row[key] for key in ("Severity", "Source", "Line", "Rule", "Corrected")),
        )

    def test_good_files_are_clean(self):
        arguments = []
        for path in sorted((corpus.FOLDER / "cloud-good").glob("*.conf")):
            arguments += ["--nova-conf", f"{path.stem}={path}"]
        status, rows = self.json(ValidateAlias, *arguments)
        self.assertEqual(0, status)
        self.assertEqual({"hypervisor-versions"}, {row["Rule"] for row in rows})

    def test_a_file_without_a_hostname_is_that_of_nova_api(self):
        path = self.write("[pci]\nreport_in_placement = perhaps\n", "a=b.conf")
        _, (row,) = self.json(ValidateAlias, "--nova-conf", path)
        self.assertEqual(("nova-api", path, 2), (row["Source"], row["File"], row["Line"]))

    def test_files_of_one_label_are_one_configuration(self):
        first = self.write("[pci]\nalias = " + '{"name": "nic", "resource_class": "x"}\n', "1.conf")
        second = self.write("[filter_scheduler]\npci_in_placement = true\n", "2.conf")
        arguments = ("--nova-conf", f"api={first}", "--nova-conf", f"api={second}")
        self.assertEqual((0, []), self.json(ValidateAlias, *arguments))

    def test_the_release_matters(self):
        path = str(corpus.FOLDER / "spec-missing-trait.conf")
        rules = {}
        for release in ("2026.1", "2026.2"):
            _, rows = self.json(ValidateAlias, "--nova-conf", path, "--nova-release", release)
            rules[release] = {row["Rule"] for row in rows}
        self.assertEqual({"spec-missing-trait"}, rules["2026.1"] - rules["2026.2"])

    def test_the_wrong_file_is_one_sentence(self):
        not_conf = self.write("root:x:0:0::/root:/bin/sh\nbin:x:1:1::/bin:/bin/sh\n")
        for path, words in (
            ("/absent/nova.conf", "cannot be read: No such file"),
            (not_conf, "not a configuration file: line 1"),
            (str(self.folder / "sub"), "no file that ends in .conf"),
        ):
            (self.folder / "sub").mkdir(exist_ok=True)
            said = self.refusal(ValidateAlias, "--nova-conf", path)
            self.assertIn(words, said)
            self.assertNotIn("\n", said)

    def test_a_folder_of_hosts_is_a_configuration_for_each(self):
        api = self.write(f"[pci]\nalias = {VF}\n", "api.conf")
        hosts = self.folder / "hosts"
        (hosts / "compute2").mkdir(parents=True)
        other = VF.replace("101e", "101d")
        (hosts / "compute1.conf").write_text(f"[pci]\nalias = {VF}\n")
        (hosts / "compute2" / "a.conf").write_text(f"[pci]\nalias = {other}\n")
        status, rows = self.json(ValidateAlias, "--nova-conf", api, "--nova-conf-dir", str(hosts))
        self.assertEqual({"compute2"}, {row["Source"] for row in rows}, rows)
        self.assertEqual(2, status)

    def test_nothing_found_says_what_was_looked_at(self):
        path = self.write(f"[pci]\nalias = {VF}\n")
        self.assertEqual((0, ""), self.run_command(ValidateAlias, "--nova-conf", path))
        self.assertEqual(
            f"no mistake in 1 [pci]alias and 0 [pci]device_spec lines of {path}\n", self.said
        )
        path = self.write("[DEFAULT]\ndebug = true\n")
        for more in ((), ("--fix",)):
            self.assertEqual((0, ""), self.run_command(ValidateAlias, "--nova-conf", path, *more))
            self.assertEqual(
                f"neither [pci]alias nor [pci]device_spec is set in {path}\n", self.said
            )

    def test_fix_prints_lines_and_no_json(self):
        path = self.write(f"[pci]\nalias = {VF}\n")
        said = self.refusal(ValidateAlias, "--fix", "-f", "json", "--nova-conf", path)
        self.assertIn("--format", said)

    def test_fix_prints_sections_and_leaves_the_file_alone(self):
        text = (
            "[database]\nconnection = secret\n"
            f"[DEFAULT]\npci_alias = {VF}\npci_alias = {VF.replace('yes', 'maybe')}\n"
            "[pci]\ndev_spec = {'vendor_id': '15b3', 'live_migratable': 'yes'}\n"
            "[libvirt]\nlive_migration_permit_post_copy = true\n"
        )
        path = self.write(text)
        status, output = self.run_command(ValidateAlias, "--fix", "--nova-conf", path)
        self.assertEqual(2, status)
        self.assertEqual(text, pathlib.Path(path).read_text())
        self.assertIn('device_spec = {"vendor_id": "15b3", "live_migratable": "yes"}', output)
        self.assertIn("live_migration_permit_post_copy = false", output)
        self.assertIn("# replaces line 4: [DEFAULT]pci_alias", output)
        self.assertIn(f"# nova-api: not mended: {path}:5", output)
        self.assertNotIn("# replaces line 5", output)
        self.assertNotIn("secret", output)
