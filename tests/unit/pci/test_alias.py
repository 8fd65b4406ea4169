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

"""Aliases mean what they mean to nova."""

from __future__ import annotations

import json

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova import exception, objects
from nova.pci import request

from tests.unit import strategies
from tests.unit.nova_rules import configured
from vfio_lm.pci import Alias, LiveMigratable, parse_aliases
from vfio_lm.pci.alias import AliasError


def as_nova_has_it(alias: Alias) -> tuple[str, list[dict[str, str]]]:
    """Write an alias down in the form of nova's get_alias_from_config."""
    said = {LiveMigratable.YES: "true", LiveMigratable.NO: "false"}
    specs = []
    for spec in alias.specs:
        fields = {
            "vendor_id": spec.vendor_id,
            "product_id": spec.product_id,
            "dev_type": spec.device_type,
            "resource_class": spec.requested_resource_class,
            "traits": spec.requested_traits,
            "live_migratable": said.get(spec.live_migratable),
            "capability_type": spec.capability_type,
        }
        specs.append({key: value for key, value in fields.items() if value is not None})
    return alias.numa_policy, specs


class TestAgainstNova(testtools.TestCase):
    """The same values are given to nova 34's own parser."""

    @given(st.lists(strategies.ALIAS_VALUES, max_size=4), st.booleans())
    def test_nova_accepts_and_refuses_the_same_values(self, values, pci_in_placement):
        with configured(aliases=values, pci_in_placement=pci_in_placement):
            try:
                expected = request.get_alias_from_config()
            except exception.PciInvalidAlias:
                expected = None
        try:
            aliases = parse_aliases(values, pci_in_placement=pci_in_placement)
        except AliasError:
            self.assertIsNone(expected)
        else:
            self.assertEqual(
                expected, {name: as_nova_has_it(alias) for name, alias in aliases.items()}
            )

    @given(st.lists(st.none() | strategies.LIVE_MIGRATABLE, min_size=1, max_size=3))
    def test_nova_moves_servers_of_the_same_aliases(self, tags):
        common = {
            "name": "vf",
            "vendor_id": "8086",
            "product_id": "1515",
            "device_type": "type-VF",
        }
        values = [
            json.dumps(common if tag is None else common | {"live_migratable": tag}) for tag in tags
        ]
        try:
            alias = parse_aliases(values)["vf"]
        except AliasError:
            return  # refused by nova as well, see above
        with configured(aliases=values):
            _, specs = request.get_alias_from_config()["vf"]
        nova_request = objects.InstancePCIRequest(count=1, spec=specs)
        self.assertEqual(
            nova_request.is_live_migratable(), alias.live_migratable is LiveMigratable.YES
        )


class TestMessages(testtools.TestCase):
    """What an operator reads about a wrong alias names the value and the mistake."""

    def refusal(self, *values: str, **kwargs: bool) -> str:
        return str(self.assertRaises(AliasError, parse_aliases, values, **kwargs))

    def test_broken_json_is_shown_with_its_place(self):
        self.assertIn('{"name": }: not valid JSON: Expecting value', self.refusal('{"name": }'))

    def test_an_unknown_key_is_named(self):
        self.assertIn("'dev_type' was unexpected", self.refusal('{"name":"vf","dev_type":"x"}'))

    def test_a_wrong_value_is_shown_with_its_key(self):
        said = self.refusal('{"name": "vf", "vendor_id": "808"}')
        self.assertIn("vendor_id: '808' does not match", said)

    def test_a_live_migratable_that_is_no_boolean_is_refused(self):
        said = self.refusal('{"name": "vf", "live_migratable": "maybe"}')
        self.assertIn("live_migratable: Unrecognized value 'maybe'", said)

    def test_two_definitions_need_pci_outside_of_placement(self):
        value = '{"name":"vf","vendor_id":"8086","product_id":"1515","device_type":"type-VF"}'
        self.assertEqual(2, len(parse_aliases([value, value])["vf"].specs))
        self.assertIn("there may be only one", self.refusal(value, value, pci_in_placement=True))

    def test_deep_json_is_refused_without_a_traceback(self):
        self.assertIn("not valid JSON", self.refusal("[" * 100_000))
