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

"""What the tree of a host shall say, from facts, from placement, or from nova.conf alone."""

import testtools

from placement_sync.engine import evidence
from placement_sync.engine.desired import desired
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
    root,
    snapshot,
    vf,
)
from vfio_lm.pci import DeviceKind, NovaRelease, PciAddress
from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.pci.migratability import MigrationFlags


class DesiredTestCase(testtools.TestCase):
    def desired(self, config, *children):
        return desired(config, snapshot(root(), *children).trees["compute1"])

    def assert_root(self, wanted, present=(), unknown=()):
        """All of our two traits that are neither present nor unknown shall be absent."""
        self.assertEqual(set(present), set(wanted.root.present))
        told = wanted.root.present.keys() | wanted.root.absent.keys()
        self.assertEqual(set(unknown), {LIVE, NOT_LIVE} - told)


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

    def test_devices_of_neutron_do_not_count(self):
        neutron = YES | {"physical_network": "physnet1"}
        remote = YES | {"remote_managed": "true"}
        self.assert_root(self.desired(host("compute1", neutron, remote)))

    def test_driver_traits_are_not_judged(self):
        wanted = self.desired(host("compute1", YES))
        self.assertEqual(frozenset(), wanted.root.surplus(frozenset({MLX5, "CUSTOM_OTHER"})))


class TestFromPlacement(DesiredTestCase):
    def test_a_host_that_reports_no_device_has_none(self):
        self.assert_root(self.desired(host("compute1", YES, NO, reports=True)))

    def test_the_first_specification_at_the_address_decides(self):
        here, there = ({"address": f"0000:{bus}:00.*"} for bus in ("81", "82"))
        specs = (there | {"live_migratable": "yes"}, here | {"live_migratable": "no"}, YES)
        wanted = self.desired(host("compute1", *specs), of_nova())
        self.assert_root(wanted, {NOT_LIVE})

    def test_the_traits_of_nova_34_tell_which_specification_decides(self):
        specs = (YES, UNTAGGED | {"product_id": "1019"})
        self.assert_root(self.desired(host("compute1", *specs), of_nova(LIVE)), {LIVE})
        self.assert_root(self.desired(host("compute1", *specs), of_nova()))

    def test_the_resource_class_tells_which_specification_decides(self):
        config = host("compute1", YES, NO)
        for resource_class, present in (
            ("CUSTOM_PCI_15B3_101E", {LIVE}),
            ("CUSTOM_PCI_10DE_2331", {NOT_LIVE}),
        ):
            child = provider("compute1_0000:81:00.0", "compute1", MANAGED, classes=[resource_class])
            self.assert_root(self.desired(config, child), present)

    def test_a_requested_resource_class_tells_as_well(self):
        specs = (YES | {"resource_class": "gpu"}, NO)
        child = provider("compute1_0000:81:00.0", "compute1", MANAGED, classes=["CUSTOM_GPU"])
        self.assert_root(self.desired(host("compute1", *specs), child), {LIVE})

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

    def test_patterns_of_vfs_elsewhere_on_the_bus(self):
        spec = {"address": "0000:81:10.*", "live_migratable": "yes"}
        self.assert_root(self.desired(host("compute1", spec), of_nova(LIVE)), {LIVE})
        other_bus = {"address": "0000:90:10.*", "live_migratable": "yes"}
        self.assert_root(self.desired(host("compute1", other_bus), of_nova(LIVE)))

    def test_the_release_follows_from_the_owner(self):
        self.assertIs(NovaRelease.R2026_2, self.desired(host(), of_nova()).release)
        old = provider("compute1_0000:81:00.0", "compute1", MANAGED)
        self.assertIs(NovaRelease.R2025_1, self.desired(host(), old).release)


class TestFromFacts(DesiredTestCase):
    def from_facts(self, *devices, specs=(YES,), children=(), **kwargs):
        config = host("compute1", *specs, facts=facts(*devices), **kwargs)
        return self.desired(config, *children)

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

    def test_each_obstacle(self):
        for changes in (
            {"migration": MigrationFlags()},
            {"is_devlink_migratable": False},
            {"driver": "vfio-pci", "migration": None, "has_variant_driver": False},
        ):
            self.assert_root(self.from_facts(vf(**changes)))

    def test_what_is_not_known_leaves_the_word_of_the_operator(self):
        busy = vf(migration=None, unknown={"migration": "in use"})
        self.assert_root(self.from_facts(busy), {LIVE, MLX5})
        by_libvirt = vf(driver="mlx5_core")
        self.assert_root(self.from_facts(by_libvirt), {LIVE})
        by_nobody = self.from_facts(by_libvirt, specs=(YES | {"managed": "no"},))
        self.assert_root(by_nobody)

    def test_a_pf_with_vfs_is_not_what_live_migrates(self):
        pf = DeviceFacts(
            address=PciAddress(0, 0x81, 0, 0),
            vendor_id="15b3",
            product_id="1019",
            kind=DeviceKind.PF,
            driver="mlx5_core",
            has_variant_driver=False,
        )
        whole = {"address": "0000:81:00.*", "live_migratable": "yes"}
        self.assert_root(self.from_facts(pf, vf(driver="vfio-pci"), specs=(whole,)))

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

    def test_an_address_ends_the_name(self):
        for name, is_address in (
            ("compute1_0000:81:00.0", True),
            ("compute1:NIC Switch agent:0000:81:00.0", True),
            ("0000:81:00.0", True),
            ("compute1_A0000:81:00.0", False),
            ("compute1:NIC Switch agent:eth0", False),
            ("compute1", False),
        ):
            found = evidence.address_of(provider(name, "compute1"))
            self.assertEqual(is_address, found is not None, name)
