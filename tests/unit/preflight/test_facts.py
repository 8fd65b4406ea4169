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

"""What follows from the facts of a server."""

from __future__ import annotations

import testtools

from tests.unit.preflight.scenario import (
    SILENT,
    VF,
    destination,
    facts,
    knowledge,
    pci_provider,
    vf,
)
from vfio_lm.cloud.model import Marking, Network, Port


class TestFacts(testtools.TestCase):
    def test_placement_is_asked_for_devices_that_it_knows(self):
        self.assertTrue(facts(pci_in_placement=None).devices_in_placement)
        self.assertFalse(facts(pci_in_placement=False).devices_in_placement)
        self.assertFalse(facts(source={"devices": ()}).devices_in_placement)

    def test_the_scheduler_ignores_placement_as_its_nova_conf_says(self):
        self.assertTrue(facts(pci_in_placement=False).scheduler_ignores_placement)
        self.assertFalse(facts(pci_in_placement=True).scheduler_ignores_placement)

    def test_in_a_cloud_that_reports_no_device_it_must_ignore_placement(self):
        unsaid = {"pci_in_placement": None, "pci_provider_count": 0}
        self.assertTrue(facts(**unsaid).scheduler_ignores_placement)
        # without any nova.conf it may be on, and find no host for any alias
        self.assertFalse(facts(aliases=None, **unsaid).scheduler_ignores_placement)
        self.assertFalse(facts(pci_in_placement=None).scheduler_ignores_placement)

    def test_a_neutron_that_does_not_answer_makes_no_port(self):
        self.assertEqual((), facts(network=Network(ports=None)).ports)

    def test_a_port_is_a_device_as_well(self):
        port = Network(ports=(Port("p1", "direct"),))
        self.assertTrue(facts(alias_requests=(), network=port).holds_devices)
        self.assertTrue(facts().holds_devices)
        self.assertFalse(facts(alias_requests=()).holds_devices)

    def test_facts_are_equal_to_themselves_alone(self):
        one, two = facts(), facts()
        self.assertEqual(2, len({one, two}))
        self.assertNotEqual(one, two)


class TestDestination(testtools.TestCase):
    def test_its_devices_are_in_the_order_of_their_addresses(self):
        providers = [pci_provider("compute2", number) for number in (2, 0)]
        found = destination(providers=providers).devices
        self.assertEqual(
            ["0000:81:00.0", "0000:81:02.0"], [each.provider.pci_address for each in found]
        )
        self.assertEqual({(VF, 2, 4)}, {(d.resource_class, d.free, d.capacity) for d in found})

    def test_files_of_the_host_tell_of_the_devices_what_the_trait_does_not(self):
        providers = [pci_provider("compute2", 0, SILENT)]
        (unknown,) = destination(providers=providers).devices
        told = knowledge("compute2", vf())
        (known,) = destination(providers=providers, knowledge=told).devices
        self.assertEqual((Marking.UNKNOWN, Marking.MARKED), (unknown.marking, known.marking))

    def test_a_full_host_shows_none(self):
        self.assertEqual((), destination(tree=None).devices)
