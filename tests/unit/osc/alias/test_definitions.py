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

"""``openstack vfio alias list|show`` says what nova.conf means."""

import os
from unittest import mock

from osc_vfio_lm.alias import ListAlias, ShowAlias
from tests.unit.osc.alias.case import VF, CommandTestCase


class TestListAlias(CommandTestCase):
    def test_an_alias_with_its_meaning(self):
        path = self.write(f"[pci]\nalias = {VF}\n")
        status, rows = self.json(ListAlias, "--nova-conf", path)
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
        _, (row,) = self.json(ListAlias, "--nova-conf", path)
        self.assertEqual("CUSTOM_FAST_NIC", row["Resource Class or IDs"])
        self.assertEqual("unspecified", row["Live Migratable"])
        self.assertNotIn("NUMA Policy", row)

    def test_the_environment_names_the_file(self):
        os.environ["OS_VFIO_NOVA_CONF"] = self.write(f"[pci]\nalias = {VF}\n")
        _, (row,) = self.json(ListAlias)
        self.assertEqual("vf", row["Name"])

    def test_without_a_file_the_way_out_is_named(self):
        with mock.patch("os.access", return_value=False):
            self.assertIn("--nova-conf or OS_VFIO_NOVA_CONF", self.refusal(ListAlias))

    def test_what_nova_refuses_is_one_sentence(self):
        path = self.write('[pci]\nalias = {"name": "vf", "dev_type": "x"}\n')
        said = self.refusal(ListAlias, "--nova-conf", path)
        self.assertTrue(said.startswith(f"{path}:2: [pci]alias: "), said)

    def test_a_file_without_an_alias_is_told_by_name(self):
        path = self.write("[DEFAULT]\ndebug = true\n")
        self.assertEqual((0, []), self.json(ListAlias, "--nova-conf", path))
        self.assertEqual(f"no [pci]alias is set in {path}\n", self.said)
        self.assertEqual((0, ""), self.run_command(ListAlias, "--nova-conf", path))

    def test_the_file_of_a_host_is_refused(self):
        said = self.refusal(ListAlias, "--nova-conf", "compute1=/c1.conf")
        self.assertIn("only that of nova-api counts here", said)

    def test_a_folder_without_a_conf_file_is_no_configuration(self):
        said = self.refusal(ListAlias, "--nova-conf", str(self.folder))
        self.assertIn("no file that ends in .conf", said)


class TestShowAlias(CommandTestCase):
    def test_all_kinds_of_device_of_an_alias(self):
        path = self.write(f"[pci]\nalias = {VF}\nalias = {VF.replace('101e', '101d')}\n")
        _, shown = self.json(ShowAlias, "vf", "--nova-conf", path)
        self.assertEqual(["101e", "101d"], [each["product_id"] for each in shown["devices"]])
        self.assertEqual([f"{path}:2", f"{path}:3"], shown["defined_in"])
        self.assertEqual("yes", shown["live_migratable"])

    def test_an_unknown_alias_is_answered_with_the_known_ones(self):
        path = self.write(f"[pci]\nalias = {VF}\n")
        said = self.refusal(ShowAlias, "gpu", "--nova-conf", path)
        self.assertEqual(f"no alias in {path} is named 'gpu'; known: vf", said)
