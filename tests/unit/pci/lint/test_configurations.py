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

"""Configurations are understood as far as possible, and corrected one object at a time."""

import json

import testtools

from tests.unit.pci.lint.services import SPEC, VF, conf, corrected
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, PCI_IN_PLACEMENT
from vfio_lm.pci.lint.configurations import boolean, edited, view_cloud


def view(*pairs):
    (service,) = view_cloud([conf(*pairs)], None).services
    return service


class TestEntry(testtools.TestCase):
    def entry(self, value):
        return view((DEVICE_SPEC, value)).specs[-1]

    def test_a_field_is_set_added_or_removed(self):
        changed = corrected(
            self.entry(SPEC).changed(vendor_id="8086", product_id=None, managed="no")
        )
        self.assertEqual({"vendor_id": "8086", "managed": "no"}, json.loads(changed.value))
        self.assertEqual((DEVICE_SPEC, 1), (changed.name, changed.line))

    def test_what_is_null_and_not_changed_stays(self):
        changed = self.entry(SPEC | {"address": None}).changed(a="b")
        self.assertIn('"address": null', corrected(changed).value)

    def test_a_key_is_renamed_where_it_stands(self):
        renamed = self.entry({"vendr_id": "15b3", "product_id": "101e"})
        renamed = corrected(renamed.renamed("vendr_id", "vendor_id"))
        self.assertEqual(json.dumps(SPEC), renamed.value)

    def test_the_other_objects_of_a_list_stay(self):
        entry = self.entry([SPEC, {"vendor_id": "8086"}])
        self.assertEqual(
            [SPEC, {"vendor_id": "10de"}],
            json.loads(corrected(entry.changed(vendor_id="10de")).value),
        )

    def test_changes_of_several_objects_are_one_setting(self):
        view_of_two = view((DEVICE_SPEC, [SPEC, {"vendor_id": "8086"}])).specs
        edits = [each.changed(managed="no") for each in view_of_two]
        edits.append(view_of_two[0].renamed("vendor_id", "v"))
        (first, second) = json.loads(edited(view_of_two[0].setting, edits).value)
        self.assertEqual({"v": "15b3", "product_id": "101e", "managed": "no"}, first)
        self.assertEqual({"vendor_id": "8086", "managed": "no"}, second)


class TestServiceView(testtools.TestCase):
    def test_a_list_holds_specifications_and_no_aliases(self):
        service = view((DEVICE_SPEC, [SPEC, SPEC]), (ALIAS, [VF]))
        self.assertEqual((2, 0), (len(service.specs), len(service.aliases)))
        ((setting, reason),) = service.no_objects
        self.assertEqual((ALIAS, "not a JSON object"), (setting.name, reason))

    def test_what_is_no_json_or_too_deep_has_its_reason(self):
        service = view((ALIAS, "{"), (DEVICE_SPEC, "[" * 100_000))
        reasons = {setting.name: reason for setting, reason in service.no_objects}
        self.assertIn("not valid JSON", reasons[ALIAS])
        self.assertEqual("too deeply nested", reasons[DEVICE_SPEC])

    def test_a_key_that_stands_twice_is_noticed_in_its_object(self):
        twice = '{"vendor_id": "8086", "product_id": "1515", "vendor_id": "10de"}'
        text = f'[{{"vendor_id": "15b3"}}, {twice}]'
        keys = [entry.repeated_keys for entry in view((DEVICE_SPEC, text)).specs]
        self.assertEqual([(), ("vendor_id",)], keys)

    def test_an_unknown_key_does_not_hide_what_an_alias_means(self):
        (entry,) = view((ALIAS, VF | {"colour": "blue"})).aliases
        self.assertEqual("vf", entry.alias.name)

    def test_what_nova_refuses_has_no_name_and_no_meaning(self):
        service = view((ALIAS, VF | {"vendor_id": 1}), (DEVICE_SPEC, SPEC | {"vendor_id": 1}))
        self.assertEqual({}, service.aliases_by_name)
        self.assertIsNone(service.specs[0].spec)

    def test_the_last_flag_counts_and_an_absent_one_is_none(self):
        service = view((PCI_IN_PLACEMENT, "true"), (PCI_IN_PLACEMENT, "off"))
        self.assertIs(False, service.pci_in_placement)
        self.assertIsNone(service.permits_post_copy or service.flag("[libvirt]absent"))


class TestCloudView(testtools.TestCase):
    def test_one_service_that_asks_placement_is_enough(self):
        for words, expected in ((("false", "true"), True), (("false", "perhaps"), False)):
            services = [conf((PCI_IN_PLACEMENT, word)) for word in words]
            self.assertIs(expected, view_cloud(services, None).pci_in_placement)


class TestBoolean(testtools.TestCase):
    def test_words_are_those_of_oslo_config(self):
        for word, expected in (("on", True), ("1", True), ("No", False), ("perhaps", None)):
            self.assertIs(expected, boolean(word), word)
