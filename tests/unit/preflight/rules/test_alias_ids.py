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

"""Whether the devices behind a resource class are what an alias asks for beside it."""

from __future__ import annotations

import dataclasses
import json

import testtools

from tests.unit.preflight.scenario import (
    MARKED,
    VF,
    destination,
    facts,
    knowledge,
    pci_provider,
    vf,
)
from vfio_lm.pci import parse_aliases
from vfio_lm.preflight.rules.alias_ids import kind_shortages

_SPEC = {"vendor_id": "8086", "resource_class": VF, "live_migratable": "yes"}
_ALIAS = {"name": "vf", "vendor_id": "8086", "product_id": "1515", "resource_class": VF}


class TestKindShortages(testtools.TestCase):
    def shortages(self, *devices, count=1, told=True, specs=(_SPEC,), unreadable=(), **alias):
        host = knowledge("compute2", *devices, specs=specs, unreadable=dict(unreadable))
        known = facts(
            devices=count,
            aliases=parse_aliases([json.dumps(_ALIAS | {"live_migratable": "yes"} | alias)]),
            hosts={"compute2": host} if told else {},
            destinations=(destination(knowledge=host),),
        )
        return list(kind_shortages(known, known.destinations[0]))

    def test_devices_with_the_right_ids_are_enough(self):
        self.assertEqual([], self.shortages(vf(1), vf(2)))

    def test_devices_with_other_ids_are_none(self):
        (short,) = self.shortages(vf(1, product_id="154c"), vf(2, product_id="154c"))
        self.assertEqual((0, 0), (short.fitting, short.perhaps))
        self.assertEqual(("0000:81:00.0",), short.others)

    def test_devices_that_could_not_be_read_may_have_them(self):
        unreadable = {"0000:81:00.2": "it has vanished"}
        self.assertEqual([], self.shortages(vf(1, product_id="154c"), unreadable=unreadable))

    def test_a_pf_with_some_of_them_may_do(self):
        (short,) = self.shortages(vf(1), vf(2, product_id="154c"))
        self.assertEqual((0, 2), (short.fitting, short.perhaps))

    def test_whether_they_are_declared_is_another_question(self):
        untagged = {key: value for key, value in _SPEC.items() if key != "live_migratable"}
        self.assertEqual([], self.shortages(vf(1), vf(2), specs=[untagged]))

    def test_without_facts_nothing_is_held_against_the_host(self):
        self.assertEqual([], self.shortages(vf(1, product_id="154c"), told=False))
        self.assertEqual([], self.shortages())

    def test_a_device_of_a_network_is_none_of_an_alias(self):
        network = _SPEC | {"product_id": "154c", "physical_network": "physnet1"}
        self.assertEqual([], self.shortages(vf(1, product_id="154c"), specs=[network]))

    def test_a_provider_without_the_traits_is_not_offered_at_all(self):
        other = [vf(1, product_id="154c"), vf(2, product_id="154c")]
        self.assertEqual([], self.shortages(*other, traits="CUSTOM_FAST"))
        fast = pci_provider("compute2", 0, MARKED | {"CUSTOM_FAST"})
        host = knowledge("compute2", *other, specs=[_SPEC])
        known = facts(
            aliases=parse_aliases([json.dumps(_ALIAS | {"traits": "CUSTOM_FAST"})]),
            hosts={"compute2": host},
        )
        where = destination(providers=[fast], knowledge=host)
        known = dataclasses.replace(known, destinations=(where,))
        self.assertEqual(1, len(list(kind_shortages(known, where))))
