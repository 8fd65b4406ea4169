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

"""The alias extra spec of a flavor is read as nova reads it."""

import json

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova import exception, objects
from nova.pci import request

from tests.unit.nova_rules import configured
from vfio_lm.pci import parse_alias_requests
from vfio_lm.pci.alias import AliasError

_NAMES = ("vf", "nic", "g p u")
_ALIASES = [json.dumps({"name": n, "vendor_id": "8086", "product_id": "1515"}) for n in _NAMES]
_ITEMS = st.one_of(
    st.tuples(st.sampled_from(_NAMES), st.integers(0, 9)).map(lambda pair: f"{pair[0]}:{pair[1]}"),
    st.sampled_from([" vf : 2 ", "vf", "vf:", "vf:x", ":1", "", "vf:1:2", "vf:-1", "vf:１"]),
)


class TestAgainstNova(testtools.TestCase):
    @given(st.lists(_ITEMS, min_size=1, max_size=3).map(",".join))
    def test_nova_reads_the_same_requests(self, text):
        extra_specs = {"pci_passthrough:alias": text}
        flavor = objects.Flavor(extra_specs=extra_specs)
        try:
            with configured(aliases=_ALIASES):
                expected = [
                    (item.alias_name, item.count)
                    for item in request.get_pci_requests_from_flavor(flavor).requests
                ]
        except exception.PciRequestAliasNotDefined:
            return  # the name is read the same way, it is only not defined here
        except ValueError:
            self.assertRaises(AliasError, parse_alias_requests, extra_specs)
            return
        found = parse_alias_requests(extra_specs)
        self.assertEqual(expected, [(item.alias, item.count) for item in found])

    def test_a_flavor_without_the_extra_spec_asks_for_nothing(self):
        self.assertEqual((), parse_alias_requests({"hw:numa_nodes": "1"}))

    def test_the_refusal_names_the_extra_spec_and_the_form(self):
        error = self.assertRaises(
            AliasError, parse_alias_requests, {"pci_passthrough:alias": "vf:1,nic"}
        )
        self.assertIn("pci_passthrough:alias='vf:1,nic': 'nic' is not of the form", str(error))
