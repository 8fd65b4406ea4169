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
from vfio_lm.pci import PciAddress, parse_aliases
from vfio_lm.pci.migratability import MigrationFlags

CLASS = "CUSTOM_PCI_15B3_101E"

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


class FindingsTestCase(testtools.TestCase):
    def plan(self, hosts, *providers, **kwargs):
        return make_plan(compare(hosts, snapshot(*providers)), **kwargs)[0]

    def finding(self, kind, hosts, *providers, **kwargs):
        """Return the only finding."""
        (found,) = self.plan(hosts, *providers, **kwargs).findings
        self.assertIs(kind, found.kind, found)
        return found


class TestFindings(FindingsTestCase):
    def test_a_host_that_placement_does_not_know(self):
        plan = self.plan([host("compute1", YES)])
        (found,) = plan.findings
        self.assertEqual((), plan.steps)
        self.assertEqual((Kind.HOST_WITHOUT_PROVIDER, "compute1"), (found.kind, found.subject))
        self.assertEqual("compute1.conf", found.where)

    def test_nova_34_misses_the_trait_until_it_is_restarted(self):
        found = self.finding(Kind.MISSING, [host("compute1", YES)], root(), of_nova())
        self.assertIn("restart nova-compute", found.remedy)
        self.assertEqual("compute1.conf:2", found.where)

    def test_before_34_the_line_to_change_and_the_tag_to_add_are_named(self):
        before = provider("compute1_0000:81:00.0", "compute1", MANAGED, classes=[CLASS])
        config = host("compute1", NO, YES | {"traits": "CUSTOM_FAST"})
        found = self.finding(Kind.MISSING, [config], root(), before)
        self.assertIn(f'"traits": "CUSTOM_FAST,{LIVE}"', found.remedy)
        self.assertEqual("compute1.conf:3", found.where)
        self.assertIn("durable if we set it: no", found.text)

    def test_before_34_with_the_tag_nova_compute_needs_a_restart(self):
        before = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        spec = YES | {"traits": LIVE}
        found = self.finding(Kind.MISSING, [host("compute1", spec)], root(), before)
        self.assertIn("restart", found.remedy)
        self.assertNotIn("add", found.remedy)

    def test_a_trait_too_many(self):
        found = self.finding(Kind.EXTRA, [host("compute1", UNTAGGED)], root(), of_nova(LIVE))
        self.assertIn("restart", found.remedy)
        tagged = UNTAGGED | {"traits": LIVE}
        found = self.finding(Kind.EXTRA, [host("compute1", tagged)], root(), of_nova(LIVE))
        self.assertIn('out of "traits"', found.remedy)

    def test_a_provider_that_no_specification_means(self):
        spec = YES | {"address": "0001:00:00.0"}
        self.finding(Kind.PROVIDER_WITHOUT_DEVICE, [host("compute1", spec)], root(), of_nova())

    def test_a_provider_whose_device_the_kernel_does_not_know(self):
        config = host("compute1", YES, facts=facts())
        found = self.finding(Kind.PROVIDER_WITHOUT_DEVICE, [config], root(), of_nova(LIVE))
        self.assertIn("host facts", found.text)

    def test_a_device_that_nova_compute_does_not_report(self):
        config = host("compute1", YES, reports=True, facts=facts(vf(1), vf(2)))
        found = self.finding(Kind.DEVICE_WITHOUT_PROVIDER, [config], root())
        self.assertIn("0000:81:00.1, 0000:81:00.2", found.text)
        self.assertEqual((), self.plan([config], root(), of_nova(LIVE)).findings)
        silent = host("compute1", YES, facts=facts(vf(1)))
        self.assertEqual((), self.plan([silent], root()).findings)

    def test_drivers_that_cannot_are_named_together(self):
        devices = [vf(function, driver="vfio-pci") for function in range(1, 7)]
        config = host("compute1", YES, facts=facts(*devices))
        found = self.finding(Kind.DRIVER_CANNOT, [config], root())
        self.assertIn("0000:81:00.4 and 2 more", found.text)
        self.assertEqual("compute1.conf:2", found.where)

    def test_the_remedy_is_possible_on_that_host(self):
        for remedy, changes in (
            ("bind the devices to their variant driver", {"driver": "vfio-pci"}),
            (
                "give the host a kernel with a variant driver",
                {"driver": "vfio-pci", "is_variant_driver_available": False},
            ),
            ("set the devices migratable in devlink", {"is_devlink_migratable": False}),
            ("give the devices a vGPU type", {"vgpu_type": "0"}),
            ("upgrade the driver, the firmware", {"migration": MigrationFlags()}),
        ):
            config = host("compute1", YES, facts=facts(vf(**changes)))
            found = self.finding(Kind.DRIVER_CANNOT, [config], root())
            self.assertTrue(found.remedy.startswith(remedy), found.remedy)

    def test_what_is_not_known_is_said_and_is_no_drift(self):
        before_34 = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        plan = self.plan([host("compute1", YES, NO)], root(), before_34)
        self.assertEqual({Kind.UNDECIDED}, {found.kind for found in plan.findings})
        self.assertFalse(plan.has_drift)

    def test_providers_are_counted(self):
        plan = self.plan([host("compute1", YES)], root("compute1", LIVE), of_nova())
        self.assertEqual((2, 1, 0), (plan.providers, plan.nova_wrong, plan.contested))

    def test_every_line_of_a_plan_names_its_subject(self):
        plan = self.plan([host("compute1", YES), host("compute2")], root(), of_nova())
        lines = list(plan.lines)
        self.assertEqual(3, len(lines))
        for line, subject in zip(lines, ["compute1", "compute2", "compute1_0000"], strict=True):
            self.assertTrue(line.startswith(subject), line)
        self.assertIn(f"+{LIVE} (durable: yes)", lines[0])


class TestAliases(FindingsTestCase):
    def aliases(self, config, **kwargs):
        return Aliases(aliases=config.conf.aliases, is_whole_cloud=True, **kwargs)

    def test_an_alias_that_no_host_satisfies(self):
        for spec, is_satisfied in ((YES, True), (UNTAGGED, False), (NO, False)):
            config = host("compute1", spec, aliases=[ALIAS_YES])
            plan = self.plan([config], root(), aliases=self.aliases(config))
            self.assertEqual(not is_satisfied, bool(plan.findings), spec)
        self.assertEqual([Kind.ALIAS_WITHOUT_PROVIDER], [found.kind for found in plan.findings])

    def test_two_products_of_one_host(self):
        first = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "yes"}
        config = host("compute1", first, YES, aliases=[ALIAS_YES])
        for classes in ((), (CLASS,)):
            tree = (
                root("compute1", LIVE),
                provider(
                    "compute1_0000:81:00.0", "compute1", MANAGED, OWNER, LIVE, classes=classes
                ),
            )
            plan = self.plan([config], *tree, aliases=self.aliases(config))
            kinds = {found.kind for found in plan.findings}
            self.assertNotIn(Kind.ALIAS_WITHOUT_PROVIDER, kinds, classes)

    def test_devices_that_cannot_migrate_do_not_satisfy_it(self):
        devices = facts(vf(driver="vfio-pci", parent_address=PciAddress(0, 1, 0, 0)))
        config = host("compute1", YES, facts=devices, aliases=[ALIAS_YES])
        plan = self.plan([config], root(), aliases=self.aliases(config))
        self.assertIn(Kind.ALIAS_WITHOUT_PROVIDER, {found.kind for found in plan.findings})

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

    def test_an_alias_by_resource_class(self):
        config = host("compute1", YES | {"resource_class": "gpu"})
        for name, count in (("CUSTOM_GPU", 0), ("CUSTOM_NIC", 1)):
            text = f'{{"name": "a", "resource_class": "{name}", "live_migratable": "yes"}}'
            aliases = Aliases(parse_aliases([text], pci_in_placement=True), is_whole_cloud=True)
            self.assertEqual(count, len(self.plan([config], root(), aliases=aliases).findings))

    def test_the_line_with_the_trait_is_ready_to_paste(self):
        config = host("compute1", YES, aliases=[ALIAS_YES | {"traits": "CUSTOM_FAST"}])
        found = self.finding(
            Kind.ALIAS_WITHOUT_TRAIT, [config], root("compute1", LIVE), of_nova(LIVE),
            aliases=self.aliases(config),
        )  # fmt: skip
        self.assertIn(f'"traits": "CUSTOM_FAST,{LIVE}"}}', found.remedy)
        self.assertFalse(found.kind.is_drift)
