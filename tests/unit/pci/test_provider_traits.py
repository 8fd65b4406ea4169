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

"""The traits of PCI providers are those that nova-compute reports."""

import json

import os_traits
import testtools
from hypothesis import example, given
from nova.compute import pci_placement_translator as translator
from nova.compute import provider_tree
from nova.pci import whitelist

from tests.unit import strategies
from tests.unit.nova_rules import configured, on_host, pci_device
from vfio_lm.pci import Device, DeviceKind, NovaRelease, PciAddress, names, parse_device_specs
from vfio_lm.pci.provider_traits import reported_traits

_DEVICE = Device(PciAddress(0, 0x81, 0, 0), "8086", "1520", DeviceKind.PCI)
_NODE = "node1"
_FLAGS = ("live_migratable", "one_time_use", "managed", "physical_network")


def nova_reports(value):
    """Return the traits that nova reports of the device, or None if it reports nothing of it."""
    with configured(report_in_placement=True), on_host():
        specs = whitelist.Whitelist([value])
    found = pci_device(_DEVICE)
    view = translator.PlacementView(_NODE, [])
    view.process_dev(found, specs.specs[0])
    tree = provider_tree.ProviderTree()
    tree.new_root(_NODE, "6b4fee0a-6d3e-4ac9-8d0d-5ac9d2ae9a2d")
    view.update_provider_tree(tree, {})
    return next((frozenset(tree.data(name).traits) for name in view.rps), None)


class TestAgainstNova(testtools.TestCase):
    @given(strategies.USABLE_DEVICE_SPECS)
    @example({"traits": "HW_PCI_LIVE_MIGRATABLE,!big, big", "live_migratable": "no"})
    @example({"live_migratable": "yes", "one_time_use": "yes"})
    def test_nova_reports_the_same_traits(self, fields):
        fields = {k: v for k, v in fields.items() if k in ("traits", *_FLAGS)}
        value = json.dumps(fields)
        (spec,) = parse_device_specs([value], report_in_placement=True)
        try:
            expected = nova_reports(value)
        except AttributeError:
            self.assertRaises(AttributeError, reported_traits, spec, NovaRelease.R2026_2)
            return
        if expected is not None:
            self.assertEqual(expected, reported_traits(spec, NovaRelease.R2026_2))


class TestReleases(testtools.TestCase):
    """Nova 31 to 33 were run with the same input when the rule was written."""

    def releases_with(self, trait, value):
        (spec,) = parse_device_specs([value], report_in_placement=True)
        return {release for release in NovaRelease if trait in reported_traits(spec, release)}

    def test_only_the_newest_release_reports_live_migratable(self):
        value = '{"vendor_id": "8086", "live_migratable": "yes"}'
        found = self.releases_with(os_traits.HW_PCI_LIVE_MIGRATABLE, value)
        self.assertEqual({NovaRelease.R2026_2}, found)

    def test_the_traits_tag_is_reported_by_every_release(self):
        value = '{"vendor_id": "8086", "traits": "HW_PCI_LIVE_MIGRATABLE"}'
        found = self.releases_with(os_traits.HW_PCI_LIVE_MIGRATABLE, value)
        self.assertEqual({*NovaRelease}, found)

    def test_the_first_release_does_not_know_one_time_use(self):
        value = '{"vendor_id": "8086", "one_time_use": "yes"}'
        found = self.releases_with(names.ONE_TIME_USE, value)
        self.assertEqual({*NovaRelease} - {NovaRelease.R2025_1}, found)
