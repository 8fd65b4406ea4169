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

"""What a server asks of its destination: its aliases of today, or what it holds."""

from __future__ import annotations

import dataclasses

import testtools

from tests.unit.preflight.scenario import VF, alias, facts, knowledge, pci_provider
from vfio_lm.cloud.model import Flavor
from vfio_lm.pci import AliasRequest, AliasSpec, LiveMigratable
from vfio_lm.preflight.facts import SourceDevice
from vfio_lm.preflight.rules import request

_YES = alias(LiveMigratable.YES)
_FAST = dataclasses.replace(
    _YES, specs=(dataclasses.replace(_YES.specs[0], requested_traits="CUSTOM_FAST"),)
)


def _held(**classes):
    return [SourceDevice(pci_provider("compute1", 0), classes)]


class TestDeviceGroups(testtools.TestCase):
    def groups(self, count, aliases, held):
        found = request.device_groups([AliasRequest("vf", count)], aliases, held)
        return [(dict(group.resources), set(group.required)) for group in found]

    def test_aliases_that_ask_for_what_is_held_tell_the_traits_too(self):
        found = self.groups(2, {"vf": _FAST}, _held(**{VF: 2}))
        self.assertEqual([({VF: 1}, {"CUSTOM_FAST"})] * 2, found)

    def test_otherwise_the_allocation_is_the_better_witness(self):
        for aliases in ({"vf": _FAST}, {}, None):
            found = self.groups(1, aliases, _held(CUSTOM_OTHER=1))
            self.assertEqual([({"CUSTOM_OTHER": 1}, set())], found)

    def test_each_device_is_a_group_with_a_suffix_of_its_own(self):
        found = request.device_groups([], None, _held(CUSTOM_B=1, CUSTOM_A=2))
        self.assertEqual(3, len({group.suffix for group in found}))
        self.assertEqual(
            ["CUSTOM_A", "CUSTOM_A", "CUSTOM_B"], [min(group.resources) for group in found]
        )


class TestClasses(testtools.TestCase):
    def test_what_is_held_adds_up_over_providers(self):
        held = [*_held(CUSTOM_A=1), *_held(CUSTOM_A=2, CUSTOM_B=1)]
        self.assertEqual({"CUSTOM_A": 3, "CUSTOM_B": 1}, dict(request.held_classes(held)))

    def test_what_the_aliases_of_today_ask_for(self):
        requests = [AliasRequest("vf", 2), AliasRequest("vf", 1)]
        self.assertEqual({VF: 3}, request.requested_classes(requests, {"vf": _YES}))

    def test_an_alias_that_is_not_known_or_means_several_kinds_tells_nothing(self):
        requests = [AliasRequest("vf", 1)]
        self.assertIs(None, request.requested_classes(requests, {}))
        self.assertIs(None, request.requested_classes(requests, None))
        other = AliasSpec(vendor_id="8086", product_id="154c")
        several = dataclasses.replace(_YES, specs=(*_YES.specs, other))
        self.assertIs(None, request.requested_classes(requests, {"vf": several}))


class TestFlavorResources(testtools.TestCase):
    def flavor(self, disk_gib=0, **extra_specs):
        specs = {key.replace("__", ":"): value for key, value in extra_specs.items()}
        return Flavor(name="f", vcpus=2, ram_mib=512, disk_gib=disk_gib, extra_specs=specs)

    def test_the_numbers_of_the_flavor_are_claimed(self):
        self.assertEqual(
            {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 3}, request.flavor_resources(self.flavor(3))
        )

    def test_what_an_extra_spec_names_counts_as_it_says(self):
        flavor = self.flavor(resources__VCPU="0", resources__CUSTOM_LICENCE="1")
        self.assertEqual({"MEMORY_MB": 512, "CUSTOM_LICENCE": 1}, request.flavor_resources(flavor))


class TestAsksForDevices(testtools.TestCase):
    def test_facts_of_hosts_make_each_answer_one_of_its_own(self):
        self.assertIs(True, request.asks_for_devices(facts()))
        self.assertIs(False, request.asks_for_devices(facts(alias_requests=())))
        told = {"compute2": knowledge("compute2")}
        self.assertIs(None, request.asks_for_devices(facts(hosts=told)))
