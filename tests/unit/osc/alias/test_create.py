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

"""``openstack vfio alias create`` prints what nova accepts."""

import json

from nova.pci import request, whitelist

from osc_vfio_lm.alias import CreateAlias
from osc_vfio_lm.alias.choices import RELEASES
from tests.unit.nova_rules import configured, on_host
from tests.unit.osc.alias.case import VF, CommandTestCase
from vfio_lm.pci.conf_text import read_conf_text


class TestCreateAlias(CommandTestCase):
    def create(self, *arguments):
        status, output = self.run_command(CreateAlias, *arguments)
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
        for release in RELEASES:
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

    def test_a_name_that_validate_refuses_is_refused(self):
        for name in ("a:b", "a,b", " a"):
            said = self.refusal(
                CreateAlias,
                *(name, "--device-type", "type-VF", "--live-migratable", "yes"),
                *("--vendor-id", "15b3", "--product-id", "101e"),
            )
            self.assertIn("no flavor can ask for an alias of this name", said)

    def test_a_name_that_is_taken_is_refused(self):
        path = self.write(f"[pci]\nalias = {VF}\n")
        arguments = ("--device-type", "type-VF", "--live-migratable", "yes")
        arguments += ("--vendor-id", "15b3", "--product-id", "101e", "--nova-conf", path)
        self.assertEqual(
            f"alias 'vf' is defined already ({path}:2): choose another name, or change it there",
            self.refusal(CreateAlias, "vf", *arguments),
        )
        status, _ = self.run_command(CreateAlias, "other", *arguments)
        self.assertEqual(0, status)

    def test_half_of_the_identifiers_is_refused(self):
        said = self.refusal(
            CreateAlias,
            *("vf", "--device-type", "type-VF", "--live-migratable", "yes", "--vendor-id", "15b3"),
        )
        self.assertIn("Say which devices", said)

    def test_a_wrong_identifier_is_refused(self):
        said = self.refusal(
            CreateAlias,
            *("vf", "--device-type", "type-VF", "--live-migratable", "yes"),
            *("--vendor-id", "15b", "--product-id", "101e"),
        )
        self.assertIn("vendor_id: '15b' does not match", said)
