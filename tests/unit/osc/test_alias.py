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

"""``openstack vfio alias …`` says what nova.conf means, and prints what nova accepts."""

import io
import json
import os
import pathlib
import tempfile
from unittest import mock

import testtools
from nova.pci import request, whitelist
from osc_lib import exceptions

from osc_vfio_lm import alias as commands
from tests import corpus
from tests.unit.nova_rules import configured, on_host
from vfio_lm.pci import NovaRelease
from vfio_lm.pci.alias import DEVICE_TYPES, NUMA_POLICIES
from vfio_lm.pci.conf_text import read_conf_text

_VF = (
    '{"name": "vf", "vendor_id": "15b3", "product_id": "101e", "device_type": "type-VF", '
    '"live_migratable": "yes", "traits": "HW_PCI_LIVE_MIGRATABLE,blue"}'
)


class CommandTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        environment = mock.patch.dict(os.environ)
        environment.start()
        self.addCleanup(environment.stop)
        os.environ.pop("OS_VFIO_NOVA_CONF", None)

    def write(self, text, name="nova.conf"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run_command(self, command_class, *arguments):
        """Return exit status and output."""
        app = mock.Mock(stdout=io.StringIO())
        command = command_class(app, None)
        self.assertFalse(command.auth_required)
        status = command.run(command.get_parser("openstack").parse_args(arguments))
        return status, app.stdout.getvalue()

    def json(self, command_class, *arguments):
        status, output = self.run_command(command_class, "-f", "json", *arguments)
        return status, json.loads(output)

    def refusal(self, command_class, *arguments):
        return str(
            self.assertRaises(exceptions.CommandError, self.run_command, command_class, *arguments)
        )


class TestListAlias(CommandTestCase):
    def test_an_alias_with_its_meaning(self):
        path = self.write(f"[pci]\nalias = {_VF}\n")
        status, rows = self.json(commands.ListAlias, "--nova-conf", path)
        self.assertEqual(0, status)
        self.assertEqual(
            [
                {
                    "Name": "vf",
                    "Device Type": "type-VF",
                    "Resource Class or IDs": "15b3:101e",
                    "Live Migratable": "yes",
                    "Required Traits": ["CUSTOM_BLUE", "HW_PCI_LIVE_MIGRATABLE"],
                    "Host Traits": {"HW_PCI_LIVE_MIGRATABLE": "required"},
                }
            ],
            rows,
        )

    def test_a_resource_class_is_shown_as_nova_names_it(self):
        path = self.write(
            '[pci]\nalias = {"name": "nic", "resource_class": "fast nic"}\n'
            "[filter_scheduler]\npci_in_placement = true\n"
        )
        _, (row,) = self.json(commands.ListAlias, "--nova-conf", path)
        self.assertEqual("CUSTOM_FAST_NIC", row["Resource Class or IDs"])
        self.assertEqual("unspecified", row["Live Migratable"])
        self.assertNotIn("NUMA Policy", row)

    def test_the_environment_names_the_file(self):
        os.environ["OS_VFIO_NOVA_CONF"] = self.write(f"[pci]\nalias = {_VF}\n")
        _, (row,) = self.json(commands.ListAlias)
        self.assertEqual("vf", row["Name"])

    def test_without_a_file_the_way_out_is_named(self):
        with mock.patch("os.access", return_value=False):
            self.assertIn("--nova-conf or OS_VFIO_NOVA_CONF", self.refusal(commands.ListAlias))

    def test_what_nova_refuses_is_one_sentence(self):
        path = self.write('[pci]\nalias = {"name": "vf", "dev_type": "x"}\n')
        said = self.refusal(commands.ListAlias, "--nova-conf", path)
        self.assertTrue(said.startswith(f"{path}: [pci]alias: "), said)


class TestShowAlias(CommandTestCase):
    def test_all_kinds_of_device_of_an_alias(self):
        path = self.write(f"[pci]\nalias = {_VF}\nalias = {_VF.replace('101e', '101d')}\n")
        _, shown = self.json(commands.ShowAlias, "vf", "--nova-conf", path)
        self.assertEqual(["101e", "101d"], [each["product_id"] for each in shown["devices"]])
        self.assertEqual([f"{path}:2", f"{path}:3"], shown["defined_in"])
        self.assertEqual("yes", shown["live_migratable"])

    def test_an_unknown_alias_is_answered_with_the_known_ones(self):
        path = self.write(f"[pci]\nalias = {_VF}\n")
        said = self.refusal(commands.ShowAlias, "gpu", "--nova-conf", path)
        self.assertEqual(f"No alias gpu in {path}; defined there: vf", said)


class TestValidateAlias(CommandTestCase):
    def test_a_mistake_with_its_place_and_correction(self):
        path = self.write(f"[pci]\nalias = {_VF.replace('device_type', 'dev_type')}\n")
        status, (row,) = self.json(commands.ValidateAlias, "--nova-conf", f"api={path}")
        self.assertEqual(2, status)
        self.assertEqual(
            ("error", "api", 2, "alias-unknown-key", f"alias = {_VF}"),
            tuple(row[key] for key in ("Severity", "Source", "Line", "Rule", "Corrected")),
        )

    def test_good_files_are_clean(self):
        arguments = []
        for path in sorted((corpus.FOLDER / "cloud-good").glob("*.conf")):
            arguments += ["--nova-conf", f"{path.stem}={path}"]
        status, rows = self.json(commands.ValidateAlias, *arguments)
        self.assertEqual(0, status)
        self.assertEqual({"hypervisor-versions"}, {row["Rule"] for row in rows})

    def test_a_file_without_label_is_its_own_label(self):
        path = self.write("[pci]\nreport_in_placement = perhaps\n", "a=b.conf")
        _, (row,) = self.json(commands.ValidateAlias, "--nova-conf", path)
        self.assertEqual(path, row["Source"])

    def test_files_of_one_label_are_one_configuration(self):
        first = self.write("[pci]\nalias = " + '{"name": "nic", "resource_class": "x"}\n', "1.conf")
        second = self.write("[filter_scheduler]\npci_in_placement = true\n", "2.conf")
        arguments = ("--nova-conf", f"api={first}", "--nova-conf", f"api={second}")
        self.assertEqual((0, []), self.json(commands.ValidateAlias, *arguments))

    def test_the_release_matters(self):
        path = str(corpus.FOLDER / "spec-missing-trait.conf")
        rules = {}
        for release in ("2026.1", "2026.2"):
            _, rows = self.json(
                commands.ValidateAlias, "--nova-conf", path, "--nova-release", release
            )
            rules[release] = {row["Rule"] for row in rows}
        self.assertEqual({"spec-missing-trait"}, rules["2026.1"] - rules["2026.2"])

    def test_a_missing_file_is_a_finding(self):
        status, (row,) = self.json(commands.ValidateAlias, "--nova-conf", "/absent/nova.conf")
        self.assertEqual((2, None), (status, row["Line"]))
        self.assertIn("No such file", row["Why"])

    def test_fix_prints_sections_and_leaves_the_file_alone(self):
        text = (
            "[database]\nconnection = secret\n"
            f"[DEFAULT]\npci_alias = {_VF.replace('yes', 'maybe')}\n"
            "[pci]\ndev_spec = {'vendor_id': '15b3', 'live_migratable': 'yes'}\n"
            "[libvirt]\nlive_migration_permit_post_copy = true\n"
        )
        path = self.write(text)
        status, output = self.run_command(commands.ValidateAlias, "--fix", "--nova-conf", path)
        self.assertEqual(2, status)
        self.assertEqual(text, pathlib.Path(path).read_text())
        self.assertIn('device_spec = {"vendor_id": "15b3", "live_migratable": "yes"}', output)
        self.assertIn("live_migration_permit_post_copy = false", output)
        self.assertIn("# replaces line 4: [DEFAULT]pci_alias", output)
        self.assertNotIn("secret", output)


class TestCreateAlias(CommandTestCase):
    def create(self, *arguments):
        status, output = self.run_command(commands.CreateAlias, *arguments)
        self.assertFalse(status)
        text = read_conf_text([self.write(output)])
        self.assertEqual((), text.problems)
        values = {
            option: [setting.value for setting in text.of(f"[pci]{option}")]
            for option in ("alias", "device_spec")
        }
        in_placement = text.last("[filter_scheduler]pci_in_placement") is not None
        with (
            configured(aliases=values["alias"], pci_in_placement=in_placement),
            on_host(),
        ):
            request.get_alias_from_config()
            whitelist.Whitelist(values["device_spec"])
        return output, [json.loads(value) for value in values["alias"] + values["device_spec"]]

    def test_nova_accepts_every_combination(self):
        for release in commands._RELEASES:
            for flag in ("yes", "no"):
                for which in (
                    ["--vendor-id", "15B3", "--product-id", "101e"],
                    ["--resource-class", "fast nic"],
                    ["--vendor-id", "15b3", "--product-id", "101e", "--resource-class", "PGPU"],
                ):
                    for more in ([], ["--numa-policy", "required", "--trait", "blue"]):
                        self.create(
                            *("vf", "--device-type", "type-VF", "--live-migratable", flag),
                            *("--nova-release", release, *which, *more),
                        )

    def test_the_newest_release_needs_no_trait_in_the_device_spec(self):
        arguments = ["vf", "--device-type", "type-VF", "--live-migratable", "yes"]
        arguments += ["--vendor-id", "15B3", "--product-id", "101E"]
        _, (alias, spec) = self.create(*arguments)
        self.assertEqual(
            {"vendor_id": "15b3", "product_id": "101e", "live_migratable": "yes"}, spec
        )
        self.assertEqual("HW_PCI_LIVE_MIGRATABLE", alias["traits"])
        _, (_, spec) = self.create(*arguments, "--nova-release", "2026.1", "--trait", "blue")
        self.assertEqual("HW_PCI_LIVE_MIGRATABLE,CUSTOM_BLUE", spec["traits"])

    def test_devices_that_cannot_live_migrate_get_no_such_trait(self):
        _, (alias, spec) = self.create(
            *("vf", "--device-type", "type-PF", "--live-migratable", "no"),
            *("--vendor-id", "15b3", "--product-id", "101e", "--nova-release", "2025.1"),
        )
        self.assertEqual(("no", "no"), (alias["live_migratable"], spec["live_migratable"]))
        self.assertNotIn("traits", alias.keys() | spec.keys())

    def test_it_is_said_where_the_lines_belong(self):
        output, _ = self.create(
            *("nic", "--device-type", "type-VF", "--live-migratable", "yes"),
            *("--resource-class", "fast nic"),
        )
        self.assertIn("# nova.conf of nova-api, nova-scheduler, nova-conductor and every", output)
        self.assertIn("pci_in_placement = true", output)
        self.assertIn('"resource_class": "CUSTOM_FAST_NIC"', output)

    def test_half_of_the_identifiers_is_refused(self):
        said = self.refusal(
            commands.CreateAlias,
            *("vf", "--device-type", "type-VF", "--live-migratable", "yes", "--vendor-id", "15b3"),
        )
        self.assertIn("Say which devices", said)

    def test_a_wrong_identifier_is_refused(self):
        said = self.refusal(
            commands.CreateAlias,
            *("vf", "--device-type", "type-VF", "--live-migratable", "yes"),
            *("--vendor-id", "15b", "--product-id", "101e"),
        )
        self.assertIn("vendor_id: '15b' does not match", said)


class TestChoices(testtools.TestCase):
    def test_the_words_of_the_options_are_those_of_the_library(self):
        self.assertEqual(tuple(each.value for each in NovaRelease), commands._RELEASES)
        self.assertEqual(DEVICE_TYPES, commands._DEVICE_TYPES)
        self.assertEqual(NUMA_POLICIES, commands._NUMA_POLICIES)
