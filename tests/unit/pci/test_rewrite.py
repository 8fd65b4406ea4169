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

"""A setting that is rewritten means the same as before but for the one thing that is changed."""

from __future__ import annotations

import dataclasses
import json

import os_traits
import testtools
from hypothesis import given

from tests.unit import strategies
from vfio_lm.pci import LiveMigratable, parse_aliases, parse_device_specs
from vfio_lm.pci.rewrite import alias_with_trait, device_spec_with

_TRAIT = os_traits.HW_PCI_LIVE_MIGRATABLE


def _spec(**fields):
    (spec,) = parse_device_specs([json.dumps(fields)], report_in_placement=True)
    return spec


def _read(setting):
    (spec,) = parse_device_specs([setting.value], report_in_placement=True)
    return spec


class TestDeviceSpecWith(testtools.TestCase):
    @given(strategies.USABLE_DEVICE_SPECS)
    def test_all_else_stays(self, fields):
        before = _spec(**fields)
        for value in LiveMigratable:
            after = _read(device_spec_with(before, value))
            self.assertIs(value, after.live_migratable)

            def rest(spec):
                tags = {k: v for k, v in spec.tags.items() if k != "live_migratable"}
                return dataclasses.replace(spec, tags=tags)

            self.assertEqual(rest(before), rest(after))

    def test_the_trait_is_added_once_to_those_that_are_there(self):
        for traits, wanted in (
            (None, _TRAIT),
            ("CUSTOM_A", f"CUSTOM_A,{_TRAIT}"),
            (f"{_TRAIT},CUSTOM_A", f"{_TRAIT},CUSTOM_A"),
        ):
            spec = _spec(vendor_id="8086", **({"traits": traits} if traits else {}))
            setting = device_spec_with(spec, LiveMigratable.YES, names_trait=True)
            self.assertEqual(wanted, json.loads(setting.value)["traits"])


class TestAliasWithTrait(testtools.TestCase):
    def test_an_alias_asks_for_the_trait_and_all_else(self):
        written = {
            "name": "vf",
            "vendor_id": "8086",
            "product_id": "1515",
            "device_type": "type-VF",
            "numa_policy": "required",
            "live_migratable": "yes",
            "traits": "CUSTOM_A",
        }
        before = parse_aliases([json.dumps(written)])["vf"]
        (setting,) = alias_with_trait(before)
        after = parse_aliases([setting.value])["vf"]
        self.assertEqual(before.specs[0].traits | {_TRAIT}, after.specs[0].traits)
        self.assertEqual("required", after.numa_policy)
        self.assertEqual(written | {"traits": f"CUSTOM_A,{_TRAIT}"}, json.loads(setting.value))

    def test_an_alias_of_several_kinds_is_several_lines(self):
        kind = {"name": "vf", "vendor_id": "8086", "device_type": "type-VF"}
        texts = [json.dumps(kind | {"product_id": product}) for product in ("1515", "154c")]
        settings = alias_with_trait(parse_aliases(texts)["vf"])
        self.assertEqual(
            ["1515", "154c"], [json.loads(each.value)["product_id"] for each in settings]
        )
