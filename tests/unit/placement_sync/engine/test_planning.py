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

"""A plan keeps what is foreign, reaches what is desired, and is empty the second time."""

import dataclasses

import testtools
from hypothesis import given
from hypothesis import strategies as st

from placement_sync.engine.finding import Kind
from placement_sync.engine.planning import Aliases, compare, make_plan
from placement_sync.engine.traits import is_ours
from tests.unit.placement_sync.cases import FindingsTestCase
from tests.unit.placement_sync.fleet import (
    ALIAS_YES,
    LIVE,
    MANAGED,
    MLX5,
    NO,
    NOT_LIVE,
    OWNER,
    UNTAGGED,
    YES,
    facts,
    host,
    of_nova,
    provider,
    root,
    snapshot,
    vf,
)

TRAITS = st.frozensets(
    st.sampled_from([LIVE, NOT_LIVE, MLX5, "CUSTOM_VFIO_DRIVER_OLD", "CUSTOM_BLUE", OWNER])
)
SPECS = st.lists(
    st.sampled_from([YES, NO, UNTAGGED, {"address": "0000:81:00.*", "live_migratable": "no"}]),
    max_size=3,
)
VFS = st.lists(
    st.builds(
        vf,
        st.integers(1, 7),
        st.sampled_from(["mlx5_vfio_pci", "vfio-pci", "mlx5_core", None]),
        product_id=st.sampled_from(["101e", "1019"]),
    ),
    unique_by=lambda device: device.address,
    max_size=4,
)


@st.composite
def fleets(draw):
    """Return hosts, of which placement may not know all, and what placement has."""
    hosts, providers = [], []
    for name in ("compute1", "compute2", "compute3"):
        known = draw(st.none() | VFS)
        config = host(
            name,
            *draw(SPECS),
            reports=draw(st.sampled_from([None, False, True])),
            facts=None if known is None else facts(*known, name=name),
        )
        if draw(st.booleans()):
            hosts.append(config)
        if not draw(st.integers(0, 4)):
            continue
        providers.append(root(name, *draw(TRAITS)))
        for address in draw(st.sets(st.sampled_from(["0000:81:00.0", "0000:90:00.0"]))):
            owner = draw(st.sampled_from([(MANAGED, OWNER), (MANAGED,), ("OWNER_CYBORG",)]))
            full_name = f"{name}_{address.upper()}"
            providers.append(provider(full_name, name, *owner, *draw(TRAITS)))
    return hosts, providers


def applied(providers, plan):
    """Return the providers as placement has them after a plan."""
    steps = {step.uuid: step for step in plan.steps}
    return [
        dataclasses.replace(each, traits=steps[each.uuid].applied_to(each.traits))
        if each.uuid in steps
        else each
        for each in providers
    ]


class TestProperties(testtools.TestCase):
    @given(fleets())
    def test_only_our_traits_of_known_hosts_change_and_nova_s_providers_never(self, fleet):
        hosts, providers = fleet
        plan, _ = make_plan(compare(hosts, snapshot(*providers)))
        names = {config.name for config in hosts}
        by_uuid = {each.uuid: each for each in providers}
        for step in plan.steps:
            self.assertIn(step.host, names)
            self.assertNotIn(MANAGED, by_uuid[step.uuid].traits)
            self.assertTrue(all(map(is_ours, step.add | step.remove)))
            self.assertEqual(frozenset(), step.add & step.remove)
            self.assertEqual(step.add | step.remove, step.reasons.keys())
            before = by_uuid[step.uuid].traits
            after = step.applied_to(before)
            foreign = {trait for trait in before if not is_ours(trait)}
            self.assertEqual(foreign, {trait for trait in after if not is_ours(trait)})

    @given(fleets())
    def test_the_plan_reaches_what_is_desired_and_is_empty_then(self, fleet):
        hosts, providers = fleet
        plan, _ = make_plan(compare(hosts, snapshot(*providers)))
        comparison = compare(hosts, snapshot(*applied(providers, plan)))
        again, _ = make_plan(comparison)
        self.assertEqual((), again.steps)
        self.assertEqual(plan.findings, again.findings)
        for decision in comparison.decisions:
            self.assertLessEqual(decision.wish.present.keys(), decision.provider.traits)
            self.assertFalse(decision.wish.absent.keys() & decision.provider.traits)

    @given(fleets())
    def test_a_plan_does_not_depend_on_the_order_of_what_is_read(self, fleet):
        hosts, providers = fleet
        plan, _ = make_plan(compare(hosts, snapshot(*providers)))
        turned, _ = make_plan(compare(hosts[::-1], snapshot(*providers[::-1])))
        self.assertEqual(plan, turned)

    @given(fleets())
    def test_no_root_promises_what_its_facts_deny(self, fleet):
        hosts, providers = fleet
        comparison = compare(hosts, snapshot(*providers))
        for config in comparison.hosts:
            if config.facts is None or LIVE not in comparison.wanted[config.name].root.present:
                continue
            self.assertTrue(
                any(
                    device.migration or device.driver in ("mlx5_core", None)
                    for device in config.facts.devices
                )
            )


class TestFindings(FindingsTestCase):
    def test_what_is_not_known_is_said_and_is_no_drift(self):
        before_34 = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        plan = self.plan([host("compute1", YES, NO)], root(), before_34)
        self.assertEqual({Kind.UNDECIDED}, {found.kind for found in plan.findings})
        self.assertFalse(plan.has_drift)

    def test_providers_are_counted(self):
        plan = self.plan([host("compute1", YES)], root("compute1", LIVE), of_nova())
        self.assertEqual((2, 1, 0), (plan.providers, plan.nova_wrong, plan.contested))


class TestAliases(FindingsTestCase):
    def test_part_of_a_cloud_says_nothing_about_aliases(self):
        config = host("compute1", aliases=[ALIAS_YES])
        aliases = dataclasses.replace(self.aliases(config), is_whole_cloud=False)
        trees = (root(), root("compute2"))
        self.assertEqual((), self.plan([config], *trees, aliases=aliases).findings)

    def test_a_cloud_whose_trees_are_all_known_is_a_whole_one(self):
        config = host("compute1", aliases=[ALIAS_YES])
        aliases = dataclasses.replace(self.aliases(config), is_whole_cloud=False)
        self.finding(Kind.ALIAS_WITHOUT_PROVIDER, [config], root(), aliases=aliases)

    def test_aliases_may_be_judged_by_more_hosts_than_those_of_the_plan(self):
        mine, others = host("compute1", aliases=[ALIAS_YES]), host("compute2", YES)
        trees = snapshot(root(), root("compute2"))
        aliases = Aliases(mine.conf.aliases, seen=compare([mine, others], trees))
        plan, _ = make_plan(compare([mine], trees), aliases=aliases)
        self.assertEqual((), plan.findings)
