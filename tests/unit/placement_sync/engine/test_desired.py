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

"""What the tree of a host should say, from facts, from placement, or from nova.conf alone."""

from tests.unit.placement_sync.cases import DesiredTestCase
from tests.unit.placement_sync.fleet import (
    LIVE,
    MANAGED,
    MLX5,
    NO,
    NOT_LIVE,
    UNTAGGED,
    YES,
    facts,
    host,
    of_nova,
    provider,
    vf,
)
from vfio_lm.pci import NovaRelease, PciAddress


class TestFromConfigurationAlone(DesiredTestCase):
    def test_each_value_has_its_trait(self):
        for specs, present in (
            ((YES,), {LIVE}),
            ((NO,), {NOT_LIVE}),
            ((YES, NO), {LIVE, NOT_LIVE}),
            ((UNTAGGED,), set()),
            ((), set()),
        ):
            self.assert_root(self.desired(host("compute1", *specs)), present)

    def test_the_plan_says_that_this_is_the_basis(self):
        wanted = self.desired(host("compute1", YES))
        self.assertIn("configuration alone", wanted.root.present[LIVE])

    def test_driver_traits_are_not_judged(self):
        wanted = self.desired(host("compute1", YES))
        self.assertEqual(frozenset(), wanted.root.surplus(frozenset({MLX5, "CUSTOM_OTHER"})))


class TestFromPlacement(DesiredTestCase):
    def test_a_host_that_reports_no_device_has_none(self):
        self.assert_root(self.desired(host("compute1", YES, NO, reports=True)))

    def test_what_cannot_be_told_stays_as_it_is(self):
        before_34 = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        wanted = self.desired(host("compute1", YES, NO), before_34)
        self.assert_root(wanted, unknown={LIVE, NOT_LIVE})
        self.assertTrue(wanted.is_ambiguous)
        self.assertEqual(frozenset(), wanted.root.surplus(frozenset({LIVE, NOT_LIVE})))

    def test_one_device_that_is_clear_is_enough_for_its_trait(self):
        unclear = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        clear = provider(
            "compute1_0000:82:00.0", "compute1", MANAGED, classes=["CUSTOM_PCI_15B3_101E"]
        )
        wanted = self.desired(host("compute1", YES, NO), unclear, clear)
        self.assert_root(wanted, {LIVE}, unknown={NOT_LIVE})

    def test_the_release_follows_from_the_owner(self):
        self.assertIs(NovaRelease.R2026_2, self.desired(host(), of_nova()).release)
        old = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        self.assertIs(NovaRelease.R2025_1, self.desired(host(), old).release)


class TestFromFacts(DesiredTestCase):
    def test_a_device_that_can_migrate_gives_trait_and_driver(self):
        wanted = self.from_facts(vf())
        self.assert_root(wanted, {LIVE, MLX5})

    def test_without_the_device_the_configuration_promises_nothing(self):
        self.assert_root(self.from_facts())
        self.assert_root(self.from_facts(vf(product_id="1019")))

    def test_plain_vfio_pci_does_not_give_the_trait_whatever_is_declared(self):
        wanted = self.from_facts(vf(driver="vfio-pci"))
        self.assert_root(wanted)
        self.assertIn("can be live migrated", wanted.root.absent[LIVE])

    def test_one_good_device_is_enough(self):
        self.assert_root(self.from_facts(vf(1, driver="vfio-pci"), vf(2)), {LIVE, MLX5})

    def test_facts_make_no_device_migratable_that_is_not_declared(self):
        self.assert_root(self.from_facts(vf(), specs=(UNTAGGED,)))

    def test_other_driver_traits_go_and_foreign_ones_stay(self):
        old = "CUSTOM_VFIO_DRIVER_QAT_VFIO_PCI"
        wanted = self.from_facts(vf())
        self.assertEqual({old}, wanted.root.surplus(frozenset({old, MLX5, "CUSTOM_BLUE"})))

    def test_facts_without_devices_for_a_reason_say_nothing(self):
        config = host("compute1", YES, facts=facts(devices="no sysfs"))
        self.assert_root(self.desired(config), {LIVE})

    def test_devices_that_only_placement_knows_can_say_no_but_not_yes(self):
        other = of_nova(address="0000:90:00.0", classes=["CUSTOM_PCI_10DE_2331"])
        self.assert_root(self.from_facts(specs=(YES, NO), children=(other,)), {NOT_LIVE})
        other = of_nova(LIVE, address="0000:90:00.0", classes=["CUSTOM_PCI_15B3_101E"])
        self.assert_root(self.from_facts(specs=(YES, NO), children=(other,)))

    def test_a_no_that_shows_nowhere_is_not_known(self):
        self.assert_root(self.from_facts(vf(), specs=(YES, NO)), {LIVE, MLX5}, {NOT_LIVE})


class TestChildren(DesiredTestCase):
    """Providers of PCI devices that nova does not own."""

    def child(self, *traits):
        return provider("compute1_switch_0000:81:00.0", "compute1", *traits)

    def test_they_carry_what_is_declared_of_their_devices(self):
        for spec, present in ((YES, {LIVE}), (UNTAGGED, set()), (NO, {NOT_LIVE})):
            wanted = self.desired(host("compute1", spec), self.child())
            (wish,) = wanted.children.values()
            self.assertEqual(present, set(wish.present))

    def test_those_that_no_specification_means_are_left_alone(self):
        spec = YES | {"address": "0001:81:00.0"}
        self.assertEqual({}, self.desired(host("compute1", spec), self.child()).children)

    def test_with_facts_they_carry_their_driver(self):
        wanted = self.desired(host("compute1", YES, facts=facts(vf())), self.child())
        (wish,) = wanted.children.values()
        self.assertEqual({LIVE, MLX5}, set(wish.present))
        elsewhere = facts(vf(parent_address=PciAddress(0, 0x90, 0, 0)))
        self.assertEqual(
            {}, self.desired(host("compute1", YES, facts=elsewhere), self.child()).children
        )

    def test_those_of_nova_are_never_among_them(self):
        wanted = self.desired(host("compute1", YES), of_nova())
        self.assertEqual(({}, 1), (wanted.children, len(wanted.of_nova)))
