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

"""The PCI providers of a host are those that nova-compute would report."""

import json

import os_traits
import testtools
from hypothesis import example, given
from hypothesis import strategies as st
from nova.compute import pci_placement_translator as translator
from nova.compute import provider_tree
from nova.pci import whitelist

from tests.unit import strategies
from tests.unit.nova_rules import configured, on_host, pci_device
from vfio_lm.pci import Device, DeviceKind, NovaRelease, PciAddress, parse_device_specs
from vfio_lm.pci.provider_traits import placement_view

_PF = PciAddress(0, 0x81, 0, 0)
_NODE = "node1"


def nova_view(values, devices):
    """Return nova's providers by address, or None if nova-compute would not start."""
    with configured(report_in_placement=True), on_host(devices):
        specs = whitelist.Whitelist(values)
        view = translator.PlacementView(_NODE, [])
        tree = provider_tree.ProviderTree()
        tree.new_root(_NODE, "6b4fee0a-6d3e-4ac9-8d0d-5ac9d2ae9a2d")
        try:
            translator.ensure_no_dev_spec_with_devname(specs.specs)
            for device in devices:
                found = pci_device(device)
                spec = specs.get_devspec(found)
                if spec:
                    view.process_dev(found, spec)
            view.update_provider_tree(tree, {})
        except Exception:  # noqa: BLE001 - nova-compute stops with any of them
            return None
    providers = {}
    for name in view.rps:
        data = tree.data(name)
        ((resource_class, inventory),) = data.inventory.items()
        providers[name.removeprefix(f"{_NODE}_").lower()] = (
            resource_class,
            inventory["total"],
            frozenset(data.traits),
        )
    return providers


def vfs(count):
    return [
        Device(PciAddress(0, 0x81, 0, 1 + n), "8086", "1515", DeviceKind.VF, _PF)
        for n in range(count)
    ]


class TestAgainstNova(testtools.TestCase):
    @given(st.lists(strategies.USABLE_DEVICE_SPECS, max_size=3), strategies.HOSTS)
    @example([{"product_id": "1515"}], vfs(3))
    def test_nova_reports_the_same_providers(self, fields, devices):
        values = [json.dumps(each) for each in fields]
        remote = any(each.get("remote_managed") == "true" for each in fields)
        if remote and any(each.get("address") == "0000:0a:00.0" for each in fields):
            return  # a remotely managed PF: depends on what sysfs says of it
        expected = nova_view(values, devices)
        view = placement_view(devices, parse_device_specs(values, report_in_placement=True))
        if expected is None:
            self.assertNotEqual((), view.conflicts)
            return
        self.assertEqual((), view.conflicts)
        self.assertEqual(
            expected,
            {
                str(provider.address): (provider.resource_class, provider.total, provider.traits)
                for provider in view.providers.values()
            },
        )

    def test_a_devname_is_refused(self):
        values = ['{"devname": "eth0"}']
        self.assertIsNone(nova_view(values, []))
        view = placement_view([], parse_device_specs(values))
        self.assertIn("devname 'eth0'", view.conflicts[0])


class TestConflicts(testtools.TestCase):
    """What an operator reads when nova-compute would refuse to start."""

    def conflicts(self, values, devices):
        self.assertIsNone(nova_view(values, devices))
        specs = parse_device_specs(values, report_in_placement=True)
        return " ".join(placement_view(devices, specs).conflicts)

    def test_vfs_of_one_pf_must_agree_on_live_migratable(self):
        values = ['{"address": "0000:81:00.1", "live_migratable": "yes"}', '{"product_id": "1515"}']
        self.assertIn("differ in HW_PCI_LIVE_MIGRATABLE", self.conflicts(values, vfs(2)))

    def test_vfs_of_one_pf_must_agree_on_the_resource_class(self):
        values = ['{"address": "0000:81:00.1", "resource_class": "a"}', '{"product_id": "1515"}']
        self.assertIn("CUSTOM_PCI_8086_1515 and CUSTOM_A", self.conflicts(values, vfs(2)))

    def test_a_pf_and_its_vfs_exclude_each_other(self):
        pf = Device(_PF, "8086", "1520", DeviceKind.PF)
        self.assertIn("not both", self.conflicts(['{"vendor_id": "8086"}'], [pf, *vfs(1)]))

    def test_one_time_use_is_not_for_vfs(self):
        self.assertIn("one_time_use", self.conflicts(['{"one_time_use": "no"}'], vfs(1)))


class TestReleases(testtools.TestCase):
    """Nova 31 to 33 were run with the same input when the rule was written."""

    def traits(self, release, value):
        specs = parse_device_specs([value], report_in_placement=True)
        pci = Device(_PF, "8086", "1520", DeviceKind.PCI)
        return placement_view([pci], specs, release=release).providers[_PF].traits

    def test_only_the_newest_release_reports_live_migratable(self):
        value = '{"vendor_id": "8086", "live_migratable": "yes"}'
        with_trait = {
            release
            for release in NovaRelease
            if os_traits.HW_PCI_LIVE_MIGRATABLE in self.traits(release, value)
        }
        self.assertEqual({NovaRelease.R2026_2}, with_trait)

    def test_the_traits_tag_is_reported_by_every_release(self):
        value = '{"vendor_id": "8086", "traits": "HW_PCI_LIVE_MIGRATABLE"}'
        for release in NovaRelease:
            self.assertIn(os_traits.HW_PCI_LIVE_MIGRATABLE, self.traits(release, value))

    def test_the_first_release_does_not_know_one_time_use(self):
        value = '{"vendor_id": "8086", "one_time_use": "yes"}'
        with_trait = {
            release
            for release in NovaRelease
            if os_traits.HW_PCI_ONE_TIME_USE in self.traits(release, value)
        }
        self.assertEqual({*NovaRelease} - {NovaRelease.R2025_1}, with_trait)
