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

"""The lines of nova.conf that declare devices; they are read as nova-compute would read them."""

from __future__ import annotations

import os_traits
import testtools

from tests.unit.preflight.scenario import (
    MARKED,
    SPEC_UNTAGGED,
    SPEC_YES,
    VF,
    conf,
    knowledge,
    pci_provider,
    vf,
)
from vfio_lm.pci import LiveMigratable, parse_device_specs
from vfio_lm.preflight import Host
from vfio_lm.preflight.wording import declaration

_PREFIX = "  device_spec = "


def _specs(remedy):
    """Return what the lines that can be pasted mean."""
    lines = [line for line in remedy.split("\n") if line.startswith(_PREFIX)]
    return parse_device_specs([line.removeprefix(_PREFIX) for line in lines])


class TestDeclare(testtools.TestCase):
    def test_the_lines_of_the_hosts_nova_conf_are_changed_in_place(self):
        other = {"vendor_id": "15b3", "product_id": "101e", "physical_network": "physnet1"}
        told = Host(conf=conf(SPEC_UNTAGGED, SPEC_YES, other))
        remedy = declaration.declare("compute2", told)
        (spec,) = _specs(remedy)
        self.assertIs(LiveMigratable.YES, spec.live_migratable)
        self.assertEqual(("8086", "1515"), (spec.vendor_id, spec.product_id))
        self.assertIn("in place of the device_spec lines", remedy)
        self.assertIn("systemctl restart nova-compute", remedy)

    def test_without_nova_conf_the_resource_classes_tell_the_identifiers(self):
        fast = pci_provider("compute2", 0, MARKED | {"CUSTOM_FAST"})
        remedy = declaration.declare("compute2", Host(), [fast])
        (spec,) = _specs(remedy)
        self.assertEqual(("8086", "1515"), (spec.vendor_id, spec.product_id))
        self.assertEqual("CUSTOM_FAST", spec.tags["traits"])
        self.assertIn("the first that matches a device counts", remedy)

    def test_a_class_with_a_name_of_its_own_tells_none(self):
        named = pci_provider("compute2", 0)
        named = type(named)(**vars(named) | {"inventories": {"CUSTOM_NIC": named.inventories[VF]}})
        remedy = declaration.declare("compute2", Host(), [named], names_trait=True)
        self.assertEqual((), tuple(_specs(remedy)))
        self.assertIn('with "live_migratable": "yes", "traits": "HW_PCI_LIVE_MIGRATABLE"', remedy)

    def test_before_nova_34_the_trait_is_named_too(self):
        providers = [pci_provider("compute2", 0)]
        told = Host()
        (spec,) = _specs(declaration.declare("compute2", told, providers, names_trait=True))
        self.assertEqual(os_traits.HW_PCI_LIVE_MIGRATABLE, spec.tags["traits"])


class TestDeclareOrTell(testtools.TestCase):
    def remedy(self, known):
        return declaration.declare_or_tell("compute2", known, [pci_provider("compute2", 0)])

    def test_the_cheapest_source_that_is_missing_comes_first(self):
        self.assertIn("--nova-conf compute2=FILE", self.remedy(Host()).split("\nor")[0])
        self.assertIn("--host-facts compute2.json", self.remedy(Host(conf=conf(SPEC_YES))))
        self.assertIn("the same tags", self.remedy(knowledge("compute2", vf())))
