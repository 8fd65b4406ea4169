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

"""What a provider that may be written gets, why, and whether it stays."""

import testtools

from placement_sync.engine.decision import decisions
from placement_sync.engine.desired import desired
from placement_sync.engine.plan import Durability
from tests.unit.placement_sync.fleet import (
    LIVE,
    NOT_LIVE,
    UNTAGGED,
    YES,
    facts,
    host,
    of_nova,
    provider,
    root,
    snapshot,
)


class TestDecisions(testtools.TestCase):
    def decided(self, config, *children):
        tree = snapshot(root(), *children).trees["compute1"]
        return list(decisions(config, tree, desired(config, tree)))

    def test_the_root_comes_first_and_nova_s_providers_never(self):
        names = ("compute1_b_0000:82:00.0", "compute1_a_0000:81:00.0")
        found = self.decided(
            host("compute1", YES), *(provider(name, "compute1") for name in names), of_nova()
        )
        self.assertEqual(
            ["compute1", *sorted(names)], [decision.provider.name for decision in found]
        )
        self.assertEqual([True, False, False], [decision.is_root for decision in found])

    def test_only_on_a_root_it_is_known_that_a_write_stays(self):
        found = self.decided(
            host("compute1", YES), provider("compute1_switch_0000:81:00.0", "compute1")
        )
        self.assertEqual(
            [Durability.DURABLE, Durability.UNKNOWN], [each.step.durability for each in found]
        )

    def test_a_step_has_what_changes_with_its_reason(self):
        config = host("compute1", YES)
        tree = snapshot(root("compute1", NOT_LIVE, "CUSTOM_BLUE")).trees["compute1"]
        (decision,) = decisions(config, tree, desired(config, tree))
        self.assertEqual(({LIVE}, {NOT_LIVE}), (decision.step.add, decision.step.remove))
        self.assertEqual({LIVE, NOT_LIVE}, decision.step.reasons.keys())
        self.assertEqual({LIVE, NOT_LIVE}, decision.changed)

    def test_what_placement_says_now_is_no_part_of_the_basis(self):
        bases = []
        for config, has in (
            (host("compute1", YES), ()),
            (host("compute1", YES), (LIVE,)),
            (host("compute1", YES, UNTAGGED), ()),
            (host("compute1", UNTAGGED), ()),
            (host("compute1", UNTAGGED, facts=facts()), ()),
        ):
            tree = snapshot(root("compute1", *has)).trees["compute1"]
            (decision,) = decisions(config, tree, desired(config, tree))
            bases.append(decision.basis)
        before, same, other_specs, bare, with_facts = bases
        self.assertEqual(before, same)
        self.assertNotEqual(before, other_specs)
        self.assertNotEqual(bare, with_facts)
