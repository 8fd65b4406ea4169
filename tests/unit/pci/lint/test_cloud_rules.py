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

"""What does not fit together: aliases and devices, and who reports to placement or asks it."""

import json

import testtools

from tests.unit.pci.lint.services import SPEC, VF, YES, RuleCase, conf
from tests.unit.pci.lint.test_linter import service
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, PCI_IN_PLACEMENT, REPORT_IN_PLACEMENT
from vfio_lm.pci.lint import cloud_rules
from vfio_lm.pci.lint.linter import lint

ON, OFF = (PCI_IN_PLACEMENT, "true"), (PCI_IN_PLACEMENT, "false")

_ALIAS = {"name": "cx6vf", "vendor_id": "15b3", "product_id": "101e", "device_type": "type-VF"}
_PF = {"vendor_id": "15b3", "product_id": "101d"}


class TestAliasesWithoutDevice(RuleCase):
    def found(self, alias, *specs, placement=OFF):
        """Return the option of each finding, and what should stand there."""
        api = conf(placement, (ALIAS, alias))
        host = conf(*((DEVICE_SPEC, spec) for spec in specs), label="compute1")
        rule = cloud_rules.aliases_without_device
        options = [hit.setting.option for hit in self.hits(rule, api, host)]
        return [*zip(options, self.corrections(rule, api, host), strict=True)]

    def test_devices_that_say_less_are_declared_as_the_alias_asks(self):
        for word in ("yes", "no"):
            wanted = {"live_migratable": word}
            self.assertEqual([(DEVICE_SPEC, SPEC | wanted)], self.found(VF | wanted, SPEC))
            self.assertEqual([], self.found(VF | wanted, SPEC | wanted))

    def test_one_declared_host_is_enough(self):
        self.assertEqual([], self.found(VF | YES, SPEC, SPEC | YES))

    def test_an_alias_that_asks_for_nothing_takes_any_word(self):
        self.assertEqual([], self.found(VF, SPEC))
        self.assertEqual([], self.found(VF, SPEC | YES))

    def test_another_product_and_devices_for_others_are_no_devices_for_it(self):
        for change in (
            {"product_id": "1019"},
            {"remote_managed": "true"},
            {"physical_network": "physnet1"},
        ):
            self.assertEqual([(ALIAS, None)], self.found(VF | YES, SPEC | YES | change))

    def test_upper_case_is_the_same_device(self):
        self.assertEqual([], self.found(VF | YES | {"vendor_id": "15B3"}, SPEC | YES))

    def test_the_resource_class_decides_in_placement_only(self):
        spec = SPEC | YES | {"resource_class": "nic"}
        self.assertEqual([(ALIAS, None)], self.found(VF | YES, spec, placement=ON))
        self.assertEqual([], self.found(VF | YES, spec))
        fitting = VF | YES | {"resource_class": "CUSTOM_NIC"}
        self.assertEqual([], self.found(fitting, spec, placement=ON))

    def test_a_class_that_follows_from_an_unknown_device_may_fit(self):
        whole = {"vendor_id": "15b3"} | YES
        self.assertEqual([], self.found(VF | YES, whole, placement=ON))
        other = VF | YES | {"resource_class": "CUSTOM_NIC"}
        self.assertEqual([(ALIAS, None)], self.found(other, whole, placement=ON))


class TestUnmet(testtools.TestCase):
    def unmet(self, *specs, **alias):
        found = lint([service([json.dumps(_ALIAS | alias)], [json.dumps(each) for each in specs])])
        return [each.why for each in found if each.rule == "alias-without-device"]

    def test_the_pfs_id_means_no_vf_with_or_without_live_migratable(self):
        for asked in ({}, {"live_migratable": "yes"}):
            (why,) = self.unmet(_PF | asked, **asked)
            self.assertIn("'cx6vf' asks for 15b3:101e", why)
            self.assertIn("means 15b3:101d (nova.conf:2)", why)
            self.assertIn("the IDs that sysfs shows for the VF itself, not those of its PF", why)

    def test_a_spec_without_ids_may_mean_it(self):
        for spec in ({"address": "0000:81:00.*"}, {"vendor_id": "15b3"}, {"vendor_id": "*"}):
            self.assertEqual([], self.unmet(spec))

    def test_devices_for_neutron_are_for_no_alias(self):
        (why,) = self.unmet({"vendor_id": "15b3", "product_id": "101e", "physical_network": "p"})
        self.assertIn("devices with physical_network, which are for ports", why)

    def test_a_spec_that_nova_refuses_may_mean_it_once_it_is_mended(self):
        self.assertEqual([], self.unmet(_PF, {"vendor_id": "15b3", "product_id": 101}))

    def test_without_any_spec_nothing_is_known(self):
        self.assertEqual([], self.unmet())

    def test_many_specs_are_counted_not_listed(self):
        specs = [_PF | {"product_id": f"20{n:02d}"} for n in range(50)]
        (why,) = self.unmet(*specs)
        self.assertIn("and 46 more", why)


class TestPlacement(RuleCase):
    def test_a_host_with_devices_for_aliases_has_to_report_them(self):
        rule, reports = cloud_rules.unreported_devices, (REPORT_IN_PLACEMENT, "true")
        for pairs in (((DEVICE_SPEC, SPEC),), ((DEVICE_SPEC, SPEC), (REPORT_IN_PLACEMENT, "no"))):
            self.assertEqual([reports], self.settings(rule, conf(ON), conf(*pairs)))
            self.assertEqual([], self.hits(rule, conf(OFF), conf(*pairs)))
        self.assertEqual([], self.hits(rule, conf(ON), conf((DEVICE_SPEC, SPEC), reports)))

    def test_ports_of_neutron_need_no_report(self):
        neutron = conf((DEVICE_SPEC, SPEC | {"physical_network": "physnet1"}))
        self.assertEqual([], self.hits(cloud_rules.unreported_devices, conf(ON), neutron))

    def test_a_report_is_unused_if_a_service_says_so_and_none_asks(self):
        rule, host = cloud_rules.unused_reports, conf((REPORT_IN_PLACEMENT, "true"), label="c1")
        self.assertEqual(["c1"], self.labels(rule, conf(OFF), host))
        self.assertEqual([], self.labels(rule, host))
        self.assertEqual([], self.labels(rule, conf(OFF), conf(ON), host))

    def test_all_services_ask_placement_if_one_does(self):
        rule = cloud_rules.differing_placement
        self.assertEqual([ON], self.settings(rule, conf(ON), conf(OFF)))
        self.assertEqual([], self.hits(rule, conf(ON), conf()))
        self.assertEqual([], self.hits(rule, conf(OFF), conf()))
